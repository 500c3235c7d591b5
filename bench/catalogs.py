"""Platforms over PostgreSQL for the runs: databases that are made once, and copied for each run.

They hold what the lakes of `bench/lakes.py` hold: all assets of a generated dataset, repeated from one image that was
pushed, without or with the annotations of its file. A large one repeats the rows of 4,096 annotated assets inside the
database, since importing ten million takes an hour. The files are those of the one image.
"""

import asyncio
import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path
from typing import Any

import headrace
from bench.builds import TODAY
from bench.data import write_coco
from bench.dataset import Image, Spec, image_at
from bench.environments import clean_environment
from bench.images import write_images
from bench.lakes import VERSION
from bench.once import once
from bench.postgres import Postgres, connect
from bench.server import Server, serve
from bench.server import headrace as command
from bench.stretch import asset_of, data_of
from headrace.model.blob.counts import unpack_counts
from headrace.storage.database.queries import migrations

SECOND = "v2"
# Assets whose labels one row of "label_mark" tells, so the rows of such a block can be repeated as they are.
BLOCK = 4_096
SAMPLE = Spec(2 * BLOCK - 1, 59_000, polygons=False)
# Higher than any number that the sample has.
FIRST_COPY = 1_000_000


def variables(dsn: str, objects: str) -> dict[str, str]:
    """Return the variables that name a platform to the command line, where no password may stand."""
    return {"HEADRACE_DATABASE": dsn, "HEADRACE_OBJECTS": objects}


def create(folder: Path, environment: Mapping[str, str]) -> None:
    """Make an empty platform in the database and the store that the environment names."""
    command(["init", "postgresql://"], clean_environment(folder) | dict(environment))


class Catalogs:
    """The databases of today's code on a server, each beside a folder with the files that belong to it."""

    def __init__(self, server: Postgres, cache: Path) -> None:
        self._server = server
        self._objects = cache / "postgres-objects"
        self._cache = cache

    def seed(self, polygons: bool) -> str:
        """Return the database with one image in two versions, and make it if missing."""
        kind = "segmentation" if polygons else "object_detection"
        return self._once(f"seed_{kind}", None, lambda made: made.served(push, kind))

    def base(self, spec: Spec) -> str:
        """Return the database with all assets of a spec and no annotations, in two versions, and make it if missing."""
        return self._once(
            f"{named(spec)}_base", self.seed(spec.polygons), lambda made: made.work(stretch, spec)
        )

    def annotated(self, spec: Spec) -> str:
        """Return the database whose first version has the annotations too, and make it if missing."""
        file = write_coco(self._cache / "data" / f"{spec.name}.json", spec)
        return self._once(
            f"{named(spec)}_annotated", self.base(spec), lambda made: made.served(annotate, file)
        )

    def large(self, blocks: int) -> str:
        """Return the database with so many times 4,096 assets with boxes, less one, and make it if missing."""
        return self._once(
            f"large_{blocks}", self.annotated(SAMPLE), lambda made: made.work(repeat, blocks)
        )

    def objects(self, database: str, target: Path) -> Path:
        """Copy the files of a database into a new folder."""
        shutil.copytree(self._objects / database, target)
        return target

    def _once(self, name: str, source: str | None, make: Callable[["Made"], None]) -> str:
        """Return the database of a name, and make it from a copy of another if missing."""
        database, part = f"{name}_{layout()}", "unfinished"
        folder = self._objects / database
        if self._server.has(database) and folder.is_dir():
            return database
        self._server.run(f"drop database if exists {database} with (force)")
        self._server.run(f"drop database if exists {part} with (force)")
        shutil.rmtree(folder, ignore_errors=True)
        template = f" template {source} strategy file_copy" if source else ""
        self._server.run(f"create database {part}{template}")

        def fill(objects: Path) -> None:
            if source:
                shutil.copytree(self._objects / source, objects)
            with tempfile.TemporaryDirectory() as work:
                made = Made(self._server.dsn(part), objects, Path(work))
                if not source:
                    create(made.folder, made.variables)
                make(made)

        once(folder, fill)
        self._server.run("vacuum analyze", database=part)
        self._server.run(f"alter database {part} rename to {database}")
        return database


class Made:
    """A database that is being made, with its files and a folder for temporary ones."""

    def __init__(self, dsn: str, objects: Path, folder: Path) -> None:
        self.folder = folder
        self.variables = variables(dsn, str(objects))
        self._dsn = dsn

    def work(self, job: Callable[..., Any], *arguments: Any) -> None:
        """Run a coroutine function with a connection to the database, in one transaction."""

        async def work() -> None:
            connection = await connect(self._dsn)
            try:
                async with connection.transaction():
                    await job(connection, *arguments)
            finally:
                await connection.close()

        asyncio.run(work())

    def served(self, job: Callable[..., Any], *arguments: Any) -> None:
        """Run a coroutine function with a client of a server over the database."""

        async def work(server: Server) -> None:
            async with headrace.connect(server.address, api_token=server.token) as client:
                await job(client, *arguments)

        with serve("postgresql://", self.folder, variables=self.variables) as server:
            asyncio.run(work(server))


