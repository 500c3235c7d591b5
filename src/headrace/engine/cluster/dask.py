"""An executor on a Dask cluster: an existing one of the user's, named by the address of its scheduler.

A task has the name of a function and bytes, so nothing of this program is pickled. Any program that reaches a scheduler of
Dask can run code on its workers. So beyond this machine a cluster must have TLS with certificates on both sides, as Dask's
own settings name them (``distributed.comm.tls``).
"""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import anyio

from headrace._version import __version__
from headrace.engine.cluster.calls import run_call
from headrace.errors import (
    ConfigurationError,
    ConnectError,
    MissingExtraError,
    WorkerProcessError,
)

SCHEME: Final = "dask"
_CONNECT_SECONDS: Final = 10.0
_NO_WORKER_SECONDS: Final = 30.0
_ASK_SECONDS: Final = 1.0
"""How often a running call asks whether it was cancelled."""

_PER_SLOT: Final = 2
"""Calls sent for each thread of a worker, so that none waits for the scheduler."""


class DaskExecutor:
    """Runs calls as tasks of Dask; :meth:`open` connects."""

    shared = True

    def __init__(self, address: str, client: Any, threads: int) -> None:
        self.name = address
        self.slots = threads * _PER_SLOT
        self._client = client

    @classmethod
    async def open(cls, address: str) -> DaskExecutor:
        """Connect to a scheduler, ``dask://host:port``, and look at its workers.

        Raises:
            MissingExtraError: The extra ``cluster`` is not installed.
            ConfigurationError: The address is wrong, it is beyond this machine and has no TLS, or a worker has no headrace
                or another version of it.
            ConnectError: Nothing answers there, or there is no worker.
        """
        host, port = _parts(address)
        try:
            import distributed
        except ImportError as error:
            raise MissingExtraError(
                "Dask clusters need the package distributed", install="headrace[cluster]"
            ) from error
        dask: Any = distributed
        security = dask.Security()
        encrypted = _has_tls(security)
        if not encrypted and not _is_loopback(host):
            raise ConfigurationError(
                f"{address}: a cluster beyond this machine must have TLS: otherwise anyone who reaches its scheduler runs"
                " code on its workers",
                hint="name the certificates in Dask's settings distributed.comm.tls, for scheduler, workers and client",
            )
        client = dask.Client(
            f"{'tls' if encrypted else 'tcp'}://{host}:{port}",
            asynchronous=True,
            security=security,
            set_as_default=False,
            timeout=_CONNECT_SECONDS,
        )
        try:
            await client
            with anyio.fail_after(_NO_WORKER_SECONDS):
                await client.wait_for_workers(1)
            threads = await _checked_threads(address, client)
        except BaseException as error:
            with anyio.CancelScope(shield=True), suppress(Exception):
                await client.close()
            if isinstance(error, TimeoutError | OSError):
                raise ConnectError(
                    f"{address}: no Dask scheduler with workers answers",
                    hint="start them: dask scheduler, dask worker ADDRESS",
                ) from error
            raise
        return cls(address, client, threads)

    async def run(self, name: str, spec: bytes) -> bytes:
        """Run a call as a task. A cancellation cancels the task, and ends it where it runs already."""
        import distributed
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        dask: Any = distributed

        key = f"headrace-{uuid4().hex}"
        future = self._client.submit(run_task, name, spec, key, key=key, pure=False, retries=0)
        try:
            answer: bytes = await future
        except KilledWorker as error:
            raise WorkerProcessError(
                f"the workers that ran it died, the last one {error.last_worker.address}",
                hint="run it again",
            ) from error
        except (FutureCancelledError, OSError) as error:
            raise ConnectError(
                f"{self.name}: the Dask scheduler has gone", hint="run it again"
            ) from error
        except asyncio.CancelledError:
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CONNECT_SECONDS):
                await dask.Event(key, client=self._client).set()
                await future.cancel(force=True)
            raise
        return answer

    async def aclose(self) -> None:
        """Disconnect. The cluster goes on."""
        with anyio.CancelScope(shield=True), suppress(TimeoutError):
            await self._client.close()


def run_task(name: str, spec: bytes, key: str) -> bytes:
    """Run a call on a thread of a worker, until it is cancelled."""
    return asyncio.run(_run_task(name, spec, key))


async def _run_task(name: str, spec: bytes, key: str) -> bytes:
    call = asyncio.ensure_future(run_call(name, spec))
    watch = asyncio.ensure_future(_cancelled(key))
    await asyncio.wait((call, watch), return_when=asyncio.FIRST_COMPLETED)
    if not call.done():
        call.cancel()
        await asyncio.wait((call,))
    watch.cancel()
    return b"" if call.cancelled() else call.result()


async def _cancelled(key: str) -> None:
    import distributed

    dask: Any = distributed
    event = dask.Event(key, client=dask.get_client())
    while True:
        await asyncio.sleep(_ASK_SECONDS)
        if await asyncio.to_thread(event.is_set):
            return


def worker_version() -> str:
    """Return the version of headrace on a worker."""
    return __version__


async def _checked_threads(address: str, client: Any) -> int:
    """Return how many tasks the workers run at a time, once each has the same headrace as this process."""
    answers = await client.run(worker_version, on_error="return")
    for worker, answer in answers.items():
        if isinstance(answer, BaseException):
            raise ConfigurationError(
                f"{address}: the worker {worker} cannot run headrace: {type(answer).__name__}: {answer}",
                hint="install headrace[cluster] on every worker",
            )
        if answer != __version__:
            raise ConfigurationError(
                f"{address}: the worker {worker} has headrace {answer}, and this is {__version__}",
                hint="install the same version on all machines",
            )
    threads: dict[str, int] = await client.nthreads()
    return max(1, sum(threads.values()))


def _parts(address: str) -> tuple[str, int]:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme != SCHEME or parts.path.strip("/") or parts.username:
        raise ConfigurationError(
            "that is no address of a Dask scheduler", hint="write dask://host:port"
        )
    return (f"[{host}]" if ":" in host else host), port


def _has_tls(security: Any) -> bool:
    return security.get_connection_args("client").get("ssl_context") is not None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
