"""What lakes for the runs are made of, how they are copied, and what is counted in them.

A lake is created once (`bench/builds.py`), then copied for each run. The objects of a copy are
hard links, because a lake never changes an object in place.
"""

import asyncio
import os
import shutil
import zlib
from pathlib import Path

import apsw

import headrace
from bench.dataset import Spec, iter_images
from bench.images import write_images
from headrace.model.records import VersionStats

VERSION = "bench/v1"


def image_folder(cache: Path, spec: Spec) -> Path:
    """Return the folder of placeholder images of a spec, and create it if missing."""
    images = cache / "images" / spec.name
    if not images.exists():
        partial = images.with_name(f"{images.name}.{os.getpid()}.partial")
        write_images(partial, iter_images(spec), links=True)
        partial.replace(images)
    return images


async def fill_lake(lake: Path, images: Path, kind: str) -> None:
    """Create a lake with one version of all images in a folder."""
    await headrace.create_lake(lake)
    async with headrace.connect(lake) as client:
        await client.push(VERSION, images, type=kind)


def copy_lake(lake: Path, target: Path, *, objects: bool = True) -> Path:
    """Copy a lake for one run, and flush it to the disk so that the run does not pay for the copy.

    Without `objects` the copy has no files, for jobs that need none: linking a million takes minutes.
    """
    target.mkdir(mode=0o700, parents=True)
    for entry in lake.iterdir():
        if entry.name == "objects" and not objects:
            (target / "objects").mkdir(mode=0o700)
        elif entry.is_dir():
            shutil.copytree(entry, target / entry.name, copy_function=os.link)
        else:
            shutil.copy2(entry, target)
    os.sync()
    return target


def outcome(lake: Path) -> dict[str, int]:
    """Count assets, annotations with shapes, and shapes of a lake, with a checksum of the shapes per label.

    Annotations without shapes are left out: headrace writes one for each image that is empty in
    the file, the official client sends nothing for it.
    """
    stats = asyncio.run(version_stats(lake))
    labels = repr(sorted(stats.label_repartition.items())).encode()
    return {
        "assets": count_rows(lake, "asset"),
        "annotations": count_rows(lake, "annotation where shapes_n > 0"),
        "shapes": stats.nb_objects,
        "labels": len(stats.label_repartition),
        "labels_crc32": zlib.crc32(labels),
    }


async def version_stats(lake: Path) -> VersionStats:
    """Return the statistics of the version in a lake."""
    async with headrace.connect(lake) as client:
        version = await client.version(VERSION)
        return await version.retrieve_stats()


def written_in(lake: Path) -> list[object]:
    """Return the number of rows of each table of a lake, and its blobs: what has no times and no random ids."""
    database = apsw.Connection(str(lake / "headrace.db"))
    try:
        names = database.execute(
            "select name from sqlite_schema where type = 'table' order by name"
        ).fetchall()
        found: list[object] = [
            (name, database.execute(f"select count(*) from {name}").get) for (name,) in names
        ]
        for blobs in (
            "asset, no, counts, shapes from annotation",
            "block, label, assets from label_mark",
        ):
            found += database.execute(f"select {blobs} order by 1, 2").fetchall()
    finally:
        database.close()
    return found


def count_rows(lake: Path, rows: str) -> int:
    """Count rows in the lake's database, independently of headrace's counters."""
    database = apsw.Connection(str(lake / "headrace.db"))
    try:
        found: int = database.execute(f"select count(*) from {rows}").get
    finally:
        database.close()
    return found
