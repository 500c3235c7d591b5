"""Encode JSON for the writers: compact, with the shortest floats."""

from __future__ import annotations

import json
from typing import Any

import orjson

from headrace.model.shapes import Attributes

BUFFER = 1024 * 1024
_FIRST = ("info", "licenses")


def dump(value: Any) -> bytes:
    """Encode a value as JSON. Numbers that are not finite become null."""
    try:
        return orjson.dumps(value)
    except TypeError:  # whole numbers beyond 64 bits, keys that are not text, lone surrogates
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(
            "utf-8", "replace"
        )


def header(about: Attributes | None) -> bytes:
    """Encode the beginning of a file: ``info``, ``licenses`` and the other top-level keys of the source, with a comma."""
    about = about or {}
    head = {"info": about.get("info") or {}, "licenses": about.get("licenses") or []}
    rest = {key: value for key, value in about.items() if key not in _FIRST}
    return dump({**head, **rest})[:-1] + b",\n"