@cached
def layout() -> str:
    """Return a name for what today's code writes into a database."""
    digest = hashlib.sha256(TODAY.layout().encode())
    for _, script in migrations("postgres"):
        digest.update(script.encode())
    return digest.hexdigest()[:8]


def named(spec: Spec) -> str:
    """Return the name of a spec as a name of a database has it."""
    return spec.name.replace("-", "_")


async def push(client: Any, kind: str) -> None:
    """Push one image into a version, and fork it."""
    with tempfile.TemporaryDirectory() as images:
        write_images(Path(images), [Image(1, "seed.jpg", 640, 480)])
        await client.push(VERSION, Path(images), type=kind)
    version = await client.version(VERSION)
    await version.fork(SECOND, type=version.type, with_annotations=False)


async def annotate(client: Any, file: Path) -> None:
    """Import a file into the first version."""
    await (await client.version(VERSION)).import_annotations(file)


async def stretch(connection: Any, spec: Spec) -> None:
    """Repeat the one image, in each version that has it, once for each image of a spec; see `bench/stretch.py`."""
    for table, change in (("data", data_of), ("asset", asset_of)):
        found = [dict(row) for row in await connection.fetch(f"select * from {table}")]
        await connection.execute(f"delete from {table}")
        for same in found:
            rows = (
                tuple((same | change(index + 1, image_at(spec, index))).values())
                for index in range(spec.images)
            )
            await connection.copy_records_to_table(table, records=rows, columns=list(same))
    await connection.execute("update sequence set last = $1 where name = 'data'", spec.images)
    await connection.execute("update version set next_asset = $1", spec.images + 1)
    await connection.execute("update version_delta set assets = $1 where assets > 0", spec.images)


@dataclass(frozen=True)
class Repeated:
    """A table whose rows of the second block are repeated: the key by which they are found, and what differs in a copy."""

    name: str
    key: str
    # Rows of one block, in numbers of the key.
    step: int
    changes: Mapping[str, str]
    # Whether the key counts within a version.
    versioned: bool = True


SHIFT = f"n * {BLOCK}"
REPEATED = (
    Repeated(
        "data",
        "no",
        BLOCK,
        {
            "no": f"t.no + {SHIFT}",
            "object_name": "t.object_name || '-' || n",
            "filename": f"lpad((t.no + {SHIFT})::text, 12, '0') || '.jpg'",
            "sha256": f"decode(lpad(to_hex(t.no + {SHIFT}), 64, '0'), 'hex')",
        },
        versioned=False,
    ),
    Repeated(
        "asset",
        "seq",
        BLOCK,
        {
            "seq": f"t.seq + {SHIFT}",
            "data": f"t.data + {SHIFT}",
            "filename": f"lpad((t.seq + {SHIFT})::text, 12, '0') || '.jpg'",
        },
    ),
    Repeated(
        "annotation",
        "asset",
        BLOCK,
        # An import of the sample has given no number as high.
        {"asset": f"t.asset + {SHIFT}", "no": f"t.asset + {SHIFT} + {FIRST_COPY}"},
    ),
    Repeated("label_mark", "block", 1, {"block": "t.block + n"}),
)


async def repeat(connection: Any, blocks: int) -> None:
    """Repeat the second block of the first version of the sample until there are so many blocks."""
    number, bucket = await connection.fetchrow(
        "select no, bucket from version where name <> $1", SECOND
    )
    for table in REPEATED:
        columns = await connection.fetch(
            "select column_name from information_schema.columns where table_name = $1", table.name
        )
        names = [name for (name,) in columns]
        values = (table.changes.get(name, f"t.{name}") for name in names)
        await connection.execute(
            f"insert into {table.name} ({', '.join(names)}) select {', '.join(values)}"
            f" from generate_series(1, {blocks - 2}) n cross join {table.name} t"
            f" where t.{table.key} >= {table.step} and t.{table.key} < {2 * table.step}"
            + (f" and t.version = {number}" if table.versioned else "")
            + f" order by n, t.{table.key}"
        )
    last = blocks * BLOCK - 1
    await connection.execute("update sequence set last = $1 where name = 'data'", last)
    await connection.execute(
        "update version set next_asset = $1, next_annotation = $2 where no = $3",
        last + 1,
        last + FIRST_COPY + 1,
        number,
    )
    await add_counts(connection, number, bucket, blocks - 2)


async def add_counts(connection: Any, version: int, bucket: int, times: int) -> None:
    """Add the counts of the second block to those of the version, so many times."""
    shapes, annotations = Counter[int](), Counter[int]()
    rows = await connection.fetch(
        "select counts from annotation where version = $1 and asset >= $2 and asset < $3",
        version,
        BLOCK,
        2 * BLOCK,
    )
    for (counts,) in rows:
        found = unpack_counts(counts)
        shapes.update(found)
        annotations.update(found.keys())
    await connection.executemany(
        "insert into label_delta (bucket, version, label, shapes, annotations) values ($1, $2, $3, $4, $5)",
        [
            (bucket, version, label, times * shapes[label], times * annotations[label])
            for label in shapes
        ],
    )
    await connection.execute(
        "insert into version_delta (bucket, version, assets, annotations) values ($1, $2, $3, $4)",
        bucket,
        version,
        times * BLOCK,
        times * len(rows),
    )
