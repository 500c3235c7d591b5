"""What this machine, this installation and a lake are like: what is unsafe, what would be slow. Nothing secret is read."""

from __future__ import annotations

import errno
import os
import platform as system
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import quote

import apsw

from headrace._version import __version__
from headrace.app_folders import config_folder, state_folder
from headrace.file_system import mount_of
from headrace.folders.holders import holders_of, this_process
from headrace.folders.lakes import DATABASE, OBJECTS
from headrace.platform.care.doctor_database import examine_database
from headrace.platform.care.facts import LITTLE_SPACE, Fact, mib
from headrace.platform.lake_layout import check_lake
from headrace.storage.database.base import PageChecksums
from headrace.storage.database.queries import migrations
from headrace.storage.database.sqlite import page_checksums
from headrace.storage.database.sqlite.maintenance import SqliteMaintenance
from headrace.storage.opening import postgres_target
from headrace.subprocesses.slots import processors
from headrace.threads import in_thread

PACKAGES = ("aiohttp", "anyio", "apsw", "lxml", "msgspec", "numpy", "orjson", "uvloop")

_FEW_FILES = 1024
_LARGE_LOG = 256 << 20
_SHARED_MEMORY = Path("/dev/shm")
_LITTLE_SHARED_MEMORY = 64 << 20
_READ = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
_OPTIONS = ("THREADSAFE", "TEMP_STORE", "DEFAULT_CACHE_SIZE", "MAX_MMAP_SIZE")


async def examine(
    lake: str | Path | None = None, *, objects: str | os.PathLike[str] | None = None
) -> list[Fact]:
    """Look at this machine and this installation, and at a lake.

    Args:
        lake: The folder of a lake, or ``postgresql://…``. It is not opened for writing.
        objects: Where a platform in a database keeps its files. Default: what the settings say.

    Returns:
        What was found, in the order in which to read it.

    Raises:
        NotALakeError: The folder is not a lake.
    """
    facts = await in_thread(lambda: [*_installation(), *_limits()])
    if lake is None:
        return facts
    target = postgres_target(lake, objects=objects)
    if target is not None:
        return [*facts, *await examine_database(target)]
    folder = Path(lake)
    await check_lake(folder)
    facts += await in_thread(lambda: [*_folder(folder), *_database(folder), *_holders(folder)])
    facts.append(_checksums(await SqliteMaintenance(folder / DATABASE).checksums()))
    return facts


def _installation() -> Iterator[Fact]:
    yield Fact("headrace", __version__)
    debug = hasattr(sys, "gettotalrefcount")
    yield Fact(
        "python",
        f"{system.python_version()} ({system.python_implementation()}, {system.machine()})",
        "slow" if debug else "ok",
        "this is a debug build of Python; use a normal one" if debug else "",
    )
    yield Fact("system", f"{system.system()} {system.release()}")
    for name in PACKAGES:
        try:
            yield Fact(name, version(name))
        except PackageNotFoundError:
            yield Fact(name, "missing", "slow", f"pip install {name}")
    yield Fact("sqlite", f"{apsw.sqlite_lib_version()} ({', '.join(_build())})")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    yield Fact(
        "user",
        "root" if root else str(os.getuid() if hasattr(os, "getuid") else "unknown"),
        "unsafe" if root else "ok",
        "run headrace as a separate user" if root else "",
    )
    yield Fact("settings", str(config_folder()))
    yield Fact("state", str(state_folder()))
    names = sorted(name for name in os.environ if name.startswith("HEADRACE_"))
    yield Fact("variables", ", ".join(names) or "none")


def _build() -> list[str]:
    return [
        option.lower() for option in apsw.compile_options if option.partition("=")[0] in _OPTIONS
    ]


