"""Copy labels, label groups and asset tags into another version of the dataset, matched by name.

Names that exist in the target are used as they are. A new name gets the key that it has in the source where that key is
free, so that shapes need no conversion.
"""

from __future__ import annotations

from headrace.model.enums import TagTarget
from headrace.platform.core.asset_rows import VersionRows
from headrace.platform.versions.copy_rows import KeyMap
from headrace.storage.database.base import Database, Row, Transaction

_ASSET_TAGS = 2


async def copy_tag_names(
    database: Database, tx: Transaction, source: VersionRows, target: VersionRows
) -> KeyMap:
    """Copy asset tags; return the keys in the target by those in the source."""
    existing = await tx.fetch("copy.tags", version=target.version)
    by_name = {name: key for key, name, _ in existing}
    taken = {key for key, *_ in existing}
    keys: dict[int, int] = {}
    for key, name, created in await tx.fetch("copy.tags", version=source.version):
        if name not in by_name:
            new = key
            if key in taken:
                new = _number(
                    await database.take("tags.take_asset_tag_key", version=target.version)
                )
            await tx.execute(
                "tags.add",
                family=_ASSET_TAGS,
                scope=target.version,
                key=new,
                target=str(TagTarget.ASSET),
                name=name,
                created=created,
            )
            by_name[name] = new
            taken.add(new)
        keys[key] = by_name[name]
    return keys


async def copy_label_names(
    database: Database, tx: Transaction, source: VersionRows, target: VersionRows
) -> KeyMap:
    """Copy labels with their groups; return the keys in the target by those in the source."""
    existing = await tx.fetch("copy.labels", version=target.version)
    by_name = {name: key for key, name, *_ in existing}
    taken = {key for key, *_ in existing}
    taken |= {key for (key,) in await tx.fetch("copy.gone_labels", version=target.version)}
    groups = await _copy_groups(database, tx, source, target)
    keys: dict[int, int] = {}
    labels = await tx.fetch("copy.labels", version=source.version)
    for key, name, group, created, skeleton, attributes in labels:
        if name not in by_name:
            new = key if key not in taken else await _next_key(database, target)
            position = _number(await tx.fetch_one("labels.next_position", version=target.version))
            await tx.execute(
                "labels.add",
                version=target.version,
                key=new,
                name=name,
                position=position,
                created=created,
            )
            await tx.execute(
                "copy.set_label_details",
                version=target.version,
                key=new,
                skeleton=skeleton,
                attributes=attributes,
            )
            if group in groups:
                await tx.execute(
                    "copy.set_label_group", version=target.version, key=new, grp=groups[group]
                )
            by_name[name] = new
            taken.add(new)
        keys[key] = by_name[name]
    return keys


async def _copy_groups(
    database: Database, tx: Transaction, source: VersionRows, target: VersionRows
) -> KeyMap:
    existing = await tx.fetch("labels.groups", version=target.version)
    by_name = {name: key for key, name, _ in existing}
    taken = {key for key, *_ in existing}
    groups = await tx.fetch("labels.groups", version=source.version)
    keys: dict[int, int] = {}
    fresh: list[Row] = []
    for key, name, parent in groups:
        if name not in by_name:
            new = key if key not in taken else await _next_key(database, target)
            await tx.execute(
                "labels.add_group",
                version=target.version,
                key=new,
                name=name,
                parent=None,
                created=0,
            )
            by_name[name] = new
            taken.add(new)
            fresh.append((new, parent))
        keys[key] = by_name[name]
    for new, parent in fresh:
        if parent in keys:
            await tx.execute(
                "labels.update_group",
                version=target.version,
                key=new,
                name=None,
                parent=keys[parent],
            )
    return keys


async def _next_key(database: Database, target: VersionRows) -> int:
    return _number(await database.take("labels.take_key", dataset=target.dataset))


def _number(row: Row | None) -> int:
    assert row is not None
    return int(row[0])
