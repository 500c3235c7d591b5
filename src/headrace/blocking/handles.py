"""The base classes of the blocking handles. Each wraps an async handle and calls it through the portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableSequence
from typing import Any, Generic, Self, TypeVar, overload
from uuid import UUID

from headrace.blocking import habits
from headrace.blocking.portal import portal
from headrace.errors import HeadraceError, JobFailedError, NoDataError
from headrace.model.enums import TagTarget
from headrace.net.timeout import Timeout
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.session import Session
from headrace.sdk.data import MultiData
from headrace.transfer.progress import OnProgress

InnerT = TypeVar("InnerT")
HandleT = TypeVar("HandleT", bound="BlockingHandle[Any]")

BLOCKING_CLASSES: dict[type, type[Any]] = {}
"""The blocking class of each async class; the generated module fills it."""


class Connection:
    """What the handles of one client have in common; the constructors of the official client's lists take it.

    Args:
        session: The session that makes the calls.
    """

    __slots__ = ("session",)

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def host(self) -> str:
        """The address of the server, or the folder of the lake."""
        return self.session.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and self.session is other.session

    def __hash__(self) -> int:
        return hash(id(self.session))

    def __repr__(self) -> str:
        return f"Connection({self.host!r})"


class BlockingHandle(Generic[InnerT]):
    """A blocking handle around an async one."""

    __slots__ = ("_inner",)

    def __init__(self, inner: InnerT) -> None:
        self._inner = inner

    @property
    def inner(self) -> InnerT:
        """The async handle."""
        return self._inner

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
            progress: Called with the progress events of all methods that report progress and are given no callback. A new
                client has ``"auto"``, which shows a line on a terminal or in a notebook; ``"none"`` shows nothing.
            concurrency: Calls and files at a time.

        Returns:
            The copy.

        Raises:
            ConfigurationError: If a value is out of range.

        Example:
            ```python
            impatient = client.with_options(timeout=5, retries=0)
            ```
        """
        inner: Any = self._inner
        other = type(self).__new__(type(self))
        other._inner = inner.with_options(  # noqa: SLF001 - of the same class
            timeout=timeout, retries=retries, progress=progress, concurrency=concurrency
        )
        return other

    @property
    def connection(self) -> Connection:
        """What the handles of one client have in common."""
        return Connection(self._session)

    @property
    def connexion(self) -> Connection:
        """The older name of ``connection``."""
        return self.connection

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return [self._inner.id]  # type: ignore[attr-defined]

    @property
    def target_type(self) -> TagTarget:
        """The kind of objects that a tag for this one is for."""
        kind: TagTarget = self._inner.target_type  # type: ignore[attr-defined]
        return kind

    @property
    def _session(self) -> Session:
        session: Session = self._inner.session  # type: ignore[attr-defined]
        return session

    def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        given, named = unwrap(list(args)), unwrap(kwargs)
        session = self._session
        if not habits.has(session):
            return wrap(portal().call(lambda: method(*given, **named), session))
        habits.check_arguments(method, given)
        try:
            found = portal().call(lambda: method(*given, **named), session)
        except JobFailedError as caught:
            return habits.ending(method, caught)
        except (HeadraceError, NotADirectoryError) as caught:
            known = habits.error(method, caught)
            if known is caught:
                raise
            raise known from caught
        return wrap(habits.result(method, found))

    def _iterate(
        self, method: Callable[..., AsyncIterator[Any]], *args: Any, **kwargs: Any
    ) -> Iterator[Any]:
        given, named = unwrap(list(args)), unwrap(kwargs)
        return map(wrap, portal().iterate(lambda: method(*given, **named), self._session))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BlockingHandle):
            return NotImplemented
        return bool(self._inner == other._inner)

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)


ListT = TypeVar("ListT", bound=MultiObject[Any, Any])


