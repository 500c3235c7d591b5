"""The outcome of a transfer of many files."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.errors import HeadraceError, PartialTransferError

MAX_FAILURES = 1_000
MAX_NAMES = 1_000


class Failure(Struct, frozen=True, kw_only=True):
    """A file that was not moved.

    Attributes:
        name: Name of the file.
        code: Code of the error.
        message: Text of the error.
        id: Id of the asset or data, if known.
    """

    name: str
    code: str
    message: str
    id: str = ""


class TransferReport(Struct, kw_only=True):
    """The outcome of a transfer.

    Attributes:
        moved: Number of files that were moved.
        skipped: Number of files that were complete before.
        failed: Number of files that were not moved.
        kept: Number of files that were not moved because another file has their name: one that headrace did not write,
            or that was changed since.
        bytes: Bytes that were moved.
        seconds: Duration of the transfer.
        failures: The first 1,000 files that failed.
        kept_files: The first 1,000 names of kept files.
        renamed: Local names by id, where the name of the file is taken or not safe (the first 1,000).
        names_file: Path of a file that lists all local names that differ from the files' own, one JSON object a line;
            empty if none do.
        notes: What was done differently from what was asked.
        dry_run: True if nothing was moved: ``moved`` and ``bytes`` say what would be.
    """

    moved: int = 0
    skipped: int = 0
    failed: int = 0
    kept: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    kept_files: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    names_file: str = ""
    notes: list[str] = field(default_factory=list)
    dry_run: bool = False

    @property
    def total(self) -> int:
        """Number of files, moved or not."""
        return self.moved + self.skipped + self.failed + self.kept

    def fail(self, name: str, error: HeadraceError | OSError, *, id: str = "") -> None:
        """Count a file that could not be moved."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            code = error.code if isinstance(error, HeadraceError) else "os"
            self.failures.append(Failure(name=name, code=code, message=str(error), id=id))

    def keep(self, name: str) -> None:
        """Count a file that was not moved because another file has its name."""
        self.kept += 1
        if len(self.kept_files) < MAX_NAMES:
            self.kept_files.append(name)

    def rename(self, id: str, name: str) -> None:
        """Note the local name of a file that has another name than its own."""
        if len(self.renamed) < MAX_NAMES:
            self.renamed[id] = name

    def check(self, what: str) -> None:
        """Raise PartialTransferError with this report if a file failed; ``what`` is the verb, as in "uploaded"."""
        if not self.failed:
            return
        first = self.failures[0]
        raise PartialTransferError(
            f"{self.failed} of {self.total} files were not {what}; first {first.name}: {first.message}",
            report=self,
            hint="the others are complete; run the same again to continue",
        )
