"""The base class of all handles: a record, and the session that makes its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import copy
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import UUID

from headrace.errors import ConflictError, NotFoundError
from headrace.net.timeout import Timeout
from headrace.sdk.base.session import Session
from headrace.transfer.progress import OnProgress


class Identified(Protocol):
    """A record with an id."""

    @property
    def id(self) -> UUID:
        """The id of the object."""
        ...


RecordT = TypeVar("RecordT", bound=Identified)
T = TypeVar("T")


class Resource(Generic[RecordT]):
    """A handle of one object of the platform.

    Properties read ``record``, the state at the last read; only methods make calls. Two handles are equal if they are
    of the same class and have the same id.

    Args:
        session: The session that makes the calls.
        record: The object as last read.
    """

    __slots__ = ("record", "session")

    def __init__(self, session: Session, record: RecordT) -> None:
        self.session = session
        self.record = record

    @property
    def id(self) -> UUID:
        """The id of the object."""
        return self.record.id

    def with_options(
        self,
        *,
        timeout: float | Timeout | None = None,
        retries: int | None = None,
        progress: OnProgress | None = None,
        concurrency: int | None = None,
    ) -> Self:
        """Return a copy that makes its calls with other options, on the same connections.

        What is reached through the copy has the options too. None leaves an option as it is. Closing either closes both.

        Args:
            timeout: Limits in seconds for each call; a number limits the whole call with its retries. Transfers of files
                are not limited as a whole.
            retries: How often a call is repeated after it failed.
            progress: Called with the progress events of all methods that report progress and are given no callback.
            concurrency: Calls and files at a time.

        Returns:
            The copy.

        Raises:
            ConfigurationError: If a value is out of range.

        Example:
            ```python
            impatient = version.with_options(timeout=5, retries=0)
            ```
        """
        other = copy(self)
        other.session = self.session.with_options(timeout, retries, progress, concurrency)
        return other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return type(self) is type(other) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return describe(self, str(self.id))


def describe(handle: Any, name: str, *facts: str) -> str:
    """Return a repr such as ``DatasetVersion('bccd/v1' · detection · lake/)``."""
    return f"{type(handle).__name__}({' · '.join([repr(name), *facts, handle.session.name])})"


async def get_or_create(find: Callable[[], Awaitable[T]], create: Callable[[], Awaitable[T]]) -> T:
    """Find an object, or create it; if another process creates it in between, find that one."""
    try:
        return await find()
    except NotFoundError:
        pass
    try:
        return await create()
    except ConflictError:
        return await find()
