"""What the platforms of tests are stored in: lakes, or databases of PostgreSQL with a folder or S3 for the files.

A test names its platform by a path, as it names a lake. Where the storage of the test is another one, the path stands for
a database that is made for it: ``Platform.open(path)`` opens that, and the files are in ``path / "objects"`` or under a
prefix of S3. So the same tests run on all of them.

``two`` is two platforms over one database, each with connections of its own, as two servers have them; those who call take
turns between them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from headrace.platform.context import Context
from headrace.platform.platform import Platform
from headrace.storage.database.dsn import is_dsn
from headrace.storage.opening import PostgresTarget
from tests.support.lakes.raw_rows import PostgresRows, RawRows, sqlite_rows

if TYPE_CHECKING:
    from tests.support.lakes.stocked_lake import Stocked

KINDS = ("lake", "postgres", "s3", "two")

CATALOG = "headrace.db"


class _Current:
    """The storage of the running test, and the databases that stand for paths."""

    def __init__(self) -> None:
        self.kind = "lake"
        self.files_on_s3 = False
        self.targets: dict[Path, PostgresTarget] = {}
        self.stack = ExitStack()
        self.platform_open: Any = Platform.open
        self.platform_create: Any = Platform.create


_CURRENT = _Current()


def kind() -> str:
    """Return the storage of the running test."""
    return _CURRENT.kind


def files_on_s3() -> bool:
    """Whether the files of platforms over PostgreSQL are on S3."""
    return _CURRENT.kind == "s3" or _CURRENT.files_on_s3


def target_of(path: Path) -> PostgresTarget | None:
    """Return the database that a path stands for; None for a lake."""
    return _CURRENT.targets.get(path.absolute())


def address_of(path: Path) -> tuple[str | Path, str | None]:
    """Return what commands on a platform take: its folder, or the address of its database and where its files are."""
    target = target_of(path)
    return (path, None) if target is None else (target.dsn, target.objects)


def is_made(path: Path) -> bool:
    """Whether a platform was made at a path."""
    return target_of(path) is not None or (path / CATALOG).exists()


def rows_of_lake(path: Path) -> RawRows:
    """Open the catalog of a platform beside it."""
    target = target_of(path)
    return sqlite_rows(str(path / CATALOG)) if target is None else PostgresRows(target.dsn)


def raw_rows(context: Context) -> RawRows:
    """Open the catalog of an open platform beside it."""
    if context.target is None:
        return sqlite_rows(str(context.path / CATALOG))
    return PostgresRows(context.target.dsn)


def tables_of(context: Context, connection: RawRows) -> set[str]:
    """Return the names of the tables of a catalog."""
    if context.target is None:
        found = connection.execute("select name from sqlite_schema where type = 'table'")
        return {name for (name,) in found if not name.startswith("sqlite_")}
    found = connection.execute(
        "select relname::text from pg_class where relkind in ('r', 'p') and not relispartition"
        " and relnamespace = 'public'::regnamespace and relname <> 'schema_version'"
    )
    return {name for (name,) in found}


def assert_sound(lake: Stocked) -> None:
    """Check that the files of a catalog are whole; those of PostgreSQL are its own business."""
    if lake.platform.context.target is None:
        with lake.raw() as connection:
            assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


_MAKERS = frozenset(
    {
        *("stocked", "Stocked", "opened_lake", "running", "new_lake", "open_door"),
        *("copy_empty", "copy_with_token", "copy_with_version"),
    }
)
"""What a module of tests has that makes platforms."""
_FOLDERS = (
    *("conformance/annotations", "conformance/campaigns", "conformance/care", "conformance/query"),
    *("conformance/versions", "conformance/wire", "conformance/sdk"),
    *("unit/platform", "interop"),
)
"""The folders whose tests run on every storage in the slow tier; ``--storage`` runs any test on another one."""
_JOBS = ("acceptance/blocking", "acceptance/cli", "acceptance/sdk")
"""The folders of whole jobs. Those by a server run on ``s3`` and on ``two`` in the slow tier."""
_SERVED = frozenset({"place", "server", "served", "open_door"})
"""What a test of a whole job has, itself or as a fixture, where its platform is behind a server."""
_TESTS = Path(__file__).parents[1]
_FIXTURES = frozenset({"place", "lake", "stock", "filled", "door", "client", "version"})
_DOORS = frozenset({"lake", "http", "process"})
_DOOR_OF = {"postgres": "lake", "s3": "http", "two": "http"}
"""Which of the doors is taken to a platform on a storage where nothing is chosen, so that a test runs once on each.

