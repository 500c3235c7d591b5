"""What a check has found: faults and notes by kind, each with the first places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from headrace.errors import CorruptionError, DatabaseError
from headrace.storage.database.base import CatalogFault

SHOWN = 5
"""Faults of a kind that a report names."""

KINDS = {
    "database": "the database cannot be read in full",
    "page": "damaged pages of the database",
    "index": "indexes that disagree with their tables",
    "reference": "rows that name others which do not exist",
    "counter": "counters that disagree with what they count",
    "mark": "marks of labels that disagree with the annotations",
    "shapes": "annotations whose shapes are damaged or missing",
    "asset": "assets without their data",
    "object missing": "files that are missing",
    "object size": "files of another size",
    "object content": "files with other bytes",
    "removal": "removals that cannot be undone",
    "job": "jobs that stand still",
    "left over": "half-written files",
}
"""The kinds of faults, in the order of the report, and what they are."""

NOTES = {
    "checksums": "page checksums",
    "orphan": "files that no data names: headrace gc deletes them",
    "skipped": "versions that were written to while they were checked",
}
"""What a report says besides, which is no fault."""


class CheckFault(Struct, frozen=True):
    """Something that is wrong, or worth a note: its kind, which row, file or page it is, and what is the matter."""

    kind: str
    place: str
    message: str


class CheckReport(Struct, kw_only=True):
    """What :func:`headrace.check_lake` has found.

    Attributes:
        faults: How many faults of each kind there are.
        notes: How many notes of each kind there are.
        examples: The first five faults and notes of each kind.
        repaired: What was mended, one line each.
        left: How many faults are left after the repair; without a repair, all.
        checksums: Whether the pages of the database have checksums: ``verified``, ``none``, ``unavailable`` here, or
            ``stale`` since the lake was written where they are.
        checked: How much was checked: versions, assets, annotations, shapes, files, bytes of files.
        seconds: Duration in seconds.
    """

    faults: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int] = field(default_factory=dict)
    examples: list[CheckFault] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    left: int = 0
    checksums: str = ""
    checked: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong, or all of it was mended."""
        return self.left == 0


class CheckFindings:
    """Collects faults, the first few of each kind with their places, so that memory is constant."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        self.repaired: list[str] = []
        self._examples: dict[str, list[CheckFault]] = {}

    def add(self, kind: str, place: str, message: str, times: int = 1) -> None:
        """Count a fault."""
        self.faults[kind] += times
        self._keep(CheckFault(kind, place, message))

    def note(self, kind: str, place: str, message: str) -> None:
        """Count a note."""
        self.notes[kind] += 1
        self._keep(CheckFault(kind, place, message))

    def add_all(self, faults: list[CatalogFault]) -> None:
        """Count faults of the database's files."""
        for fault in faults:
            self.add(*fault)

    def mend(self, kind: str, times: int, what: str) -> None:
        """Count faults that were mended, and say what was done."""
        self.mended[kind] += times
        self.repaired.append(what)

    def merge(self, other: CheckFindings) -> None:
        """Add what another check has found."""
        for mine, theirs in (
            (self.faults, other.faults),
            (self.notes, other.notes),
            (self.checked, other.checked),
            (self.mended, other.mended),
        ):
            mine.update(theirs)
        self.repaired += other.repaired
        for faults in other._examples.values():
            for fault in faults:
                self._keep(fault)

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Count damage that ends a part of the check, and go on with the next part."""
        try:
            yield
        except (CorruptionError, DatabaseError) as error:
            self.add("database", what, error.message)

    def report(self, *, checksums: str, seconds: float) -> CheckReport:
        """Return the report."""
        order = [*KINDS, *NOTES]
        return CheckReport(
            faults={kind: self.faults[kind] for kind in order if self.faults[kind]},
            notes={kind: self.notes[kind] for kind in order if self.notes[kind]},
            examples=[fault for kind in order for fault in self._examples.get(kind, ())],
            repaired=self.repaired,
            left=sum(max(0, n - self.mended[kind]) for kind, n in self.faults.items()),
            checksums=checksums,
            checked=dict(self.checked),
            seconds=seconds,
        )

    def _keep(self, fault: CheckFault) -> None:
        kept = self._examples.setdefault(fault.kind, [])
        if len(kept) < SHOWN:
            kept.append(fault)