class BlockingList(BlockingHandle[ListT], MutableSequence[HandleT], Generic[ListT, HandleT]):
    """A blocking list of handles around an async one."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, inner: ListT | Connection, *given: Any) -> None:
        """Wrap a list, or make one as the official client does.

        Args:
            inner: The async list; or a connection, which two more arguments follow.
            *given: The id of the version or the datalake, and the items.
        """
        if isinstance(inner, Connection):
            made: ListT = _list_of(type(self), inner.session, *given)
        else:
            made = inner
        super().__init__(made)
        if not len(made) and habits.has(made.session):
            kind = type(self).__name__.removeprefix("Multi").lower()
            raise NoDataError(f"there are no {kind if kind == 'data' else kind + 's'}")

    @property
    def items(self) -> list[HandleT]:
        """The handles, in an ordinary list."""
        return list(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, list):
            return len(other) == len(self) and all(each in other for each in self)
        if isinstance(other, BlockingList) and habits.has(self._session):
            return len(other) == len(self) and set(other.ids) == set(self.ids)
        return super().__eq__(other)

    def __len__(self) -> int:
        return len(self._inner)

    @overload
    def __getitem__(self, key: int) -> HandleT: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Any:
        return wrap(self._inner[key])

    def __iter__(self) -> Iterator[HandleT]:
        return map(wrap, self._inner)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._inner[key] = unwrap(value)

    def __delitem__(self, key: int | slice) -> None:
        if len(self) < 2 and habits.has(self._session):
            raise NoDataError("the last item of a list cannot be removed")
        del self._inner[key]

    def __contains__(self, value: object) -> bool:
        return unwrap(value) in self._inner

    def __add__(self, other: HandleT | Iterable[HandleT]) -> Self:
        return type(self)(self._inner + self._items_of(other))

    def __iadd__(self, other: HandleT | Iterable[HandleT]) -> Self:
        self._inner.extend(self._items_of(other))
        return self

    def _items_of(self, other: HandleT | Iterable[HandleT]) -> Any:
        """Return the async handles of one handle or several."""
        if isinstance(other, BlockingList):
            return other.inner
        return unwrap([other] if isinstance(other, BlockingHandle) else list(other))

    def clear(self) -> None:
        """Remove all items; NoDataError where lists are never empty."""
        if habits.has(self._session):
            raise NoDataError("a list cannot be cleared")
        self._inner.clear()

    def sort(self, key: Callable[[HandleT], Any] | None = None, reverse: bool = False) -> None:
        """Sort the items in place.

        Args:
            key: Returns what an item is sorted by. Default: its id.
            reverse: Sort in descending order.
        """
        self._inner[:] = unwrap(sorted(self, key=key or (lambda each: each.ids), reverse=reverse))

    def split(self, ratio: float) -> tuple[Self, Self]:
        """Split the items into two lists: at random, or where scripts of the official client run, in their order.

        Args:
            ratio: Share of the items in the first list, 0 to 1.

        Returns:
            The two lists.

        Raises:
            BadRequestError: If ``ratio`` is not between 0 and 1.
        """
        if habits.has(self._session):
            cut = round(ratio * len(self))
            return self[:cut], self[cut:]
        answer: tuple[Self, Self] = wrap(self._inner.split(ratio))
        return answer

    def insert(self, index: int, value: HandleT) -> None:
        """Insert a handle before ``index``."""
        self._inner.insert(index, value.inner)


def _list_of(kind: type[Any], session: Session, owner: UUID, items: Iterable[Any]) -> Any:
    """Make the async list behind a blocking one, of handles that a script has chosen."""
    made: Any = next(inner for inner, outer in BLOCKING_CLASSES.items() if outer is kind)
    records = [handle.inner.record for handle in items]
    if issubclass(made, MultiData):
        return made(session, records)
    return made(session, owner, records)


def wrap(value: Any) -> Any:
    """Replace async handles by blocking ones, also inside lists, tuples and dicts."""
    blocking_class = BLOCKING_CLASSES.get(type(value))
    if blocking_class is not None:
        return blocking_class(value)
    if type(value) in (list, tuple):
        return type(value)(map(wrap, value))
    if type(value) is dict:
        return {key: wrap(each) for key, each in value.items()}
    return value


def unwrap(value: Any) -> Any:
    """Replace blocking handles by async ones, also inside lists, tuples and dicts."""
    if isinstance(value, BlockingHandle):
        return value.inner
    if type(value) in (list, tuple):
        return type(value)(map(unwrap, value))
    if type(value) is dict:
        return {key: unwrap(each) for key, each in value.items()}
    return value
