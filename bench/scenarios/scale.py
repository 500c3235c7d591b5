"""Platforms over PostgreSQL: beside a lake, with several servers, with many importers, and with the database alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import msgspec

from bench.catalogs import BLOCK, SAMPLE, SECOND, Catalogs, variables
from bench.dataset import Spec
from bench.lakes import VERSION
from bench.once import once
from bench.postgres import LockWaits, Postgres, postgres
from bench.scenario import Contender, RunSetup, Scenario, Setting
from bench.scenarios.versions import Place, at_place, warm
from bench.server import Server, serve

PACKAGES = ("headrace", "asyncpg", "aiohttp", "apsw", "msgspec")
MEASURES = (
    "server_cpu_s", "postgres_us_each", "server_us_each", "platform_us_each", "job_wall_s", "job_total_cpu_s",
)  # fmt: skip
NO_ASSETS = "no-assets"
FACTOR = 10

LAKE = Contender("lake", "", packages=PACKAGES)
ONE = Contender("postgres", "", packages=PACKAGES)
TWO = Contender("postgres-2", "", packages=PACKAGES)
LARGE = Contender("postgres-x10", "", packages=PACKAGES)
SECOND_VERSION = f"{VERSION.partition('/')[0]}/{SECOND}"


@dataclass(frozen=True)
class Platform:
    """A platform over a copy of a database, and the servers that serve it."""

    database: Postgres
    dsn: str
    servers: tuple[Server, ...]

    def place(self, number: int = 0) -> dict[str, Any]:
        """Return the arguments that name a server, counted in turns."""
        server = self.servers[number % len(self.servers)]
        return {"target": server.address, "token": server.token}

    def setup(self, arguments: Mapping[str, Any], **more: Any) -> RunSetup:
        """Return the set-up of a run in which the servers and the database are measured."""
        first, *others = (each.pid for each in self.servers)
        return RunSetup(
            arguments,
            server_pid=first,
            more_servers=tuple(others),
            **{"readings": self.database.readings} | more,
        )


@contextmanager
def platform(
    setting: Setting, folder: Path, made: Callable[[Catalogs], str], servers: int = 1
) -> Iterator[Platform]:
    """Serve a copy of a made database inside the block, with its files in a folder."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(setting.cache))
        catalogs = Catalogs(database, setting.cache)
        name = made(catalogs)
        dsn = stack.enter_context(database.copy(name, "run"))
        objects = catalogs.objects(name, folder / "objects")
        yield Platform(
            database,
            dsn,
            tuple(
                stack.enter_context(
                    serve(
                        "postgresql://",
                        folder,
                        variables=variables(dsn, str(objects)),
                        log_name=f"server-{number}.log",
                    )
                )
                for number in range(servers)
            ),
        )


def with_script(script: str, *contenders: Contender) -> tuple[Contender, ...]:
    """Return contenders that run a script."""
    return tuple(replace(each, script=script) for each in contenders)


def beside_lake(
    name: str, summary: str, script: str, job: Callable[[Setting], Mapping[str, Any]], items: str
) -> Scenario:
    """Return the scenario of one server over PostgreSQL beside one over a lake, both with the base of a dataset."""
    lake, one = with_script(script, LAKE, ONE)

    @contextmanager
    def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        count, work = getattr(setting.spec, items), job(setting)
        if contender == lake:
            with at_place(setting, Place(), folder, work, made="base", items=count) as setup:
                yield setup
            return
        with platform(setting, folder, lambda made: made.base(setting.spec)) as found:
            arguments = {**found.place(), "version": VERSION, **work}
            yield found.setup(arguments, items=count)

    return Scenario(f"scale/{name}", summary, (one,), (lake,), warm, set_up, measures=MEASURES)


def together(
    name: str,
    summary: str,
    script: str,
    clients: Callable[[Setting, Contender], list[dict[str, Any]]],
    items: str,
    per: int = 1,
) -> Scenario:
    """Return the scenario of clients at once, with one server or with several, each client with the next server."""
    one, two = with_script("together.py", ONE, TWO)

    @contextmanager
    def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        servers = 2 if contender == two else 1
        work = clients(setting, contender)
        with (
            platform(setting, folder, lambda made: made.base(setting.spec), servers) as found,
            LockWaits(found.database) as waits,
        ):
            places = [{**found.place(number), **each} for number, each in enumerate(work)]
            yield found.setup(
                {"script": script, "clients": places},
                items=per * getattr(setting.spec, items),
                readings=lambda: {**found.database.readings(), **waits.readings()},
            )

    measures = (*MEASURES, "lock_wait_share", "foreign_wait_share")
    return Scenario(f"scale/{name}", summary, (two,), (one,), warm, set_up, measures=measures)


def two_listers(setting: Setting, contender: Contender) -> list[dict[str, Any]]:
    """Return two clients that list a version each."""
    del setting, contender
    return [{"operation": "list", "version": each} for each in (VERSION, SECOND_VERSION)]


def two_importers(setting: Setting, contender: Contender) -> list[dict[str, Any]]:
    """Return two clients that import the file into a version each."""
    del contender
    file = str(setting.coco_file)
    return [{"version": each, "file": file} for each in (VERSION, SECOND_VERSION)]


