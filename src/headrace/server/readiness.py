"""``/healthz`` and ``/readyz``: whether the process runs, and whether it can do its work; if not, what is in the way.

A probe is answered within about two seconds, also where the disk hangs or all readers are busy.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import anyio
from aiohttp import web

from headrace._version import __version__
from headrace.errors import CorruptionError, DiskFullError, HeadraceError
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.platform import Platform
from headrace.server.process_board import ProcessBoard, Slot
from headrace.server.settings import ServerSettings
from headrace.threads import in_thread

PROBE_SECONDS = 1.0
"""How long a probe waits for the disk, and for the database."""
BEAT_SECONDS = 1.0
"""How often a process tells the others how busy it is."""
FREE_FILES = 1024
"""A disk that has room for fewer new files is full. Some file systems do not limit them."""

_log = logging.getLogger("headrace.server")

T = TypeVar("T")
_Check = dict[str, Any]


class Readiness:
    """Whether a server can do its work; ``board`` is what its other processes say, None where there are none."""

    def __init__(
        self, platform: Platform, settings: ServerSettings, board: ProcessBoard | None = None
    ) -> None:
        self._context = platform.context
        self._free_floor = settings.ready_free_bytes
        self._longest = settings.ready_seconds
        self._board = board
        self._failed: list[str] = []
        self._presence = _OneLook(self._check_present)
        self._disk = _OneLook(lambda: in_thread(_free, self._context.disks))
        if board is not None:
            self._context.background.start(self._keep_board, board)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the probes."""
        return [web.get("/healthz", self.health), web.get("/readyz", self.ready)]

    async def health(self, request: web.Request) -> web.Response:
        """Answer that the process runs."""
        return web.json_response({"status": "ok", "headrace": __version__})

    async def ready(self, request: web.Request) -> web.Response:
        """Answer with all checks: 200 where all of them pass, else 503."""
        checks = await self.checks()
        failed = [name for name, check in checks.items() if not check["ok"]]
        if failed != self._failed:
            # A probe comes every few seconds: what it finds is logged when it changes.
            self._failed = failed
            _log.warning("not ready: %s" if failed else "ready again%s", ", ".join(failed))
        body = {"status": "failing" if failed else "ok", "checks": checks}
        return web.json_response(body, status=503 if failed else 200)

    async def checks(self) -> dict[str, _Check]:
        """Check the lake, its disk, the readers, the writer, and the other processes."""
        own = self._own()
        slots = [own] if self._board is None else self._board.slots(own)
        busy = max(slot.readers_busy for slot in slots)
        wait = max(slot.writer_wait for slot in slots)
        found = {
            "lake": await self._lake(),
            "disk": await self._room(),
            "readers": self._lasting("busy_seconds", busy),
            "writer": self._lasting("wait_seconds", wait),
        }
        if self._board is not None:
            silent = sum(slot.silent > self._longest for slot in slots)
            found["processes"] = {"ok": not silent, "count": len(slots), "silent": silent}
        return found

    async def _lake(self) -> _Check:
        try:
            await self._presence.outcome()
            # Readers that are all busy are another check.
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_SECONDS):
                    await signing_keys(self._context)
        except TimeoutError:
            return {"ok": False, "error": "timeout"}
        except HeadraceError as error:
            if "lake" not in self._failed:
                _log.error("the lake cannot be used: %s", error)
            # The message names folders of this machine, and the probe needs no token.
            return {"ok": False, "error": error.code}
        if self._context.database.damage is not None:
            return {"ok": False, "error": CorruptionError.code}
        # What is only read is ready for that.
        return {"ok": True, "read_only": True} if self._context.database.read_only else {"ok": True}

    async def _room(self) -> _Check:
        try:
            free = await self._disk.outcome()
        except TimeoutError:
            return {"ok": False, "error": "timeout"}
        except OSError:
            return {"ok": False, "error": "storage"}
        database = self._context.database
        full = free.bytes < self._free_floor or (free.files is not None and free.files < FREE_FILES)
        found: _Check = {
            # A lake that is only read needs no room.
            "ok": database.read_only or not (full or database.full),
            "free_bytes": free.bytes,
            "floor_bytes": self._free_floor,
        }
        # The disk of a database elsewhere is known by the changes that it refuses alone.
        return {**found, "error": DiskFullError.code} if database.full else found

    def _lasting(self, measure: str, seconds: float) -> _Check:
        return {
            "ok": seconds <= self._longest,
            measure: round(seconds, 1),
            "limit_seconds": self._longest,
        }

    async def _check_present(self) -> None:
        await self._context.database.check_present()
        await self._context.objects.check_present()

    def _own(self) -> Slot:
        return Slot(0.0, *self._context.database.load())

    async def _keep_board(self, board: ProcessBoard) -> None:
        while True:
            board.update(self._own())
            await anyio.sleep(BEAT_SECONDS)


class _Free(NamedTuple):
    bytes: int
    files: int | None


def _free(disks: list[Path]) -> _Free:
    """Return the room on the disks of a lake's database and of its objects, that of the fuller one."""
    folders = [disks[0], *(each for each in disks[1:] if each.is_dir())]
    files: list[int] = []
    if hasattr(os, "statvfs"):
        found = map(os.statvfs, folders)
        files = [each.f_favail for each in found if each.f_files]
    return _Free(
        min(shutil.disk_usage(folder).free for folder in folders), min(files, default=None)
    )


class _OneLook(Generic[T]):
    """A look that may hang, as a dead disk makes it: probes share one, and none waits for it for long."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._running: asyncio.Task[T] | None = None

    async def outcome(self) -> T:
        """Return what the look finds; ``TimeoutError`` where it takes too long."""
        running = self._running
        if running is None:
            running = self._running = asyncio.create_task(self._run())
            # Where it ends after all have given up, its error is known already: as a timeout.
            running.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.wait([running], timeout=PROBE_SECONDS)
        if not running.done():
            raise TimeoutError
        return running.result()

    async def _run(self) -> T:
        try:
            return await self._look()
        finally:
            self._running = None
