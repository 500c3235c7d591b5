"""Keeps one PostgreSQL server running for tests and benchmarks; a program of the standard library alone.

``postgres_keeper.py FOLDER WATCHED PROGRAMS [NAME=VALUE ...]``. WATCHED is the id of a process, with whose end the
server ends, or ``stdin``: then the server ends with standard input, and each line there is a command (``kill``,
``stop``, ``start``) that is answered by a line on standard output. With ``HEADRACE_SERVER_KEEP=1`` the folder and its
databases stay, and are used again.
"""

from __future__ import annotations

import ctypes
import json
import os
import pwd
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

SUPERUSER = "headrace"
READY = "ready.json"
PASSWORD_FILE = "password"

_KEEP = os.environ.get("HEADRACE_SERVER_KEEP") == "1"
_SET_PDEATHSIG = 1
_START_SECONDS = 40.0
_POLL_SECONDS = 0.2
# Nothing must survive a crash of the machine, so nothing is flushed.
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_wal_size=64MB",
    "min_wal_size=8MB",
    "max_connections=200",
    "max_locks_per_transaction=256",
    "autovacuum=off",
    "log_min_messages=warning",
    "log_statement=none",
    "wal_level=minimal",
    "max_wal_senders=0",
    "dynamic_shared_memory_type=mmap",
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
)


class Keeper:
    """The folder of a server and its process."""

    def __init__(self, folder: Path, programs: Path, settings: tuple[str, ...]) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = settings
        self._as_user = _unprivileged()
        self._programs = self._readable(programs)
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def create(self) -> None:
        """Make the files of a server, with a password that is new; those that were kept are used."""
        if (self._folder / PASSWORD_FILE).exists():
            return
        for each in (self._folder / "home", self._data):
            shutil.rmtree(
                each, ignore_errors=True
            )  # of a keeper that was killed while it made them
        password = secrets.token_hex(12)
        inside = self._folder / "home"
        inside.mkdir(mode=0o700)
        (inside / PASSWORD_FILE).touch(mode=0o600)
        (inside / PASSWORD_FILE).write_text(password, encoding="utf-8")
        self._data.mkdir(mode=0o700)
        if self._as_user:
            for each in (inside, inside / PASSWORD_FILE, self._data):
                os.chown(each, self._as_user["user"], self._as_user["group"])
        subprocess.run(
            [
                str(self._programs / "bin" / "initdb"),
                *("--pgdata", str(self._data), "--username", SUPERUSER, "--no-sync"),
                *("--auth", "scram-sha-256", "--pwfile", str(inside / PASSWORD_FILE)),
                *("--locale", "C.UTF-8", "--encoding", "UTF8", "--wal-segsize", "1"),
                *self._of_version(),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **self._as_user,
        )
        made = self._folder / f"{PASSWORD_FILE}.new"
        made.touch(mode=0o600)
        made.write_text(password, encoding="utf-8")
        made.replace(self._folder / PASSWORD_FILE)

    def _of_version(self) -> list[str]:
        """Return the options that older versions do not know."""
        version = subprocess.run(
            [str(self._programs / "bin" / "postgres"), "--version"],
            check=True,
            capture_output=True,
            text=True,
            cwd="/",
            **self._as_user,
        )
        major = int(version.stdout.split()[2].partition(".")[0])
        options = ["--locale-provider", "builtin"] if major >= 17 else []
        # A password of a test need not be hard to guess.
        return [*options, "-c", "scram_iterations=1"] if major >= 16 else options

    def start(self, settings: tuple[str, ...] = ()) -> None:
        """Start the server on a free port, or on the port of last time, and wait until it accepts connections."""
        deadline = time.monotonic() + _START_SECONDS
        while True:
            port = self._port or _free_port()
            chosen = (*_SETTINGS, f"port={port}", *self._settings, *settings)
            options = [part for each in chosen for part in ("-c", each)]
            with (self._folder / "server.log").open("ab") as log:
                process = subprocess.Popen(
                    [str(self._programs / "bin" / "postgres"), "-D", str(self._data), *options],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    preexec_fn=_end_with_parent,
                    **self._as_user,
                )
            self._process = process
            while process.poll() is None:
                if self._accepts():
                    self._port = port
                    return
                if time.monotonic() > deadline:
                    self.kill()
                    raise SystemExit("the server accepts no connection")
                time.sleep(0.01)
            # The port was taken meanwhile, or processes of a killed server have not ended yet.
            if time.monotonic() > deadline:
                raise SystemExit("the server does not start")
            time.sleep(0.05)

    @property
    def port(self) -> int:
        """The port of the server."""
        return self._port

    def stop(self) -> None:
        """Stop the server at once; it keeps what was committed."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill the server and its processes."""
        if self._process is not None:
            for child in _children(self._process.pid):
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def quit(self) -> None:
        """End the server for ever, or in good order where its files are kept."""
        self._end(signal.SIGINT if _KEEP else signal.SIGQUIT)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.wait()
        self._process = None

    def _accepts(self) -> bool:
        with suppress(OSError, ValueError, IndexError):
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            assert self._process is not None
            return int(lines[0]) == self._process.pid and lines[7].strip() == "ready"
        return False

    def _readable(self, programs: Path) -> Path:
        """Return programs that the server's user can run: these, or a copy where a folder above them is closed to it."""
        test = (
            subprocess.run(
                [str(programs / "bin" / "postgres"), "--version"],
                check=False,
                capture_output=True,
                cwd="/",
                **self._as_user,
            )
            if _can_execute(programs / "bin" / "postgres", self._as_user)
            else None
        )
        if test is not None and test.returncode == 0:
            return programs
        # The programs find their libraries in a folder beside their package.
        package = programs.parent
        target = self._folder / "programs" / package.name / programs.name
        shutil.rmtree(self._folder / "programs", ignore_errors=True)
        shutil.copytree(programs, target)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, self._folder / "programs" / libraries.name)
        return target


def _can_execute(path: Path, as_user: dict[str, Any]) -> bool:
    if not as_user:
        return os.access(path, os.X_OK)
    return all(each.stat().st_mode & 0o001 for each in (path, *path.parents))


def _unprivileged() -> dict[str, Any]:
    """Return as which user the server runs: as this one, or as ``nobody`` where this one is root."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
        return [int(each) for each in text.split()]
    return []


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGQUIT)


def _wait_for_end(pid: int) -> None:
    """Wait until a process has ended."""
    if hasattr(os, "pidfd_open"):
        with suppress(ProcessLookupError):
            select.select([os.pidfd_open(pid)], [], [])
        return
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(_POLL_SECONDS)


def _serve_commands(keeper: Keeper) -> None:
    for line in sys.stdin:
        command, *settings = line.split()
        match command:
            case "kill":
                keeper.kill()
            case "stop":
                keeper.stop()
            case "start":
                keeper.start(tuple(settings))
        print("done", flush=True)


def main(folder: Path, watched: str, programs: Path, *settings: str) -> None:
    """Run a server until what is watched has ended, then remove its folder."""
    try:
        keeper = Keeper(folder, programs, settings)
        keeper.create()
        keeper.start()
        try:
            pending = folder / f"{READY}.new"
            pending.write_text(json.dumps({"port": keeper.port}), encoding="utf-8")
            pending.replace(folder / READY)
            if watched == "stdin":
                _serve_commands(keeper)
            else:
                _wait_for_end(int(watched))
        finally:
            keeper.quit()
    finally:
        if _KEEP:
            (folder / READY).unlink(missing_ok=True)
        elif (folder / READY).exists():
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), *sys.argv[4:])
