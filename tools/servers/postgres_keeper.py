"""Keeps one PostgreSQL server running for tests and benchmarks; a program of the standard library alone.

``python -S -m tools.servers.postgres_keeper FOLDER WATCHED PROGRAMS [NAME=VALUE ...]``: see
:mod:`tools.servers.keeping`. PROGRAMS is the folder of PostgreSQL's programs, and settings follow.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.servers.keeping import KeptServer, keep, write_private

SUPERUSER = "headrace"
PASSWORD_FILE = "password"

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


class PostgresServer(KeptServer):
    """The folder of a PostgreSQL server and its process."""

    ports_needed = 1
    start_seconds = 40.0
    end_signal = signal.SIGQUIT

    def __init__(self, folder: Path, programs: Path, settings: tuple[str, ...]) -> None:
        super().__init__(folder)
        self._data = folder / "data"
        self._settings = settings
        self._as_user = _unprivileged()
        self._programs = self._readable(programs)

    def create(self) -> None:
        """Make the files of a server, with a password that is new; those that were kept are used."""
        if (self.folder / PASSWORD_FILE).exists():
            return
        # Of a keeper that was killed while it made them.
        for each in (self.folder / "home", self._data):
            shutil.rmtree(each, ignore_errors=True)
        password = secrets.token_hex(12)
        inside = self.folder / "home"
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
        write_private(self.folder / PASSWORD_FILE, password)

    def described(self) -> dict[str, str | int]:
        """The port of the server."""
        return {"port": self.ports[0]}

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

    def _command(self, ports: list[int], settings: tuple[str, ...]) -> list[str]:
        chosen = (*_SETTINGS, f"port={ports[0]}", *self._settings, *settings)
        options = [part for each in chosen for part in ("-c", each)]
        return [str(self._programs / "bin" / "postgres"), "-D", str(self._data), *options]

    def _process_options(self) -> dict[str, Any]:
        return {"cwd": "/", **self._as_user}

    def _accepts(self, process: subprocess.Popen[bytes], ports: list[int]) -> bool:
        with suppress(OSError, ValueError, IndexError):
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            return int(lines[0]) == process.pid and lines[7].strip() == "ready"
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
        target = self.folder / "programs" / package.name / programs.name
        shutil.rmtree(self.folder / "programs", ignore_errors=True)
        shutil.copytree(programs, target)
        libraries = package.with_name(f"{package.name}.libs")
        shutil.copytree(libraries, self.folder / "programs" / libraries.name)
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


if __name__ == "__main__":
    keep(PostgresServer(Path(sys.argv[1]), Path(sys.argv[3]), tuple(sys.argv[4:])), sys.argv[2])
