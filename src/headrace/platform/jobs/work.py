"""What one kind of long job does: its work in ranges, as the runner of jobs asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from msgspec import Struct

from headrace.platform.context import Context
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock


class JobTask(Struct, frozen=True):
    """A job as its work sees it.

    ``spec`` is JSON that only the job's kind understands. ``attempts`` counts the starts since the last completed
    range, ``error`` is the error that ended the last attempt.
    """

    no: int
    kind: str
    organization: int
    subject: int | None
    spec: str
    attempts: int
    error: str | None


class Progress(Struct, frozen=True):
    """The result of a range: the cursor of the next one (any JSON value), and how many rows this one did."""

    cursor: Any
    done: int


class JobWork(Protocol):
    """The work of one kind of job. ``cursor`` is None for the first range."""

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The locks of the next range, beside that of the job; those of the first one also abandon the job."""
        ...

    async def prepare(self, cursor: Any, size: int) -> None:
        """Do what needs no transaction, before the range takes the writer."""
        ...

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Do the next range of about ``size`` rows; None if nothing is left."""
        ...

    async def finish(self, tx: Transaction) -> None:
        """Complete the job, in the transaction that ends it with success."""
        ...

    async def abandon(self, tx: Transaction) -> None:
        """Clean up, in the transaction that ends the job without success."""
        ...

    async def after_end(self) -> None:
        """Follow up after the end of the job, successful or not."""
        ...


WorkFactory = Callable[[Context, JobTask], JobWork]
