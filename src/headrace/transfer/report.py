"""The outcome of a transfer of many files."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.errors import HeadraceError, PartialTransferError

MAX_FAILURES = 1_000


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
        bytes: Bytes that were moved.
        seconds: Duration of the transfer.
        failures: The first 1,000 files that failed.
        renamed: Local names by id, where the name of the file is taken or not safe (the first 1,000).
        notes: What was done differently from what was asked.
    """

    moved: int = 0
    skipped: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """Number of files, moved or not."""
        return self.moved + self.skipped + self.failed

    def fail(self, name: str, error: HeadraceError | OSError, *, id: str = "") -> None:
        """Count a file that could not be moved."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            code = error.code if isinstance(error, HeadraceError) else "os"
            self.failures.append(Failure(name=name, code=code, message=str(error), id=id))

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
