"""Encode JSON for the writers (compact, shortest floats), and append one file to another."""

from __future__ import annotations

import io
import json
import os
import shutil
from typing import IO, Any

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


def append_file(source: IO[bytes], target: IO[bytes]) -> None:
    """Append a file to another one, inside the kernel where that is possible."""
    source.flush()
    target.flush()
    source.seek(0)
    copied = 0
    try:
        while count := os.copy_file_range(source.fileno(), target.fileno(), 1 << 30):
            copied += count
    except (AttributeError, OSError):
        source.seek(copied)
        target.seek(0, io.SEEK_END)
        shutil.copyfileobj(source, target, BUFFER)
