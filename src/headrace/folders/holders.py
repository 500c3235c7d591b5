"""Which machine has a folder open for writing: SQLite's log works among the processes of one machine, not across machines.

Each process that has a lake open keeps a small file in its folder ``.holders`` and touches it now and then. A process of
another machine that finds a fresh one is refused. Times are those of the folder's file system, which all machines share, so
their clocks need not agree. The processes of one start of one system ("boot id") never refuse one another, also not those of
its containers.

A holder that was killed is noticed: on the same machine by its process or by the start of the system, on another one by the
age of its file. All functions block.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import time
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from headrace.errors import LakeHeldError
from headrace.newfile import write_private_file

BEAT_SECONDS: Final = 30.0
"""How often a holder touches its file."""
STALE_SECONDS: Final = 300.0
"""The age of a file from which on a holder of another machine is taken for dead."""
FOLDER: Final = ".holders"

_LATE_SECONDS = 120.0
_SUFFIX, _PENDING = ".json", ".new"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MACHINE = Path("/etc/machine-id")
_NAMESPACE = "/proc/self/ns/pid"

log = logging.getLogger("headrace.folders")


class Holder(Struct, frozen=True):
    """A process that has a lake open for writing.

    ``host`` is the name of its machine, ``machine`` the id of the installed system, ``boot`` that of its last start, and
    ``namespace`` says among which processes ``pid`` counts; the last three are empty where the system does not tell.
    """

    host: str
    machine: str = ""
    boot: str = ""
    namespace: str = ""
    pid: int = 0

    def same_start(self, other: Holder) -> bool:
        """Whether both run on one start of one system."""
        if self.boot and other.boot:
            return self.boot == other.boot
        return self.host == other.host

    def same_machine(self, other: Holder) -> bool:
        """Whether both are known to run on one machine, whenever it was started.

        Names alone do not tell: containers of two machines may be called the same.
        """
        return bool(self.machine) and (self.host, self.machine) == (other.host, other.machine)


class Holding:
    """The hold of this process on the folder of a lake. :meth:`take` it, :meth:`renew` it now and then, :meth:`free` it."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake
        self._folder = lake / FOLDER
        self._path = self._folder / f"{secrets.token_hex(8)}{_SUFFIX}"
        self._renewed = 0.0

    def take(self) -> None:
        """Take the hold.

        Raises:
            LakeHeldError: Another machine has the lake open for writing.
        """
        me = this_process()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._write(me)
        except OSError as error:
            # A full disk must not keep a lake from being read. Others that have it open are looked for all the same.
            log.debug("cannot note that %s is open: %s", self._lake, error)
        try:
            self._check(me)
        except LakeHeldError:
            self.free()
            raise
        self._renewed = _now()

    @property
    def is_late(self) -> bool:
        """Whether the hold was not renewed for so long that it must be renewed before anything is written."""
        return _now() - self._renewed > _LATE_SECONDS

    def renew(self) -> None:
        """Touch the file; where it is missing, take the hold again.

        Raises:
            LakeHeldError: Another machine has taken the lake over.
        """
        try:
            os.utime(self._path)
        except FileNotFoundError:
            self.take()
            return
        except OSError as error:
            log.debug("cannot note that %s is open: %s", self._lake, error)
        if self.is_late:
            self._check(this_process())
        self._renewed = _now()

    def free(self) -> None:
        """Give the hold up. Idempotent."""
        with contextlib.suppress(OSError):
            self._path.unlink()

    def _write(self, me: Holder) -> None:
        # Renamed when it is whole: others would take a file without its text for a holder of another machine.
        pending = self._path.with_suffix(_PENDING)
        try:
            write_private_file(pending, msgspec.json.encode(me).decode() + "\n")
            pending.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                pending.unlink()
            raise

    def _check(self, me: Holder) -> None:
        """Look at the other holders: remove those that are dead, and raise an error for one of another machine."""
        for path in self._others(_PENDING):
            with contextlib.suppress(OSError):
                if self._now_there() - path.stat().st_mtime > STALE_SECONDS:
                    path.unlink()
        for path in self._others(_SUFFIX):
            with contextlib.suppress(OSError):
                age = self._now_there() - path.stat().st_mtime
                holder = _read(path)
                if holder.same_start(me):
                    if _is_dead(holder, me) or age > STALE_SECONDS:
                        path.unlink()
                elif holder.same_machine(me) or age > STALE_SECONDS:
                    log.warning("%s is taken over from %s, which is gone", self._lake, holder.host)
                    path.unlink()
                else:
                    raise LakeHeldError(
                        f"{holder.host} has the lake {self._lake} open for writing (process {holder.pid})",
                        host=holder.host,
                        hint=f"stop it there, or serve the lake there: headrace serve; a machine that died is taken over {STALE_SECONDS - max(age, 0.0):.0f} s from now",
                    )

    def _others(self, suffix: str) -> list[Path]:
        try:
            names = os.listdir(self._folder)
        except OSError:
            return []
        return [
            self._folder / name
            for name in names
            if name.endswith(suffix) and name != self._path.name
        ]

    def _now_there(self) -> float:
        """Return the time of the folder's file system, by the file that was just touched there."""
        try:
            return self._path.stat().st_mtime
        except OSError:
            return time.time()


@cache
def _system() -> tuple[str, str, str]:
    return socket.gethostname() or "unknown", _text(_MACHINE), _text(_BOOT)


def this_process() -> Holder:
    """Return this process as a holder."""
    host, machine, boot = _system()
    namespace = ""
    with contextlib.suppress(OSError):
        namespace = os.readlink(_NAMESPACE)
    return Holder(host, machine, boot, namespace, os.getpid())


def holders_of(lake: Path) -> list[Holder]:
    """Return the processes that have noted that they have a lake open, whether they still run or not."""
    try:
        names = sorted(os.listdir(lake / FOLDER))
    except OSError:
        return []
    found = []
    for name in names:
        if not name.endswith(_SUFFIX):
            continue
        with contextlib.suppress(OSError):
            found.append(_read(lake / FOLDER / name))
    return found


def _read(path: Path) -> Holder:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except msgspec.MsgspecError:
        return Holder("an unknown machine")


def _is_dead(holder: Holder, me: Holder) -> bool:
    """Whether a holder of this start of the system has ended; False where its processes cannot be seen from here."""
    if not holder.pid or holder.namespace != me.namespace or os.name != "posix":
        return False
    try:
        os.kill(holder.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii", errors="replace").strip()
    return ""


def _now() -> float:
    """Return seconds that pass while the machine sleeps too, where the system has such a clock."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
