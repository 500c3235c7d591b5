"""The job of a launched processing: run the program in a separate process and watch it until it ends.

A program belongs to the process that launched it. Where that process ends first, the program may be partly done, so it
is not run again: its job fails, and the user decides whether to launch it again.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio
import msgspec
from msgspec import Struct

from headrace.errors import (
    ConflictError,
    HeadraceError,
    UnprocessableEntityError,
)
from headrace.newfile import make_private_folder, write_private_file
from headrace.platform.accounts.tokens import issue_token
from headrace.platform.context import Context
from headrace.platform.core.locking import ACCOUNTS
from headrace.platform.jobs.launched import VERSION_KIND
from headrace.platform.jobs.records import job_id
from headrace.platform.jobs.runner import lease_ms
from headrace.platform.jobs.work import JobTask, Progress
from headrace.platform.processings.log_rows import LogCopier
from headrace.platform.processings.programs import Program
from headrace.storage.database.base import Transaction
from headrace.storage.database.locks import Lock
from headrace.subprocesses.log import LogWriter, delete_old_logs
from headrace.subprocesses.process import run_process
from headrace.threads import in_thread

log = logging.getLogger("headrace.platform")

LOGS = "logs"
TOKEN_SECONDS = 600.0
"""Validity of a program's token in seconds; it is renewed while the program runs."""

_POLL_SECONDS = 0.25
_LAST_LINES = 3
_MAX_CHARACTERS = 600


class ProcessingSpec(Struct, frozen=True, kw_only=True):
    """The stored specification of a launch. ``ids`` are the assets or data of the launch, None for a whole version."""

    processing: str
    program: Program
    folder: str
    subject: UUID
    ids: list[UUID] | None
    parameters: dict[str, Any]
    cpu: int
    gpu: int
    account: int
    username: str
    organization: UUID


