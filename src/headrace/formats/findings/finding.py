"""One finding: its severity, its location and its count."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from msgspec import Struct, field


class Severity(IntEnum):
    """How serious a finding is.

    Attributes:
        NOTE: Unusual, but nothing is lost; never fails.
        LOSS: The target cannot represent it; fails only when strict.
        WARNING: Broken, and repaired or left out; fails only when strict.
        ERROR: Fails unless bad records are skipped.
    """

    NOTE = 0
    LOSS = 1
    WARNING = 2
    ERROR = 3


class Place(Struct, frozen=True, gc=False):
    """The location of a finding.

    Attributes:
        path: The file.
        line: The line, counted from 1.
        column: The character in the line, counted from 1.
        offset: The byte, counted from 0.
        detail: The content at this location, or what is particular about it.
        json_path: The value in a JSON file, such as ``$.annotations[12]``.
    """

    path: str | None = None
    line: int | None = None
    offset: int | None = None
    detail: str | None = None
    column: int | None = None
    json_path: str | None = None

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        elif self.offset is not None:
            place += f" at byte {self.offset}"
        return " ".join(part for part in (place, self.detail) if part)


class Finding(Struct, kw_only=True, gc=False):
    """All findings of one kind, counted.

    Attributes:
        code: Row of the conformance table (``C09``), ``LOSS``, ``CLASS`` or ``LABEL``.
        severity: The highest severity.
        message: What is wrong, the same for all of them.
        count: Number of occurrences.
        dropped_images: Number of images left out because of it.
        dropped_shapes: Number of shapes left out because of it.
        examples: The first locations, at most three.
    """

    code: str
    severity: Severity
    message: str
    count: int = 0
    dropped_images: int = 0
    dropped_shapes: int = 0
    examples: list[Place] = field(default_factory=list)


class Occurrence(Struct, frozen=True, gc=False):
    """A single finding, as passed to a listener.

    If ``count`` is above 1, it represents several records of a batch, and ``place`` is that of the first.
    """

    code: str
    severity: Severity
    message: str
    place: Place
    count: int = 1
    dropped_images: int = 0
    dropped_shapes: int = 0


OnFinding = Callable[[Occurrence], None]
