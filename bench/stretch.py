"""Lakes of any size without files, from one that holds a single image.

Pushing a million images takes hours, and most jobs never open one. So the rows of the single
asset are repeated in the database of a copy, with the names and sizes of a generated dataset.
"""

import asyncio
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
from apsw import sqlite_extra

import headrace
from bench.dataset import Image, Spec, image_at
from bench.images import write_images
from bench.lakes import VERSION

Columns = dict[str, Any]


def seed_lake(lake: Path, kind: str) -> None:
    """Create a lake with one asset, in a version of a type."""
    with tempfile.TemporaryDirectory() as images:
        write_images(Path(images), [Image(1, "seed.jpg", 640, 480)])
        asyncio.run(push(lake, Path(images), kind))


async def push(lake: Path, images: Path, kind: str) -> None:
    """Push a folder into a new lake."""
    await headrace.create_lake(lake)
    async with headrace.connect(lake) as client:
        await client.push(VERSION, images, type=kind)


def stretch(lake: Path, spec: Spec) -> None:
    """Repeat the single asset of a lake in place, once for each image of a spec."""
    # The extension keeps the checksums of pages; a lake of an earlier build has none.
    sqlite_extra.load(apsw.Connection(":memory:"), "cksumvfs")
    database = apsw.Connection(str(lake / "headrace.db"))
    # A lake that breaks on the way is made again.
    database.execute("pragma synchronous = off")
    with database:
        repeat(database, "data", spec, data_of)
        repeat(database, "asset", spec, asset_of)
        database.execute("update sequence set last = ? where name = 'data'", (spec.images,))
        database.execute("update version set next_asset = ?", (spec.images + 1,))
        database.execute("update version_delta set assets = ?", (spec.images,))
    database.execute("analyze")
    database.execute("pragma wal_checkpoint(truncate)")
    database.close()


def repeat(
    database: apsw.Connection, table: str, spec: Spec, change: Callable[[int, Image], Columns]
) -> None:
    """Replace the only row of a table by one for each image, which differs in the columns that `change` returns."""
    found = database.execute(f"select * from {table}")
    names = [column[0] for column in found.description]
    (row,) = found.fetchall()
    same = dict(zip(names, row, strict=True))
    database.execute(f"delete from {table}")

    def rows() -> Iterator[tuple[Any, ...]]:
        for index in range(spec.images):
            yield tuple((same | change(index + 1, image_at(spec, index))).values())

    marks = ", ".join("?" * len(names))
    database.executemany(f"insert into {table} values ({marks})", rows())


def data_of(number: int, image: Image) -> Columns:
    """Return what differs in the data of an image."""
    return {
        "no": number,
        "object_name": f"seed/{number:012x}/{image.file_name}",
        "filename": image.file_name,
        "width": image.width,
        "height": image.height,
        "sha256": number.to_bytes(32, "big"),
    }


def asset_of(number: int, image: Image) -> Columns:
    """Return what differs in the asset of an image."""
    return {"seq": number, "data": number, "filename": image.file_name}
