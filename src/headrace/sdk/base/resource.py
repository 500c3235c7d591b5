"""What every handle is: a record, and the session that carries its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from headrace.errors import ConflictError, NotFoundError
from headrace.sdk.base.session import Session


class Identified(Protocol):
    """A record with an id."""

    @property
    def id(self) -> UUID:
        """Its id."""
        ...


RecordT = TypeVar("RecordT", bound=Identified)
T = TypeVar("T")

UNKNOWN = "?"


class Resource(Generic[RecordT]):
    """A thing of the platform: ``record`` is what was last read of it, ``session`` carries its calls.

    Two handles are equal when they name the same thing. Nothing but methods that are awaited does any I/O.
    """

    __slots__ = ("record", "session")

    def __init__(self, session: Session, record: RecordT) -> None:
        self.session = session
        self.record = record

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self.record.id

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return NotImplemented
        return type(self) is type(other) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return describe(self, *self._facts())

    def _facts(self) -> Iterable[str]:
        """What the repr tells, the name first; from memory alone."""
        return [str(self.id)]


def describe(handle: Any, name: str, *facts: str) -> str:
    """``DatasetVersion('bccd/v1' · detection · lake/)``."""
    return f"{type(handle).__name__}({' · '.join([repr(name), *facts, handle.session.name])})"


async def get_or_create(find: Callable[[], Awaitable[T]], create: Callable[[], Awaitable[T]]) -> T:
    """What is found, or else made; where somebody else makes it in between, theirs."""
    try:
        return await find()
    except NotFoundError:
        pass
    try:
        return await create()
    except ConflictError:
        return await find()
