"""A finding: how bad it is, where it was met, how often."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from msgspec import Struct, field


class Severity(IntEnum):
    """How bad a finding is.

    ``NOTE``: odd, but nothing is lost; never fails. ``LOSS``: the target cannot say it. ``WARNING``: broken but
    mended or left out; both fail only when strict. ``ERROR``: fails unless the caller said to skip.
    """

    NOTE = 0
    LOSS = 1
    WARNING = 2
    ERROR = 3


class Place(Struct, frozen=True, gc=False):
    """Where a finding was met: a file, a line (from 1) or a byte (from 0), and what stood there."""

    path: str | None = None
    line: int | None = None
    offset: int | None = None
    detail: str | None = None

    def __str__(self) -> str:
        place = self.path or ""
        if self.line is not None:
            place += f":{self.line}"
        elif self.offset is not None:
            place += f" at byte {self.offset}"
        return " ".join(part for part in (place, self.detail) if part)


class Finding(Struct, kw_only=True, gc=False):
    """One kind of trouble: a row of the conformance table, how often it was met, and its first examples.

    ``dropped_images`` and ``dropped_shapes`` say how many records were left out because of it.
    """

    code: str
    severity: Severity
    message: str
    count: int = 0
    dropped_images: int = 0
    dropped_shapes: int = 0
    examples: list[Place] = field(default_factory=list)


class Occurrence(Struct, frozen=True, gc=False):
    """A single finding, as a listener hears it.

    Some stand for several records of a batch: ``count`` of them, the place being that of the first.
    """

    code: str
    severity: Severity
    message: str
    place: Place
    count: int = 1
    dropped_images: int = 0
    dropped_shapes: int = 0


OnFinding = Callable[[Occurrence], None]