class ProcessingWork:
    """Runs the program in :meth:`prepare`; there are no ranges to write."""

    def __init__(self, context: Context, task: JobTask) -> None:
        self._context = context
        self._task = task
        self._spec = msgspec.json.decode(task.spec, type=ProcessingSpec)
        # Names that users give to tokens cannot contain a tab.
        self._token_name = f"job\t{task.no}"
        self._error: HeadraceError | None = None
        self._log: LogCopier | None = None
        self._copying = anyio.Lock()

    async def locks(self, cursor: Any) -> tuple[Lock, ...]:
        """The tokens."""
        return (ACCOUNTS,)

    async def prepare(self, cursor: Any, size: int) -> None:
        """Run the program to its end; an error raised here fails the job."""
        if not self._context.jobs.begin_reserved(self._task.no):
            raise ConflictError("the process that ran the program ended first; launch it again")
        async with anyio.create_task_group() as group:
            group.start_soon(self._watch, group.cancel_scope)
            # Errors are raised after the group, so that they are not wrapped in an exception group.
            try:
                async with self._context.slots.acquire(self._spec.cpu, self._spec.gpu):
                    await self._run()
            except HeadraceError as error:
                self._error = error
            group.cancel_scope.cancel()
        if self._error is not None:
            raise self._error

    async def write(self, tx: Transaction, cursor: Any, size: int) -> Progress | None:
        """Return None: there is nothing to write."""
        return None

    async def finish(self, tx: Transaction) -> None:
        """Delete the token of the program."""
        await tx.execute("accounts.drop_token", name=self._token_name)

    async def abandon(self, tx: Transaction) -> None:
        """Delete the token of the program; changes made by the program are kept."""
        await tx.execute("accounts.drop_token", name=self._token_name)

    async def after_end(self) -> None:
        """Do nothing."""

    async def _watch(self, scope: anyio.CancelScope) -> None:
        """Stop the program when the job is cancelled or lost; renew the lease and the token until then."""
        renewed = time.monotonic()
        lease = lease_ms(self._context) / 1000
        try:
            while not await self._must_stop(renewed + lease):
                await anyio.sleep(_POLL_SECONDS)
                await self._copy_log()
                if time.monotonic() - renewed > lease / 4 and await self._renew():
                    renewed = time.monotonic()
        except HeadraceError as error:
            self._error = error
        scope.cancel()

    async def _copy_log(self) -> None:
        async with self._copying:
            if self._log is not None:
                try:
                    await self._log.copy()
                except HeadraceError as error:
                    log.warning("the log of job %d is copied later: %s", self._task.no, error)

    async def _must_stop(self, until: float) -> bool:
        """Whether the program must stop. A shared database may be away for a moment, as long as the lease is valid."""
        try:
            return await self._context.jobs.must_stop(self._task.no)
        except HeadraceError:
            if not self._context.shared or time.monotonic() > until:
                raise
            return False

    async def _renew(self) -> bool:
        """Renew the lease and the token; False if a shared database is away."""
        try:
            if await self._context.jobs.renew_lease(self._task.no):
                expires = self._context.clock() + int(TOKEN_SECONDS * 1000)
                await self._context.database.execute(
                    "accounts.extend_token", name=self._token_name, expires=expires
                )
        except HeadraceError:
            if not self._context.shared:
                raise
            return False
        return True

    async def _run(self) -> None:
        context, spec = self._context, self._spec
        logs = context.path / LOGS
        folder = logs / str(self._task.no)
        await in_thread(_prepare_folder, logs, folder, spec.ids)
        token = await self._issue_token()
        writer = LogWriter(folder, secret=token.encode())
        if context.shared:
            self._log = LogCopier(context.database, self._task.no, folder)
            await self._log.drop_old()
        await context.database.execute("jobs.mark", job=self._task.no, cursor="0")
        try:
            row = await context.database.fetch_one(
                "jobs.by_no", no=self._task.no, organization=self._task.organization
            )
            assert row is not None
            environment = self._environment(job_id(self._task.no, row[0]), token, folder / _IDS)
            status = await run_process(
                spec.program.command_line(spec.folder),
                folder=Path(spec.folder) if spec.folder else None,
                environment=environment,
                write=writer.write,
            )
        except OSError as error:
            raise UnprocessableEntityError(
                f"{spec.processing} cannot run in {spec.folder or '.'}: {error.strerror}"
            ) from None
        finally:
            with anyio.CancelScope(shield=True):
                await in_thread(_clean_up, writer, folder)
                await self._copy_log()
        if status:
            raise UnprocessableEntityError(f"{_describe_status(status)}{_last_lines(writer.tail)}")

    async def _issue_token(self) -> str:
        """Issue a token for the program where it connects to a server; else return an empty string."""
        if self._context.public_address is None:
            return ""
        async with self._context.database.transaction(ACCOUNTS) as tx:
            token, _ = await issue_token(
                tx,
                self._context.clock(),
                account=self._spec.account,
                organization=self._task.organization,
                name=self._token_name,
                lifetime=TOKEN_SECONDS,
            )
        return token

    def _environment(self, job: UUID, token: str, ids: Path) -> dict[str, str]:
        spec, context = self._spec, self._context
        subject = "VERSION_ID" if self._task.kind == VERSION_KIND else "DATALAKE_ID"
        own = {
            "TARGET": context.public_address or str(context.path.absolute()),
            "ORGANIZATION_ID": str(spec.organization),
            "JOB_ID": str(job),
            "PROCESSING": spec.processing,
            subject: str(spec.subject),
            "PARAMETERS": msgspec.json.encode(spec.parameters).decode(),
            "CPU": str(spec.cpu),
            "GPU": str(spec.gpu),
        }
        # A server identifies the user by the token; a lake needs the username.
        own |= {"TOKEN": token} if token else {"USERNAME": spec.username}
        if spec.ids is not None:
            own["IDS"] = str(ids.absolute())
        inherited = {name: value for name, value in os.environ.items() if self._inherits(name)}
        prefixed = {_PREFIX + name: value for name, value in own.items()}
        return inherited | {"PYTHONUNBUFFERED": "1"} | prefixed

    def _inherits(self, variable: str) -> bool:
        """Whether the program gets a variable of this process, which may hold a token or the keys of a cloud."""
        if variable.startswith(_PREFIX):
            return False
        if self._context.public_address is None:
            # The person who launches it in a lake could read the variable all the same.
            return True
        return (
            variable in _USUAL
            or variable.startswith("LC_")
            or variable in self._spec.program.variables
        )


_PREFIX = "HEADRACE_"
_IDS = "ids"
_USUAL = frozenset(
    [
        "PATH",
        "HOME",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "TEMP",
        "TMP",
        "PYTHONPATH",
        "PYTHONHOME",
        "VIRTUAL_ENV",
        "LD_LIBRARY_PATH",
        "CUDA_VISIBLE_DEVICES",
        "NVIDIA_VISIBLE_DEVICES",
        "OMP_NUM_THREADS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "SYSTEMROOT",
    ]
)
"""What programs of a server get of its environment: where to find things, and nothing that could be secret."""


def _prepare_folder(logs: Path, folder: Path, ids: list[UUID] | None) -> None:
    try:
        make_private_folder(folder)
        delete_old_logs(logs)
        if ids is not None:
            write_private_file(folder / _IDS, "".join(f"{each}\n" for each in ids))
    except OSError as error:
        raise UnprocessableEntityError(
            f"cannot write into {logs}: {error.strerror}", hint="free space on its disk"
        ) from None


def _clean_up(writer: LogWriter, folder: Path) -> None:
    writer.close()
    with suppress(OSError):
        (folder / _IDS).unlink(missing_ok=True)


def _describe_status(status: int) -> str:
    if status > 128:
        with suppress(ValueError):
            return f"ended by {signal.Signals(status - 128).name}"
    return f"exit status {status}"


def _last_lines(tail: bytes) -> str:
    lines = [line.strip() for line in tail.decode(errors="replace").splitlines() if line.strip()]
    shown = " | ".join(lines[-_LAST_LINES:])
    return f": {shown[-_MAX_CHARACTERS:]}" if shown else ""
