"""What came of moving many files."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.errors import HeadraceError, PartialTransferError

MAX_FAILURES = 1_000


class Failure(Struct, frozen=True, kw_only=True):
    """A file that was not moved: its name, the error's code and its words; ``id`` of the asset or data, where known."""

    name: str
    code: str
    message: str
    id: str = ""


class TransferReport(Struct, kw_only=True):
    """Files ``moved``, ``skipped`` because they were there already and complete, and ``failed``.

    ``bytes`` were moved in ``seconds``. ``failures`` tells of the first 1,000 that failed. ``renamed`` maps an id to
    the local name where that is not the file's own, because another one has it or because it is not a safe name (the first 1,000).
    ``notes`` tell what was done otherwise than asked.
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
        """All files that were looked at."""
        return self.moved + self.skipped + self.failed

    def fail(self, name: str, error: HeadraceError | OSError, *, id: str = "") -> None:
        """Enter a file that could not be moved."""
        self.failed += 1
        if len(self.failures) < MAX_FAILURES:
            code = error.code if isinstance(error, HeadraceError) else "os"
            self.failures.append(Failure(name=name, code=code, message=str(error), id=id))

    def check(self, what: str) -> None:
        """PartialTransferError that holds this report where a file failed; ``what`` is the verb, as in "uploaded"."""
        if not self.failed:
            return
        first = self.failures[0]
        raise PartialTransferError(
            f"{self.failed} of {self.total} files were not {what}; first {first.name}: {first.message}",
            report=self,
            hint="the others are complete; run the same again to go on",
        )
