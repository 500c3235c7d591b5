"""The text of ``data.yaml``: paths that resolve from its own folder, names that no YAML reader takes for other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

# What YAML 1.1 reads as no text although it is letters only.
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_PLAIN = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_ -]*[A-Za-z0-9_])?")
_UNPRINTABLE = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]')
_OWN_KEYS: Final = frozenset(
    {"path", "train", "val", "test", "minival", "validation", "nc", "names", "download", "task"}
)


def quoted(name: str) -> str:
    """``name`` as a YAML scalar that is text under YAML 1.1 and 1.2 alike."""
    if _PLAIN.fullmatch(name) and name.lower() not in _WORDS:
        return name
    return '"' + _UNPRINTABLE.sub(_escape, name) + '"'


def dataset_yaml(
    *,
    splits: Mapping[str, str],
    task: str,
    names: Sequence[str],
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """A whole ``data.yaml``; ``splits`` maps split keys to folders, ``more`` holds further keys (``kpt_shape``)."""
    lines = [f"{quoted(split)}: {quoted(folder)}" for split, folder in splits.items()]
    lines += ["", f"task: {task}", f"nc: {len(names)}", "names:" if names else "names: {}"]
    lines += [f"  {number}: {quoted(name)}" for number, name in enumerate(names)]
    text = "\n".join(lines) + "\n"
    rest = {key: value for key, value in (more or {}).items() if key not in _OWN_KEYS}
    if rest:
        text += "\n" + yaml.safe_dump(rest, allow_unicode=True, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char in '"\\':
        return f"\\{char}"
    code = ord(char)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
