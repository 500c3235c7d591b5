"""Many of the same at once, in a task group that ends with all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
R = TypeVar("R")


async def map_bounded(
    function: Callable[[T], Awaitable[R]], items: Sequence[T], *, concurrency: int
) -> list[R]:
    """``await function(item)`` for every item, at most ``concurrency`` at a time; results in the items' order.

    The first error ends all of them.
    """
    if len(items) == 1:
        return [await function(items[0])]
    results: list[Any] = [None] * len(items)
    waiting = iter(enumerate(items))

    async def work() -> None:
        for index, item in waiting:
            results[index] = await function(item)

    try:
        async with anyio.create_task_group() as group:
            for _ in range(min(concurrency, len(items))):
                group.start_soon(work)
    except BaseExceptionGroup as errors:
        raise first_error(errors) from None
    return results


def first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error to show of those that ended a task group: the first that is no mere consequence."""
    for error in errors.exceptions:
        return first_error(error) if isinstance(error, BaseExceptionGroup) else error
    return errors
