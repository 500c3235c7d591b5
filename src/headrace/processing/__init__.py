"""For those who write processings: what a launched program is told, and the lake it works on.

A Python callable that is registered as ``module:function`` gets a :class:`Context`, or, where it is no ``async def``,
a :class:`BlockingContext`::

    from headrace.processing import Context

    async def count(context: Context) -> None:
        async for asset in context.iter_assets():
            print(asset.filename)

A command finds the same in its environment, and a Python one may ask for it: ``async with context_of_job() as context``
or ``with blocking_context_of_job() as context``. What is printed is the job's log; an exit status other than 0, or an
exception, fails the job.
"""

from __future__ import annotations

from headrace.processing.blocking_context import BlockingContext, blocking_context_of_job
from headrace.processing.context import Context, context_of_job
from headrace.processing.launch_context import Told

__all__ = [
    "BlockingContext",
    "Context",
    "Told",
    "blocking_context_of_job",
    "context_of_job",
]
