"""Lakes for the runs, with the assets of a dataset and no annotations.

A lake is created once with the SDK from placeholder images, then copied for each run. The objects
of a copy are hard links, because a lake never changes an object in place.
"""

import asyncio
import hashlib
import os
import shutil
import zlib
from pathlib import Path

import apsw

import headrace
from bench.blobs import FileSet, ensure_files
from bench.dataset import Spec, iter_images
from bench.images import write_images
from headrace.model.records import VersionStats
from headrace.storage.database.queries import migrations

VERSION = "bench/v1"


def base_lake(cache: Path, spec: Spec) -> Path:
    """Return the lake with all assets of a spec, and create it if missing.

    A lake of an older schema is copied and migrated instead. A lake that exists is complete.
    """
    newest, *older = [cache / "lakes" / f"{spec.name}-{schema}" for schema in schema_versions()]
    if newest.exists():
        return newest
    newest.parent.mkdir(parents=True, exist_ok=True)
    partial = newest.with_name(f"{newest.name}.{os.getpid()}.partial")
    known = next((lake for lake in older if lake.exists()), None)
    if known:
        # Opening a lake migrates it.
        asyncio.run(version_stats(copy_lake(known, partial)))
    else:
        kind = "segmentation" if spec.polygons else "object_detection"
        asyncio.run(fill_lake(partial, image_folder(cache, spec), kind))
    partial.replace(newest)
    return newest


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


def blob_lake(cache: Path, load: FileSet) -> Path:
    """Return the lake with one version of the files of a set, and create it if missing."""
    lake = cache / "lakes" / f"{load.name}-{schema_versions()[0]}"
    if not lake.exists():
        partial = lake.with_name(f"{lake.name}.{os.getpid()}.partial")
        asyncio.run(fill_lake(partial, ensure_files(cache, load), "object_detection"))
        partial.replace(lake)
    return lake


def schema_versions() -> list[str]:
    """Return a name for the schema after each migration, newest first."""
    digest = hashlib.sha256()
    names = []
    for _, script in migrations("sqlite"):
        digest.update(script.encode())
        names.append(digest.hexdigest()[:8])
    return names[::-1]


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


def count_rows(lake: Path, rows: str) -> int:
    """Count rows in the lake's database, independently of headrace's counters."""
    database = apsw.Connection(str(lake / "headrace.db"))
    try:
        found: int = database.execute(f"select count(*) from {rows}").get
    finally:
        database.close()
    return found
