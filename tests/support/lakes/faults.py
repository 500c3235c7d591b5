"""A small lake with a little of everything, seeded faults in copies of it, and all that its API answers."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw
import msgspec
from msgspec import Struct

import headrace
from headrace.storage.database.sqlite import page_checksums
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.templates import finished

IMAGES = 30
_FOLDER = TemporaryDirectory(prefix="headrace-faults-")


def copy_varied(path: Path) -> Path:
    """Copy the lake to ``path``."""
    shutil.copytree(_varied(), path)
    return path


@cache
def varied_answers() -> bytes:
    """What the lake answers."""
    path = Path(_FOLDER.name, "asked")
    return finished(answers(copy_varied(path)))


@cache
def _varied() -> Path:
    path = Path(_FOLDER.name, "lake")
    finished(_make(path))
    return path


async def _make(path: Path) -> None:
    """Boxes and polygons, small and large shapes, tags, a fork, a removal that can be undone, three versions."""
    images = path.with_name("images")
    names = [each.name for each in draw_images(images, IMAGES)]
    await headrace.create_lake(path)
    async with headrace.connect(path) as client:
        await client.push("street/v1", images)
        version = await client.version("street/v1")
        await version.import_annotations(write_coco(path.with_name("few.json"), names))
        assets = await version.list_assets()
        for number, name in enumerate(("train", "val")):
            await (await version.create_asset_tag(name)).attach_on(assets[number::3])
        await version.fork("v2", with_tags=True, with_labels=True, with_annotations=True)
        await client.push("crowd/v1", images)
        crowd = await client.version("crowd/v1")
        # Shapes of more than 512 bytes lie in a table of their own.
        await crowd.import_annotations(write_coco(path.with_name("many.json"), names, boxes=150))
        found = await crowd.list_assets()
        await crowd.delete_assets(found[:3])


async def answers(lake: Path) -> bytes:
    """All that the API answers about the versions, as JSON; URLs, which are new each time, left out."""
    out: dict[str, Any] = {}
    async with headrace.connect(lake) as client:
        for name in ("street/v1", "street/v2", "crowd/v1"):
            version = await client.version(name)
            records = [msgspec.to_builtins(each.record) async for each in version.list_assets()]
            for record in records:
                record["data"].pop("presigned_url", None)
            labels = await version.list_labels()
            target = lake.with_name(f"{lake.name}-export")
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir()
            report = await version.export(target / "out.json", format="coco")
            out[name] = {
                "assets": records,
                "annotations": await version.load_annotations(),
                "stats": msgspec.to_builtins(await version.retrieve_stats()),
                "labels": {
                    each.name: sorted(
                        str(asset.id)
                        for asset in await version.list_assets(
                            q=f'annotations.label.name = "{each.name}"'
                        )
                    )
                    for each in labels
                },
                "tags": sorted(each.name for each in await version.list_asset_tags()),
                "digest": str(await version.digest()),
                "export": [report.images, report.shapes, (target / "out.json").read_text()],
            }
            shutil.rmtree(target)
        out["removals"] = [
            [each.record.id, each.record.shapes] for each in await client.list_removals()
        ]
    return msgspec.json.encode(out, order="deterministic")


# --- faults -----------------------------------------------------------------------------------------------


class Fault(Struct):
    """What was done to a lake, and whether it can be mended without a loss."""

    what: str
    mendable: bool = False


Damage = Callable[[Path, random.Random], Fault]


def do_damage(lake: Path, seed: int) -> Fault:
    """Damage a lake; the same seed does the same."""
    chosen = random.Random(seed)
    return chosen.choice(DAMAGES)(lake, chosen)


def raw(lake: Path) -> apsw.Connection:
    """Open the database of a lake; what is written keeps the checksums of its pages right."""
    connection = page_checksums.connect(str(lake / "headrace.db"), apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(10_000)
    return connection


def _flip(path: Path, chosen: random.Random, most: int) -> str:
    content = bytearray(path.read_bytes())
    count = min(chosen.choice([1, 8, most]), len(content))
    start = chosen.randrange(len(content) - count + 1)
    for at in range(start, start + count):
        content[at] ^= chosen.randrange(1, 256)
    _write(path, bytes(content))
    return f"{count} bytes of {path.name} flipped at {start}"


def _cut(path: Path, chosen: random.Random) -> str:
    content = path.read_bytes()
    size = chosen.randrange(len(content))
    _write(path, content[:size])
    return f"{path.name} cut at {size} of {len(content)}"


def _write(path: Path, content: bytes) -> None:
    path.chmod(0o600)
    path.write_bytes(content)


def _one_object(lake: Path, chosen: random.Random) -> Path:
    found = sorted(path for path in (lake / "objects").rglob("*.jpg") if path.is_file())
    return chosen.choice(found)


def _removal(lake: Path) -> Path:
    (path,) = (lake / "removals").iterdir()
    return path


def flip_database(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_flip(lake / "headrace.db", chosen, 512))


def cut_database(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_cut(lake / "headrace.db", chosen))


def flip_object(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_flip(_one_object(lake, chosen), chosen, 64))


def cut_object(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_cut(_one_object(lake, chosen), chosen))


def remove_object(lake: Path, chosen: random.Random) -> Fault:
    path = _one_object(lake, chosen)
    path.unlink()
    return Fault(f"{path.name} removed")


def cut_removal(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_cut(_removal(lake), chosen))


def flip_removal(lake: Path, chosen: random.Random) -> Fault:
    return Fault(_flip(_removal(lake), chosen, 8))


def remove_removal(lake: Path, chosen: random.Random) -> Fault:
    path = _removal(lake)
    path.unlink()
    return Fault(f"{path.name} removed")


_ROWS = {
    "asset": "bucket, version, seq",
    "annotation": "bucket, version, asset, no",
    "content": "dataset_bucket, dataset, no",
    "data": "lake_bucket, no",
    "label": "version, key",
    "tag": "family, scope, key",
    "account": "no",
    "lake": "no",
    "dataset": "no",
    "version": "no",
}
"""Tables that other rows name, and their keys."""


def take_row(lake: Path, chosen: random.Random) -> Fault:
    table = chosen.choice(sorted(_ROWS))
    connection = raw(lake)
    keys = connection.execute(
        f"select {_ROWS[table]} from {table} order by {_ROWS[table]}"
    ).fetchall()
    if table == "label":
        # A label that no shape has is named by no other row.
        used = set(connection.execute("select version, label from label_delta"))
        keys = [key for key in keys if key in used]
    key = chosen.choice(keys)
    where = " and ".join(f"{column} = ?" for column in _ROWS[table].split(", "))
    connection.execute(f"delete from {table} where {where}", key)
    connection.close()
    return Fault(f"the row {key} of {table} taken out")


_COUNTERS = (
    "update version_delta set assets = assets + 1 where rowid = (select max(rowid) from version_delta)",
    "update version_delta set annotations = annotations - 1 where rowid = (select max(rowid) from version_delta)",
    "delete from version_delta where rowid = (select min(rowid) from version_delta)",
    "update label_delta set shapes = shapes + 7 where rowid = (select max(rowid) from label_delta)",
    "update label_delta set annotations = annotations + 1 where rowid = (select min(rowid) from label_delta)",
    "delete from label_delta where rowid = (select max(rowid) from label_delta)",
    "update annotation set shapes_n = shapes_n + 1 where no = 3",
    "update annotation set counts = x'0100070107' where no = 4 and version = 1",
    "update version set next_asset = 2 where no = 1",
    "update version set next_annotation = 1 where no = 2",
    "update dataset set next_label = 1 where no = 1",
    "update dataset set next_content = 1 where no = (select max(dataset) from content)",
    "update sequence set last = 1 where name = 'data'",
    "delete from sequence where name = 'version'",
)
_MARKS = (
    "delete from label_mark where label = (select min(label) from label_mark)",
    "update label_mark set assets = x'0100', assets_n = 1 where label = (select max(label) from label_mark)",
    "update label_mark set assets_n = assets_n + 1 where version = 1",
    "update label_mark set assets = x'010203' where version = 2",
    "insert into label_mark select bucket, version, 9, label, assets_n, assets from label_mark limit 1",
)


def change_counter(lake: Path, chosen: random.Random) -> Fault:
    return _run(lake, chosen.choice(_COUNTERS), mendable=True)


def change_mark(lake: Path, chosen: random.Random) -> Fault:
    return _run(lake, chosen.choice(_MARKS), mendable=True)


def change_shapes(lake: Path, chosen: random.Random) -> Fault:
    """Change a byte of the shapes of an annotation, in its row or in the table of large ones."""
    connection = raw(lake)
    table, key = chosen.choice([("annotation", "no"), ("content", "no")])
    rows = connection.execute(
        f"select rowno, shapes from (select {key} as rowno, shapes from {table} where shapes is not null order by 1)"
    ).fetchall()
    no, blob = chosen.choice(rows)
    changed = bytearray(blob)
    changed[chosen.randrange(len(changed))] ^= chosen.randrange(1, 256)
    connection.execute(f"update {table} set shapes = ? where {key} = ?", (bytes(changed), no))
    connection.close()
    return Fault(f"the shapes {no} of {table} changed")


def break_index(lake: Path, chosen: random.Random) -> Fault:
    """Take an entry out of an index, as a lost write does."""
    connection = raw(lake)
    name = chosen.choice(["asset_filename", "annotation_no", "data_filename", "asset_of_data"])
    connection.execute("pragma writable_schema = on")
    (sql,) = connection.execute("select sql from sqlite_schema where name = ?", (name,)).fetchone()
    table = sql.split(" on ")[1].split(" ")[0]
    connection.execute("update sqlite_schema set sql = ? where name = ?", (f"{sql} where 0", name))
    connection.close()
    connection = raw(lake)
    connection.execute(f"reindex {name}")
    connection.execute("pragma writable_schema = on")
    connection.execute("update sqlite_schema set sql = ? where name = ?", (sql, name))
    connection.close()
    return Fault(f"the index {name} of {table} emptied", mendable=True)


def leave_parts(lake: Path, chosen: random.Random) -> Fault:
    """Leave a half-written export of two days ago."""
    path = lake / ".exports" / f"tmp{chosen.randrange(1 << 32):08x}"
    path.mkdir(parents=True)
    (path / "out.json").write_bytes(b"half")
    old = path.stat().st_mtime - 2 * 24 * 3600
    os.utime(path, (old, old))
    return Fault("a half-written export left", mendable=True)


def _run(lake: Path, statement: str, *, mendable: bool) -> Fault:
    connection = raw(lake)
    connection.execute(statement)
    assert connection.changes()
    connection.close()
    return Fault(statement, mendable=mendable)


DAMAGES: tuple[Damage, ...] = (
    *(flip_database, flip_database, flip_database, flip_database, cut_database),
    *(flip_object, cut_object, remove_object, take_row, take_row, take_row),
    *(cut_removal, flip_removal, remove_removal),
    *(change_counter, change_counter, change_mark, change_shapes, break_index, leave_parts),
)
"""What may happen to a lake; some of it more often."""
