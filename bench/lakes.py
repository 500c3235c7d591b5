"""Lakes that runs share: the assets of a dataset already in, no annotations yet.

Made once by the SDK from placeholder images, then copied for each run. The copy's objects
are hard links to the original's: a lake never changes the bytes of an object in place.
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

VERSION = "bench/v1"
SCHEMA = Path(headrace.__file__).parent / "storage" / "database" / "sql" / "sqlite"


def base_lake(cache: Path, spec: Spec) -> Path:
    """The lake with all assets of a spec, made where it is missing; what is there is complete.

    One of an older schema is copied and brought up to date rather than built again.
    """
    newest, *older = [cache / "lakes" / f"{spec.name}-{schema}" for schema in schema_versions()]
    if newest.exists():
        return newest
    newest.parent.mkdir(parents=True, exist_ok=True)
    partial = newest.with_name(f"{newest.name}.{os.getpid()}.partial")
    known = next((lake for lake in older if lake.exists()), None)
    if known:
        # Opening a lake brings it up to date.
        asyncio.run(version_stats(copy_lake(known, partial)))
    else:
        kind = "segmentation" if spec.polygons else "object_detection"
        asyncio.run(fill_lake(partial, image_folder(cache, spec), kind))
    partial.replace(newest)
    return newest


def image_folder(cache: Path, spec: Spec) -> Path:
    """Placeholder images of a spec, made where they are missing."""
    images = cache / "images" / spec.name
    if not images.exists():
        partial = images.with_name(f"{images.name}.{os.getpid()}.partial")
        write_images(partial, iter_images(spec), links=True)
        partial.replace(images)
    return images


async def fill_lake(lake: Path, images: Path, kind: str) -> None:
    """A new lake with one version that holds every image of a folder."""
    await headrace.create_lake(lake)
    async with headrace.connect(lake) as client:
        await client.push(VERSION, images, type=kind)


def blob_lake(cache: Path, load: FileSet) -> Path:
    """The lake with one version that holds the files of a load, made where it is missing."""
    lake = cache / "lakes" / f"{load.name}-{schema_versions()[0]}"
    if not lake.exists():
        partial = lake.with_name(f"{lake.name}.{os.getpid()}.partial")
        asyncio.run(fill_lake(partial, ensure_files(cache, load), "object_detection"))
        partial.replace(lake)
    return lake


def schema_versions() -> list[str]:
    """Names for what lakes look like inside: after all migrations, and after each one before."""
    digest = hashlib.sha256()
    names = []
    for migration in sorted(SCHEMA.glob("[0-9]*.sql")):
        digest.update(migration.read_bytes())
        names.append(digest.hexdigest()[:8])
    return names[::-1]


def copy_lake(lake: Path, target: Path) -> Path:
    """A lake of its own for one run, all of it on the disk so that no run pays for the copy."""
    target.mkdir(mode=0o700, parents=True)
    for entry in lake.iterdir():
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name, copy_function=os.link)
        else:
            shutil.copy2(entry, target)
    os.sync()
    return target


def outcome(lake: Path) -> dict[str, int]:
    """What is in the lake: assets, annotations with shapes, shapes, a checksum of those per label.

    Annotations without shapes are left out: headrace keeps one for each image of the file that
    has none, as a note that there is nothing, the official client sends nothing for it.
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
    """Ask a lake for its statistics."""
    async with headrace.connect(lake) as client:
        version = await client.version(VERSION)
        return await version.retrieve_stats()


def count_rows(lake: Path, rows: str) -> int:
    """Rows in the lake's own file, so that the counters of what is measured need not be believed."""
    database = apsw.Connection(str(lake / "headrace.db"))
    try:
        found: int = database.execute(f"select count(*) from {rows}").get
    finally:
        database.close()
    return found
