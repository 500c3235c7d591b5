"""The report of a copy, and what the target could not hold."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.errors import HeadraceError
from headrace.transfer.report import Failure, TransferReport

MAX_NAMES = 1_000
EXAMPLES = 3


class CopyLoss(Struct, kw_only=True):
    """Something that the target cannot hold.

    Attributes:
        what: What is lost, or in which form it is kept.
        count: How often it occurs.
        examples: The first names of files where it occurs.
    """

    what: str
    count: int = 0
    examples: list[str] = field(default_factory=list)


class Losses:
    """Counts what the target cannot hold. Each thing that can occur has one text."""

    def __init__(self) -> None:
        self._found: dict[str, CopyLoss] = {}

    def add(self, what: str, name: str, count: int = 1) -> None:
        """Count a loss in the file ``name``."""
        loss = self._found.setdefault(what, CopyLoss(what=what))
        loss.count += count
        if len(loss.examples) < EXAMPLES and name not in loss.examples:
            loss.examples.append(name)

    def merge(self, others: Losses) -> None:
        """Add the losses of a part of the work."""
        for what, loss in others._found.items():
            for name in loss.examples:
                self.add(what, name, 0)
            self._found[what].count += loss.count

    def list(self) -> list[CopyLoss]:
        """Return the losses, the most frequent first."""
        return sorted(self._found.values(), key=lambda loss: (-loss.count, loss.what))


class CopyReport(Struct, kw_only=True):
    """The outcome of a copy.

    Attributes:
        source: The copied version, as ``dataset/version``.
        target: The version that it was copied into.
        created_dataset: True if the dataset was created.
        created_version: True if the version was created.
        dry_run: True if nothing was written; the counts are those that a copy would have.
        assets: Assets that were chosen.
        copied: Assets that are new in the target version.
        there: Assets that it had already.
        files: Files that were sent.
        bytes: Bytes that were sent.
        reused: Files that the datalake of the target had already.
        annotations: Annotations that are new in the target version, changed ones included.
        replaced: Annotations that were changed at the source since the last copy, and replaced.
        annotations_there: Annotations that the target had already.
        labels: Labels that were created.
        tags: Tags that were attached.
        metadata: Files whose metadata was changed at the source since the last copy, and updated.
        losses: What the target cannot hold, counted.
        failed: Number of files that could not be copied.
        failures: The first 1,000 of them.
        left_out: Assets without a readable file at the source (the first 1,000 names).
        left_out_count: Number of all of them.
        conflicts: Annotations that were changed on both sides, or removed at the target, since the last copy: they were
            left as they are (the first 1,000 names of their files).
        conflict_count: Number of all of them.
        gone: Annotations that were deleted at the source since the last copy; the target keeps them.
        verified: Assets that were compared at the end.
        different: Assets that are missing at the target, or differ (the first 1,000 names).
        different_count: Number of all of them.
        extra: Assets of the target version that this copy did not bring.
        source_digest: The digest of the source as it was read; empty if only a part was copied.
        target_digest: The digest of the target as it was verified; empty if it was not.
        notes: What else is to be known.
        seconds: Duration in seconds.
    """

    source: str
    target: str
    created_dataset: bool = False
    created_version: bool = False
    dry_run: bool = False
    assets: int = 0
    copied: int = 0
    there: int = 0
    files: int = 0
    bytes: int = 0
    reused: int = 0
    annotations: int = 0
    replaced: int = 0
    annotations_there: int = 0
    labels: int = 0
    tags: int = 0
    metadata: int = 0
    losses: list[CopyLoss] = field(default_factory=list)
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    left_out_count: int = 0
    conflicts: list[str] = field(default_factory=list)
    conflict_count: int = 0
    gone: int = 0
    verified: int = 0
    different: list[str] = field(default_factory=list)
    different_count: int = 0
    extra: int = 0
    source_digest: str = ""
    target_digest: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def missing(self) -> int:
        """Number of assets and annotations that the target lacks, or has otherwise than the source."""
        return self.failed + self.left_out_count + self.conflict_count + self.different_count

    @property
    def nothing_to_do(self) -> bool:
        """Whether the target had everything before."""
        done = (self.copied, self.annotations, self.labels, self.tags, self.metadata, self.missing)
        return not any(done) and not self.created_version

    def fail(self, name: str, error: HeadraceError | OSError, *, id: str = "") -> None:
        """Count a file that could not be copied."""
        self.failed += 1
        if len(self.failures) < MAX_NAMES:
            code = error.code if isinstance(error, HeadraceError) else "os"
            self.failures.append(Failure(name=name, code=code, message=str(error), id=id))

    def add_failures(self, sent: TransferReport) -> None:
        """Count the files that an upload could not send."""
        self.failed += sent.failed
        self.failures += sent.failures[: MAX_NAMES - len(self.failures)]

    def leave_out(self, name: str) -> None:
        """Count an asset whose file cannot be read at the source."""
        self.left_out_count += 1
        _append(self.left_out, name)

    def conflict(self, name: str, count: int = 1) -> None:
        """Count annotations that were changed at the target."""
        self.conflict_count += count
        _append(self.conflicts, name)

    def differ(self, name: str) -> None:
        """Count an asset that is missing at the target, or differs."""
        self.different_count += 1
        _append(self.different, name)


def _append(names: list[str], name: str) -> None:
    if len(names) < MAX_NAMES:
        names.append(name)
