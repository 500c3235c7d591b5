"""The base classes of the blocking handles. Each wraps an async handle and calls it through the portal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableSequence
from typing import Any, Generic, Self, TypeVar, overload

from headrace.blocking.portal import portal
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.session import Session

InnerT = TypeVar("InnerT")
HandleT = TypeVar("HandleT", bound="BlockingHandle[Any]")

BLOCKING_CLASSES: dict[type, type[Any]] = {}
"""The blocking class of each async class; the generated module fills it."""


class BlockingHandle(Generic[InnerT]):
    """A blocking handle around an async one."""

    __slots__ = ("_inner",)

    def __init__(self, inner: InnerT) -> None:
        self._inner = inner

    @property
    def inner(self) -> InnerT:
        """The async handle."""
        return self._inner

    @property
    def _session(self) -> Session:
        session: Session = self._inner.session  # type: ignore[attr-defined]
        return session

    def _call(self, method: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        given, named = unwrap(list(args)), unwrap(kwargs)
        return wrap(portal().call(lambda: method(*given, **named), self._session))

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
        del self._inner[key]

    def __contains__(self, value: object) -> bool:
        return unwrap(value) in self._inner

    def __add__(self, other: Iterable[HandleT]) -> Self:
        return type(self)(
            self._inner + unwrap(other if isinstance(other, BlockingHandle) else list(other))
        )

    def insert(self, index: int, value: HandleT) -> None:
        """Insert a handle before ``index``."""
        self._inner.insert(index, value.inner)


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
