"""Several servers of one platform over PostgreSQL and S3, each a process that runs ``headrace serve``."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

import headrace
from headrace.cli import main
from headrace.platform.accounts.tokens import create_token
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.platform.postgres_layout import create_platform
from headrace.sdk.client.connect import Connection
from headrace.storage.opening import PostgresTarget
from tests.support.alternating import Alternating, alternating
from tests.support.lakes.templates import copy_with_token
from tests.support.postgres_server import run
from tests.support.processes.cli import environment
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.shifted_clock import shift_clock
from tests.support.storage import stored_in, target_of

START_SECONDS = 60.0
RUNNER = "headrace.platform.jobs.runner"
OWNER = "headrace.platform.jobs.owner"
PURGE = "headrace.platform.jobs.purge_lease"
MAINTENANCE = "headrace.platform.jobs.maintenance"
LEASE_MS = 1500
QUICK: Mapping[str, Any] = {
    **{f"{RUNNER}.{name}": 10 for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE")},
    **{f"{module}.SHARED_LEASE_MS": LEASE_MS for module in (RUNNER, PURGE)},
}
"""Constants of servers whose jobs work in ranges of ten rows, and whose leases end after :data:`LEASE_MS`."""


class AnswerError(Exception):
    """An answer that is not 2xx: its status, its body, and how long the server asks to wait."""

    def __init__(self, status: int, body: Any, wait: str | None) -> None:
        super().__init__(f"{status}, Retry-After {wait}: {body}")
        self.status = status
        self.body = body
        self.wait = wait


class Server:
    """A process that serves a platform. Each start has a port of its own."""

    def __init__(
        self,
        name: str,
        folder: Path,
        options: tuple[str, ...],
        variables: Mapping[str, str],
        constants: Mapping[str, Any],
    ) -> None:
        self.name = name
        self.address = ""
        self._log = folder / f"{name}.log"
        self._errors = folder / f"{name}.errors.log"
        self._options = options
        self._variables = variables
        # Each is as on a machine of its own: whether a process of another one still runs, nothing but its lease says.
        folder.mkdir(parents=True, exist_ok=True)
        self._errors.touch()
        self._constants = {f"{OWNER}._NAMESPACE": self._errors, **constants}
        self._process: Forked | None = None

    @property
    def output(self) -> str:
        """All that it has written to standard error, in all its lives."""
        return self._errors.read_text(encoding="utf-8")

    @property
    def process(self) -> Forked:
        """The process."""
        assert self._process is not None, "the server was not started"
        return self._process

    async def start(self, *options: str, clock: float = 0.0, **variables: str) -> None:
        """Start it, and wait until it accepts connections.

        Args:
            options: Further options of ``headrace serve``.
            clock: How many seconds the clock of its machine is ahead.
            variables: Further variables of its environment.
        """
        self._log.write_bytes(b"")
        process = self._process = Forked(
            _serve,
            ["serve", "postgresql://", "--port", "0", "--json", *self._options, *options],
            self._constants,
            clock,
            log=self._log,
            errors=self._errors,
            environment=environment(**{**self._variables, **variables}),
        )
        await until(
            lambda: process.returncode is not None or self._log.read_bytes().endswith(b"\n"),
            START_SECONDS,
        )
        line = self._log.read_text(encoding="utf-8").partition("\n")[0]
        assert '"url"' in line, line + self.output
        self.address = json.loads(line)["url"]

    async def kill(self) -> None:
        """Kill it, as a loss of power would."""
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to finish its requests and end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    def pause(self) -> None:
        """Stop the process until :meth:`resume`: it accepts connections and does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process continue."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it where it still runs."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            self._process.join(10)


