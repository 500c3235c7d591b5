"""Open an executor by its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from headrace.engine.cluster.dask import SCHEME, DaskExecutor
from headrace.engine.cluster.executor import Executor
from headrace.engine.cluster.inline import InlineExecutor
from headrace.engine.cluster.local import LocalExecutor
from headrace.errors import ConfigurationError, did_you_mean
from headrace.subprocesses.slots import processors

LOCAL, INLINE = "local", "inline"


@asynccontextmanager
async def opened_executor(name: str | None) -> AsyncIterator[Executor | None]:
    """Open an executor, and end its workers afterwards.

    Args:
        name: ``local`` for a process for each processor of this machine, ``local:4`` for four of them, ``inline`` for this
            process, or ``dask://host:port`` for the threads of a cluster. None opens none.

    Raises:
        ConfigurationError: There is no such executor, or what it needs is missing.
        ConnectError: The cluster does not answer.
    """
    executor = None if name is None else await _open(name)
    try:
        yield executor
    finally:
        if executor is not None:
            with anyio.CancelScope(shield=True):
                await executor.aclose()


async def _open(name: str) -> Executor:
    kind, _, number = name.partition(":")
    if kind == SCHEME:
        return await DaskExecutor.open(name)
    if kind in (LOCAL, INLINE) and (number.isdecimal() or name == kind):
        slots = int(number) if number else None
        if slots == 0:
            raise ConfigurationError(f"{name!r} has no process", hint=f"write {kind}:1 or more")
        if kind == LOCAL:
            return LocalExecutor(slots or processors())
        return InlineExecutor(slots or 1)
    near = did_you_mean(name, (LOCAL, INLINE))
    raise ConfigurationError(
        f"{name!r} is no executor", hint=f"{near}write local, local:4 or dask://host:port"
    )
