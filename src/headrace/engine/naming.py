"""Which local name each file gets: its own, made safe; and one apart where another file has the same.

Of the files of one name the oldest keeps it, so a name never depends on the order in which files are met. The rest
carry their id before the extension, and so do names that had to be changed to be safe.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import PurePosixPath
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing, Listed
from headrace.model.names import id_name, repaired
from headrace.model.records import AssetRecord, DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey


class Wanted(Struct, frozen=True, kw_only=True):
    """A file to download for the thing ``id`` (an asset or a data), and its local name with ``/`` between folders."""

    id: UUID
    data: DataRecord
    name: str


def with_id(name: str, id: UUID) -> str:
    """``photos/a.jpg`` -> ``photos/a-<id>.jpg``."""
    path = PurePosixPath(name)
    return str(path.with_name(f"{path.stem}-{id}{path.suffix}"))


def local_name(id: UUID, filename: str, keeper: UUID | None) -> str:
    """The name of one file; ``keeper`` is the oldest of all that have its file name, None where it is alone."""
    safe = repaired(filename)
    return safe if safe == filename and keeper in (None, id) else with_id(safe, id)


def name_all(files: Iterable[tuple[UUID, DataRecord]], *, use_id: bool) -> list[Wanted]:
    """Names for files that are all at hand."""
    pairs = list(files)
    if use_id:
        return [Wanted(id=no, data=data, name=id_name(no, data.filename)) for no, data in pairs]
    keepers = oldest((data.filename, no) for no, data in pairs)
    return [
        Wanted(id=no, data=data, name=local_name(no, data.filename, keepers[data.filename]))
        for no, data in pairs
    ]


def oldest(names: Iterable[tuple[str, UUID]]) -> Mapping[str, UUID]:
    """The smallest id under each name; ids sort by age."""
    keepers: dict[str, UUID] = {}
    for name, owner in names:
        if name not in keepers or owner < keepers[name]:
            keepers[name] = owner
    return keepers


async def name_pages(
    backend: Backend, version_id: UUID, assets: Listed[AssetRecord], *, use_id: bool
) -> AsyncIterator[list[Wanted]]:
    """Names for the assets of a version, page by page: each page asks who else has its names."""
    async for page in assets.pages():
        files = [(asset.id, asset.data) for asset in page]
        if use_id:
            yield name_all(files, use_id=True)
            continue
        query = ListAssetsByKey(version_id=version_id)
        names = [data.filename for _, data in files]
        same = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filenames", names)
        keepers = oldest([(a.data.filename, a.id) async for more in same.pages() for a in more])
        yield [
            Wanted(id=no, data=data, name=local_name(no, data.filename, keepers.get(data.filename)))
            for no, data in files
        ]