class Cluster:
    """A platform and its servers.

    Attributes:
        target: The database and the place of the files.
        servers: The processes that serve it.
        token: The token of an administrator of its only organization.
        organization: The id of that organization.
        numbers: Those of the next servers.
        http: Sends requests with the token, each once: the SDK would repeat them.
    """

    def __init__(
        self, target: PostgresTarget, servers: list[Server], token: str, organization: UUID
    ) -> None:
        self.target = target
        self.servers = servers
        self.token = token
        self.organization = organization
        self.numbers = itertools.count()
        self.http: aiohttp.ClientSession

    def connect(self, server: int) -> Connection:
        """Connect to a server with the SDK."""
        return headrace.connect(self.servers[server].address, api_token=self.token)

    @asynccontextmanager
    async def front(self) -> AsyncIterator[Alternating]:
        """Pass requests on to the servers in turn; those that are away are left out."""
        async with alternating(*[server.address for server in self.servers]) as front:
            yield front

    def connect_by(self, front: Alternating) -> Connection:
        """Connect with the SDK to all servers."""
        return headrace.connect(front.address, api_token=self.token)

    async def call(
        self, server: int, method: str, path: str, *, key: str | None = None, **more: Any
    ) -> Any:
        """Send a request once, with an idempotency key where one is given; returns the JSON of the answer.

        ``{organization}`` in the path is replaced.

        Raises:
            AnswerError: The answer is not 2xx.
            aiohttp.ClientError: There is no answer.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        url = self.servers[server].address + path.format(organization=self.organization)
        async with self.http.request(method, url, headers=headers, **more) as answer:
            body = await answer.read()
            if answer.status >= 300:
                raise AnswerError(answer.status, body, answer.headers.get("Retry-After"))
            return json.loads(body) if body else None

    async def rows(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run statements in the database, beside the servers; returns the rows of the last one."""
        return await run(self.target.dsn, *statements)

    @asynccontextmanager
    async def holding(self, table: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        """Keep writers out of a table inside the block: their transactions begin, and stand still when they get there.

        Yields a function that waits until one stands still.
        """
        import asyncpg

        connection = await asyncpg.connect(self.target.dsn)
        try:
            async with connection.transaction():
                await connection.execute(f"lock table {table} in share mode")

                async def waits() -> bool:
                    held = (
                        "select count(*) from pg_locks where not granted and locktype = 'relation'"
                    )
                    return bool((await self.rows(held))[0][0])

                yield lambda: until(waits)
        finally:
            await connection.close()

    async def assert_sound(self) -> None:
        """Check the whole platform as ``headrace check --read-data`` does: rows, counters by a recount, jobs, files."""
        report = await headrace.check_lake(
            self.target.dsn, objects=self.target.objects, read_data=True
        )
        assert report.faults == {}, report.examples


@asynccontextmanager
async def cluster(
    folder: Path,
    count: int = 2,
    *,
    options: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
    target: PostgresTarget | None = None,
) -> AsyncIterator[Cluster]:
    """Serve a new platform with several processes.

    Args:
        folder: Where the logs and the scratch folders of the servers are.
        count: How many servers are started; further ones come from :func:`new_server`.
        options: Further options of ``headrace serve``.
        variables: Further variables of the servers' environment, as the keys of another S3.
        constants: Values in place of constants of modules, by their names, such as :data:`QUICK`.
        target: An empty database and an empty place for files. Default: those of this test run.
    """
    with ExitStack() as stack:
        if target is None:
            target, token = stack.enter_context(_new_platform(folder))
        else:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name, value in (variables or {}).items():
                patch.setenv(name, value)
            await create_platform(target)
            token = ""
        async with await Platform.open(target.dsn, objects=target.objects, jobs=False) as platform:
            organization = (await local_access(platform.context)).organization_id
            if not token:
                token, _ = await create_token(platform.context, name="test")
        made = Cluster(target, [], token, organization)
        for _ in range(count):
            stack.callback(new_server(made, folder, options, variables, constants).end)
        await asyncio.gather(*(server.start() for server in made.servers))
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as made.http:
            yield made


def new_server(
    made: Cluster,
    folder: Path,
    options: tuple[str, ...] = (),
    variables: Mapping[str, str] | None = None,
    constants: Mapping[str, Any] | None = None,
) -> Server:
    """Add a server to a cluster; the caller starts it, and ends it with :meth:`Server.end`."""
    name = f"server-{next(made.numbers)}"
    own = {
        "HEADRACE_DATABASE": made.target.dsn,
        "HEADRACE_OBJECTS": made.target.objects or "",
        "HEADRACE_SCRATCH": str(folder / name),
        **(variables or {}),
    }
    server = Server(name, folder, options, own, constants or {})
    made.servers.append(server)
    return server


@contextmanager
def _new_platform(folder: Path) -> Iterator[tuple[PostgresTarget, str]]:
    """Make a platform in a database and under a prefix of the S3 of this test run."""
    with stored_in("s3"):
        token = copy_with_token(folder / "platform")
        target = target_of(folder / "platform")
        assert target is not None
        yield target, token


def _serve(arguments: list[str], constants: Mapping[str, Any], clock: float) -> None:
    if clock:
        shift_clock(clock)
    for name, value in constants.items():
        module, _, constant = name.rpartition(".")
        assert hasattr(sys.modules[module], constant), name
        setattr(sys.modules[module], constant, value)
    sys.exit(main(arguments))