def _limits() -> Iterator[Fact]:
    try:
        import resource
    except ImportError:
        pass
    else:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        few = soft < _FEW_FILES
        yield Fact(
            "open files",
            f"{soft} (at most {hard})",
            "slow" if few else "ok",
            f"raise the limit before a server is started: ulimit -n {_FEW_FILES}" if few else "",
        )
    yield Fact("processors", str(processors()))
    if _SHARED_MEMORY.is_dir():
        size = shutil.disk_usage(_SHARED_MEMORY).total
        small = size < _LITTLE_SHARED_MEMORY
        yield Fact(
            "shared memory",
            mib(size),
            "slow" if small else "ok",
            "give the container more: docker run --shm-size=256m" if small else "",
        )


def _folder(lake: Path) -> Iterator[Fact]:
    yield Fact("lake", str(lake.absolute()))
    mount = mount_of(lake)
    if mount is not None:
        yield Fact(
            "file system",
            f"{mount.kind} at {mount.place}",
            "unsafe" if mount.is_remote else "ok",
            "keep the lake on a local disk, and let others in with headrace serve"
            if mount.is_remote
            else "",
        )
    free = shutil.disk_usage(lake).free
    little = free < LITTLE_SPACE
    yield Fact("free space", mib(free), "unsafe" if little else "ok", "free some" if little else "")
    if not os.access(lake, os.W_OK):
        yield Fact("access", "can only be read", "ok", "")
    for path in (lake, lake / DATABASE):
        mode = path.stat().st_mode & 0o077
        yield Fact(
            f"permissions of {path.name or path}",
            f"{path.stat().st_mode & 0o777:o}",
            "unsafe" if mode else "ok",
            f"others may read it, and it holds keys: chmod go-rwx {path}" if mode else "",
        )
    objects = lake / OBJECTS
    if objects.is_dir() and hasattr(os, "getxattr"):
        kept = _keeps_attributes(objects)
        yield Fact(
            "digests of files",
            "kept beside the files" if kept else "not kept",
            "ok" if kept else "slow",
            ""
            if kept
            else "the file system has no attributes, so digests are computed again; ext4, XFS and btrfs have them",
        )


def _keeps_attributes(folder: Path) -> bool:
    try:
        os.getxattr(folder, "user.headrace.sha256")
    except OSError as error:
        return error.errno != errno.ENOTSUP
    return True


def _database(lake: Path) -> Iterator[Fact]:
    path = lake / DATABASE
    yield Fact("database", mib(path.stat().st_size))
    log = path.with_name(f"{DATABASE}-wal")
    size = log.stat().st_size if log.exists() else 0
    large = size > _LARGE_LOG
    yield Fact(
        "log of the database",
        mib(size),
        "slow" if large else "ok",
        "a process reads for very long, so that the log cannot be emptied; end it" if large else "",
    )
    schema, known = _schema(path), len(migrations("sqlite"))
    yield Fact(
        "schema",
        f"{schema} of {known}",
        "ok" if schema <= known else "unsafe",
        "" if schema <= known else "a newer headrace wrote the lake: pip install -U headrace",
    )


def _schema(path: Path) -> int:
    name = f"file:{quote(str(path.absolute()))}?mode=ro"
    connection = page_checksums.connect(name, _READ)
    try:
        found = connection.pragma("user_version")
        return found if isinstance(found, int) else 0
    finally:
        connection.close(True)


def _holders(lake: Path) -> Iterator[Fact]:
    me = this_process()
    others = sorted({each.host for each in holders_of(lake) if not each.same_start(me)})
    here = sum(each.same_start(me) for each in holders_of(lake))
    yield Fact("open here", f"{here} processes")
    if others:
        yield Fact(
            "open elsewhere",
            ", ".join(others),
            "unsafe",
            "a lake can be written by one machine at a time; serve it there: headrace serve",
        )


def _checksums(found: PageChecksums) -> Fact:
    if found is PageChecksums.VERIFIED:
        return Fact("page checksums", "verified")
    advice = (
        "run headrace check LAKE --repair while no other process has the lake open"
        if found is not PageChecksums.UNAVAILABLE
        else "this build of apsw lacks SQLite's checksum extension: pip install -U apsw"
    )
    return Fact("page checksums", str(found), "unsafe", advice)
