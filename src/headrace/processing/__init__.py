"""For authors of processings: the context that a launched program runs in.

A Python callable registered as ``module:function`` receives a :class:`Context`, or a :class:`BlockingContext` where it
is not an ``async def``::

    from headrace.processing import Context

    async def count(context: Context) -> None:
        async for asset in context.iter_assets():
            print(asset.filename)

A command finds the same facts in its environment; a Python command may open the context itself, with
``async with context_of_job() as context`` or ``with blocking_context_of_job() as context``. Everything that the program
prints is the job's log. An exit status other than 0, or an exception, fails the job.
"""

from __future__ import annotations

from headrace.processing.context import (
    BlockingContext,
    Context,
    blocking_context_of_job,
    context_of_job,
)
from headrace.processing.launch_context import LaunchContext

__all__ = [
    "BlockingContext",
    "Context",
    "LaunchContext",
    "blocking_context_of_job",
    "context_of_job",
]
