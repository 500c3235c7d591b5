"""What the blocking classes are made of: each holds its async twin and asks the portal to do the work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, MutableSequence
from typing import Any, Generic, Self, TypeVar, overload

from headrace.blocking.portal import portal
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.session import Session

InnerT = TypeVar("InnerT")
FaceT = TypeVar("FaceT", bound="Face[Any]")

FACES: dict[type, type[Any]] = {}
"""The blocking class of each async one."""


class Face(Generic[InnerT]):
    """A blocking handle around an async one."""

    __slots__ = ("_inner",)

    def __init__(self, inner: InnerT) -> None:
        self._inner = inner

    @property
    def inner(self) -> InnerT:
        """The async twin."""
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
        if not isinstance(other, Face):
            return NotImplemented
        return bool(self._inner == other._inner)

    def __hash__(self) -> int:
        return hash(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)


ManyT = TypeVar("ManyT", bound=MultiObject[Any, Any])


class Many(Face[ManyT], MutableSequence[FaceT], Generic[ManyT, FaceT]):
    """A blocking list of handles around an async one."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self._inner)

    @overload
    def __getitem__(self, key: int) -> FaceT: ...
    @overload
    def __getitem__(self, key: slice) -> Self: ...
    def __getitem__(self, key: int | slice) -> Any:
        return wrap(self._inner[key])

    def __iter__(self) -> Iterator[FaceT]:
        return map(wrap, self._inner)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._inner[key] = unwrap(value)

    def __delitem__(self, key: int | slice) -> None:
        del self._inner[key]

    def __contains__(self, value: object) -> bool:
        return unwrap(value) in self._inner

    def __add__(self, other: Iterable[FaceT]) -> Self:
        return type(self)(self._inner + unwrap(other if isinstance(other, Face) else list(other)))

    def insert(self, index: int, value: FaceT) -> None:
        """Put a handle before ``index``."""
        self._inner.insert(index, value.inner)


def wrap(value: Any) -> Any:
    """Blocking handles for async ones, also inside lists, tuples and dicts."""
    face = FACES.get(type(value))
    if face is not None:
        return face(value)
    if type(value) in (list, tuple):
        return type(value)(map(wrap, value))
    if type(value) is dict:
        return {key: wrap(each) for key, each in value.items()}
    return value


def unwrap(value: Any) -> Any:
    """Async handles for blocking ones, also inside lists, tuples and dicts."""
    if isinstance(value, Face):
        return value.inner
    if type(value) in (list, tuple):
        return type(value)(map(unwrap, value))
    if type(value) is dict:
        return {key: unwrap(each) for key, each in value.items()}
    return value