def halves_into_one(setting: Setting, contender: Contender) -> list[dict[str, Any]]:
    """Return one client that imports the file, or for two servers two that import half of its images each."""
    files = [setting.coco_file] if contender.name == ONE.name else halves(setting)
    return [{"version": VERSION, "file": str(each)} for each in files]


class _Element(msgspec.Struct):
    """An image or an annotation of a file, by the image."""

    id: int
    image_id: int | None = None


class _File(msgspec.Struct):
    """A file of annotations; what needs not be read stays text."""

    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: msgspec.Raw


def halves(setting: Setting) -> list[Path]:
    """Return two files with the images and annotations of every other image of the data, and make them if missing."""
    folder = setting.coco_file.with_name(f"{setting.coco_file.stem}-halves")

    def make(partial: Path) -> None:
        partial.mkdir()
        whole = msgspec.json.decode(setting.coco_file.read_bytes(), type=_File)
        image_of = {
            kind: [msgspec.json.decode(each, type=_Element) for each in getattr(whole, kind)]
            for kind in ("images", "annotations")
        }
        ranks = {
            each.id: rank
            for rank, each in enumerate(sorted(image_of["images"], key=lambda each: each.id))
        }
        for half in range(2):
            kept = {
                kind: [
                    raw
                    for raw, each in zip(getattr(whole, kind), found, strict=True)
                    if 2 * ranks[each.image_id or each.id] // len(ranks) == half
                ]
                for kind, found in image_of.items()
            }
            file = _File(**kept, categories=whole.categories)
            (partial / f"{half}.json").write_bytes(msgspec.json.encode(file))

    return sorted(once(folder, make).iterdir())


Kind = Literal["boxes", "polygons"]


def copying(kind: Kind) -> Scenario:
    """Return the scenario of rows that the adapter writes, without a server."""
    (one,) = with_script("bulk_copy.py", ONE)
    spec = replace(SAMPLE, polygons=kind == "polygons")

    @contextmanager
    def set_up(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
        del contender, folder
        with postgres(setting.cache) as database:
            made = Catalogs(database, setting.cache).annotated(spec)
            with database.copy(made, "run") as dsn:
                arguments = {
                    "dsn": dsn,
                    "version": VERSION.rpartition("/")[2],
                    "assets": setting.spec.images,
                }
                yield RunSetup(arguments, readings=database.readings, items=setting.spec.images)

    summary = f"write assets with 7 {kind} each to PostgreSQL by COPY"
    return Scenario(
        f"scale/copy-{kind}", summary, (one,), (), warm_nothing, set_up, data=images, coco=False,
        measures=("postgres_us_each", "job_cpu_s", "job_wall_s"),
    )  # fmt: skip


def warm_nothing(setting: Setting) -> None:
    """Prepare nothing: the databases are made when they are first copied."""


def images(setting: Setting) -> Mapping[str, Any]:
    """Describe the data, for the result."""
    return {"assets": setting.spec.images}


def blocks(spec: Spec, factor: int) -> int:
    """Return in how many blocks as many assets as a spec has images fit, at least three."""
    return max(3, factor * spec.images // BLOCK)


@contextmanager
def with_large(setting: Setting, contender: Contender, folder: Path) -> Iterator[RunSetup]:
    """Set up a version of the size of the scale, or ten times as large."""
    count = blocks(setting.spec, FACTOR if contender.name == LARGE.name else 1)
    assets = count * BLOCK - 1
    with platform(setting, folder, lambda made: made.large(count)) as found:
        arguments = {
            **found.place(),
            "dsn": found.dsn,
            "version": VERSION,
            "assets": assets,
            "server_pid": found.servers[0].pid,
            "postgres_pid": found.database.pid,
        }
        yield found.setup(arguments, items=assets)


PARTS = ("export", "load", "fork", "delete")
LARGE_VERSION = Scenario(
    "scale/large",
    f"pages, statistics, export, fork and deletion of a version with boxes, and of one {FACTOR} times as large",
    with_script("large_version.py", LARGE),
    with_script("large_version.py", ONE),
    warm_nothing,
    with_large,
    data=images,
    coco=False,
    measures=("first_page_ms", "last_page_ms", *(f"{part}_postgres_us" for part in PARTS)),
)

SCALE = (
    beside_lake(
        "list",
        "list all assets over HTTP: over PostgreSQL and over a lake",
        "version_headrace.py",
        lambda _: {"operation": "list"},
        "images",
    ),
    beside_lake(
        "import",
        "import a COCO file over HTTP: over PostgreSQL and over a lake",
        "import_headrace.py",
        lambda setting: {"file": str(setting.coco_file)},
        "images",
    ),
    together(
        "list-2", "two clients list a version each, through one server and through two",
        "version_headrace.py", two_listers, "images", per=2,
    ),
    together(
        "import-2", "two clients import into a version each, through one server and through two",
        "import_headrace.py", two_importers, "images", per=2,
    ),
    together(
        "share", "one client imports into a version, and two into one through two servers",
        "import_headrace.py", halves_into_one, "images",
    ),
    copying("polygons"),
    copying("boxes"),
    LARGE_VERSION,
)  # fmt: skip
