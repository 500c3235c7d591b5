"""Run a function over many items with bounded concurrency."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
R = TypeVar("R")


async def map_bounded(
    function: Callable[[T], Awaitable[R]], items: Sequence[T], *, concurrency: int
) -> list[R]:
    """Call ``function`` with every item, at most ``concurrency`` at a time.

    Args:
        function: Called with one item; its result is awaited.
        items: The arguments.
        concurrency: The largest number of calls in progress.

    Returns:
        The results, in the order of the items.

    Raises:
        BaseException: The first error of a call; the other calls are cancelled.
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
    """Return the first leaf of an exception group: the error that cancelled the other tasks."""
    for error in errors.exceptions:
        return first_error(error) if isinstance(error, BaseExceptionGroup) else error
    return errors
