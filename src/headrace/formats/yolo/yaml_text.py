"""Reads YAML as mappings, lists and **text**, without tags, merges or implicit types, and writes ``data.yaml``.

YAML 1.1 turns ``no`` into False and ``012`` into 10, but class names must stay as their author typed them. So every
scalar is kept as text, and :func:`typed` converts values that are known to be numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, Final, Self, TypedDict

import yaml

from headrace.errors import ParseError

MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH = 32
_MAX_NODES = 200_000

# libyaml, where PyYAML has it, is twenty times as fast and yields the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][-+]?[0-9]{1,5})?")

# Words that YAML 1.1 does not read as text.
_WORDS: Final = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_UNQUOTED = re.compile(r"[A-Za-z_](?:[A-Za-z0-9_ -]*[A-Za-z0-9_])?")
_UNPRINTABLE = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]')
_OWN_KEYS: Final = frozenset(
    {"path", "train", "val", "test", "minival", "validation", "nc", "names", "download", "task"}
)
Node = str | list["Node"] | dict[str, "Node"]


class Scalar(str):
    """The text of a scalar, and where it stands: line and column, from 1."""

    __slots__ = ("column", "line")

    line: int
    column: int

    @classmethod
    def at(cls, text: str, mark: Any) -> Self:
        """Return a text with the place of a mark of the parser."""
        scalar = cls(text)
        scalar.line, scalar.column = mark.line + 1, mark.column + 1
        return scalar


class PlainScalar(Scalar):
    """The text of an unquoted scalar, which may stand for a number or null."""

    __slots__ = ()


class YamlPlace(TypedDict, total=False):
    """Line and column, from 1, as arguments of an error."""

    line: int
    column: int


def place_of(node: Node | None) -> YamlPlace:
    """Return the place of a scalar, or of the first one in a list or mapping."""
    while isinstance(node, list | dict) and node:
        node = next(iter(node))
    if isinstance(node, Scalar) and hasattr(node, "line"):
        return {"line": node.line, "column": node.column}
    return {}


def load_yaml(path: Path) -> Node:
    """Read the first document of a YAML file.

    Raises:
        ParseError: The file is not YAML, too large, too deep, or uses aliases for more than single values.
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ParseError(
            f"the file is larger than {MAX_BYTES} bytes, too large for a data.yaml", path=path
        )
    try:
        return _NodeBuilder(path).build(yaml.parse(content, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place: YamlPlace = {}
        if mark is not None:
            place = {"line": mark.line + 1, "column": mark.column + 1}
        hint = "correct the file; names with ':' or '#' need quotes"
        raise ParseError(f"invalid YAML: {error.problem}", path=path, hint=hint, **place) from None
    except (yaml.YAMLError, UnicodeError) as error:
        reason = str(error).splitlines()[0]
        raise ParseError(f"invalid YAML: {reason}", path=path) from None


def typed(node: Node) -> Any:
    """Convert unquoted scalars that look like numbers, booleans or null."""
    if isinstance(node, dict):
        return {str(key): typed(value) for key, value in node.items()}
    if isinstance(node, list):
        return [typed(value) for value in node]
    return _scalar(node) if isinstance(node, PlainScalar) else node


def _scalar(text: str) -> Any:
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and isfinite(float(text)):
        return float(text)
    return str(text)


class _NodeBuilder:
    """Builds nodes from parser events without recursion, within limits."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[list[Node] | dict[str, Node]] = []
        self._keys: list[str | None] = []
        self._names: dict[str, str] = {}
        self._root: Node = PlainScalar("")

    def build(self, events: Iterator[Any]) -> Node:
        for count, event in enumerate(events):
            if count > _MAX_NODES:
                raise self._error(f"more than {_MAX_NODES} values", event)
            if isinstance(event, yaml.DocumentEndEvent):
                break
            self._take(event)
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            kind = PlainScalar if plain else Scalar
            text = kind.at(event.value, event.start_mark)
            if event.anchor:
                self._names[event.anchor] = text
            self._put(text, event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._names:
                raise self._error(
                    f"the alias *{event.anchor} does not refer to a single value", event
                )
            self._put(self._names[event.anchor], event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._begin({} if isinstance(event, yaml.MappingStartEvent) else [], event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()
            self._keys.pop()

    def _begin(self, node: list[Node] | dict[str, Node], event: Any) -> None:
        if len(self._open) >= _MAX_DEPTH:
            raise self._error(f"nested deeper than {_MAX_DEPTH}", event)
        self._put(node, event)
        self._open.append(node)
        self._keys.append(None)

    def _put(self, node: Node, event: Any) -> None:
        if not self._open:
            self._root = node
            return
        parent = self._open[-1]
        if isinstance(parent, list):
            parent.append(node)
            return
        key = self._keys[-1]
        if key is not None:
            parent[key] = node
            self._keys[-1] = None
        elif isinstance(node, str):
            if node in parent:
                raise self._error(f"the key {node[:80]!r} occurs twice", event)
            self._keys[-1] = node
        else:
            raise self._error("a list or mapping cannot be a key", event)

    def _error(self, message: str, event: Any) -> ParseError:
        mark = event.start_mark
        return ParseError(message, path=self._path, line=mark.line + 1, column=mark.column + 1)


def quoted(name: str) -> str:
    """Return ``name`` as a scalar that is text in both YAML 1.1 and 1.2."""
    if _UNQUOTED.fullmatch(name) and name.lower() not in _WORDS:
        return name
    return '"' + _UNPRINTABLE.sub(_escape, name) + '"'


def dataset_yaml(
    *,
    splits: Mapping[str, str],
    task: str,
    names: Sequence[str],
    more: Mapping[str, Any] | None = None,
    notes: Mapping[str, str] | None = None,
) -> bytes:
    """Return the content of a ``data.yaml``.

    Args:
        splits: The folder of each split.
        task: The task of the rows.
        names: The class names in the order of their numbers.
        more: Other keys (``kpt_shape``).
        notes: A comment above a split.
    """
    lines = []
    for split, folder in splits.items():
        if notes and split in notes:
            lines.append(f"# {notes[split]}")
        lines.append(f"{quoted(split)}: {quoted(folder)}")
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
