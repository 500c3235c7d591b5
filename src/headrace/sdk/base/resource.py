"""The base class of all handles: a record, and the session that makes its calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from headrace.errors import ConflictError, NotFoundError
from headrace.sdk.base.options import WithOptions
from headrace.sdk.base.session import Session


class Identified(Protocol):
    """A record with an id."""

    @property
    def id(self) -> UUID:
        """The id of the object."""
        ...


RecordT = TypeVar("RecordT", bound=Identified)
T = TypeVar("T")


class Resource(WithOptions, Generic[RecordT]):
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
