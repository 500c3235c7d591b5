"""The asynchronous classes called as blocking code calls them: each call is awaited in the loop that made the proxy.

So a scenario that is written once for blocking clients also runs on :mod:`headrace.sdk`. Use it in a worker thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

from anyio import from_thread

from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.resource import Resource
from headrace.sdk.client.client import Client


class Awaited:
    """A handle whose methods answer at once."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if not callable(value):
            return wrapped(value)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = value(*map(bare, args), **{key: bare(each) for key, each in kwargs.items()})
            return wrapped(from_thread.run(finished, answer))

        return call

    def __len__(self) -> int:
        return len(self._inner)

    def __iter__(self) -> Iterator[Any]:
        return map(wrapped, self._inner)

    def __getitem__(self, key: Any) -> Any:
        return wrapped(self._inner[key])

    def __eq__(self, other: object) -> bool:
        return bool(self._inner == bare(other))

    def __hash__(self) -> int:
        return hash(self._inner)


async def finished(answer: Any) -> Any:
    """What an answer comes to in the end."""
    if isinstance(answer, Awaitable):
        return await answer
    if isinstance(answer, AsyncIterator):
        return [item async for item in answer]
    return answer


def wrapped(value: Any) -> Any:
    if isinstance(value, Client | Resource | MultiObject):
        return Awaited(value)
    if type(value) in (list, tuple):
        return type(value)(map(wrapped, value))
    if type(value) is dict:
        return {key: wrapped(each) for key, each in value.items()}
    return value


def bare(value: Any) -> Any:
    if isinstance(value, Awaited):
        return value._inner
    if type(value) in (list, tuple):
        return type(value)(map(bare, value))
    return value
