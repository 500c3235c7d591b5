"""What a conversion and its workers say to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from headrace.formats.base import ReadOptions, WriteOptions
from headrace.formats.findings import Noted, OnError
from headrace.model.sample import LabelInfo


class Parsing(Struct, frozen=True, kw_only=True):
    """The job to parse chunks of a source. ``every``: somebody hears of every single finding."""

    format: str
    path: Path
    options: ReadOptions
    on_error: OnError
    strict: bool
    every: bool


class Writing(Struct, frozen=True, kw_only=True):
    """The job to write at ``temp``; somebody else owns and publishes it. ``every`` as in :class:`Parsing`."""

    format: str
    temp: Path
    labels: list[LabelInfo]
    options: WriteOptions
    on_error: OnError
    strict: bool
    every: bool


class Answer(Struct, kw_only=True):
    """What came of a message: packed samples, what was learnt and found on the way, and the error that ended it."""

    samples: bytes = b""
    learnt: Any = None
    noted: Noted
    error: Exception | None = None