An administrator opens the database itself; a server has its files in S3; two servers take turns. A lake has all doors,
and so has a storage that ``--storage`` chooses.
"""


def kinds_of(metafunc: pytest.Metafunc) -> tuple[str, ...]:
    """Return where the platforms of a test may be stored; nothing where it makes none by its path."""
    folder = Path(metafunc.module.__file__ or "").parent.relative_to(_TESTS).as_posix()
    fixtures = set(metafunc.fixturenames)
    if folder in _JOBS:
        # Most modules of whole jobs have tests without a server, too.
        names = fixtures | {*metafunc.function.__code__.co_names}
        return ("lake", "s3", "two") if names & _SERVED else ()
    if metafunc.config.getoption("--storage") is None and folder not in _FOLDERS:
        return ()
    return KINDS if _MAKERS & vars(metafunc.module).keys() or _FIXTURES & fixtures else ()


def of_other_doors(items: list[pytest.Item]) -> list[pytest.Item]:
    """Return the tests that run on their storage by another door than this one: see :data:`_DOOR_OF`."""
    if not items or items[0].config.getoption("--storage") is not None:
        return []
    others: dict[tuple[str, str], list[pytest.Item]] = {}
    kept: set[tuple[str, str]] = set()
    for item in items:
        params = dict(getattr(getattr(item, "callspec", None), "params", {}))
        kind = str(params.pop("platform_storage", "lake"))
        doors = {value for value in params.values() if isinstance(value, str)} & _DOORS
        if kind == "lake" or not doors:
            continue
        # Programs are launched by a server.
        wanted = "http" if item.get_closest_marker("launches") else _DOOR_OF[kind]
        test = (item.nodeid.partition("[")[0], kind)
        if wanted in doors:
            kept.add(test)
        else:
            others.setdefault(test, []).append(item)
    return [item for test, found in others.items() if test in kept for item in found]


@contextmanager
def stored_in(kind: str) -> Iterator[None]:
    """Make the platforms of a test in storage of this kind; its databases are dropped at the end."""
    if kind == "lake":
        yield
        return
    before = _CURRENT.kind, _CURRENT.targets, _CURRENT.stack
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        _CURRENT.kind, _CURRENT.targets, _CURRENT.stack = kind, {}, stack
        patch.setattr(Platform, "open", classmethod(_open))
        patch.setattr(Platform, "create", staticmethod(_create))
        if kind == "s3":
            from tests.support.s3_server import s3_server

            for name, value in s3_server().environment().items():
                patch.setenv(name, value)
        try:
            yield
        finally:
            _CURRENT.kind, _CURRENT.targets, _CURRENT.stack = before


@contextmanager
def on_lake() -> Iterator[None]:
    """Let the new platforms of a block be lakes."""
    before, _CURRENT.kind = _CURRENT.kind, "lake"
    try:
        yield
    finally:
        _CURRENT.kind = before


@contextmanager
def on_s3() -> Iterator[None]:
    """Let the new platforms of a block have their files on S3, those over PostgreSQL; with the key in the environment."""
    from tests.support.s3_server import s3_server

    before, _CURRENT.files_on_s3 = _CURRENT.files_on_s3, True
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_server().environment().items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            _CURRENT.files_on_s3 = before


@asynccontextmanager
async def second_platform(path: Path) -> AsyncIterator[Platform | None]:
    """Open a platform once more where the storage is ``two``; None elsewhere."""
    if _CURRENT.kind != "two":
        yield None
        return
    async with await Platform.open(path) as platform:
        yield platform


def place(path: Path, dsn: str, objects: str) -> None:
    """Let a path stand for a database."""
    path.mkdir(parents=True, exist_ok=True)
    path = path.absolute()
    _CURRENT.targets[path] = PostgresTarget(
        dsn=dsn, objects=objects, scratch_root=path, scratch=path
    )


def keep(stack: Any) -> Any:
    """Enter a context that is left at the end of the test."""
    return _CURRENT.stack.enter_context(stack)


async def _open(cls: type[Platform], path: str | Path, **options: Any) -> Platform:
    target = None if is_dsn(str(path)) else target_of(Path(path))
    if target is None:
        opened: Platform = await _CURRENT.platform_open(path, **options)
        return opened
    chosen = {name: options.get(name) for name in ("query_seconds", "undo", "audit")}
    return await cls._open_postgres(target, options.get("jobs", True), **chosen)


async def _create(path: str | Path, **options: Any) -> None:
    from tests.support.lakes.templates import copy_empty

    if is_dsn(str(path)) or _CURRENT.kind == "lake":
        await _CURRENT.platform_create(path, **options)
    else:
        copy_empty(Path(path))
