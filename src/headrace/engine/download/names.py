"""Local names for downloaded files: the file's own name, made safe, and a unique one where names collide.

Of several files with one name, the oldest keeps it, so that names do not depend on the order of the listing. The
others get their id before the extension. So do names that had to be changed to be safe, and names that differ only in
case or Unicode form.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from enum import StrEnum
from hashlib import blake2b
from unicodedata import normalize
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing, PageSource
from headrace.errors import ConfigurationError
from headrace.model.names import id_name, repair_file_name, with_id
from headrace.model.records import AssetRecord, DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.transfer.state.journal import MarkSet


class NamedFile(Struct, frozen=True, kw_only=True):
    """A file to download, of the asset or data ``id``, and its local path, with ``/`` between folders."""

    id: UUID
    data: DataRecord
    name: str


class Layout(StrEnum):
    """``NAMES`` names files by the file names of their data, ``TREE`` by their object names, in folders."""

    NAMES = "names"
    TREE = "tree"


def as_layout(name: Layout | str) -> Layout:
    """Return the layout with this name. Raises ConfigurationError if there is none."""
    try:
        return Layout(name)
    except ValueError:
        known = ", ".join(repr(each.value) for each in Layout)
        raise ConfigurationError(f"no layout {name!r}", hint=f"one of {known}") from None


class TakenNames:
    """The names in use, compared as on a file system that ignores case and Unicode form."""

    def __init__(self) -> None:
        self._files = MarkSet()
        self._folders = MarkSet()

    def take(self, name: str, id: UUID) -> str:
        """Reserve ``name`` and return it, or a name with the id if it is taken."""
        for candidate in _candidates(name, id):
            *folders, file = _foldings(candidate)
            free = file not in self._folders and all(each not in self._files for each in folders)
            if free and self._files.add(file):
                for folder in folders:
                    self._folders.add(folder)
                return candidate
        return name


def _candidates(name: str, id: UUID) -> Iterator[str]:
    yield name
    yield with_id(name, id)
    yield with_id(name.replace("/", "_"), id)


def local_name(id: UUID, filename: str, owner: UUID | None) -> str:
    """Return the name of one file; ``owner`` is the oldest id with this file name, None if it is the only one."""
    safe = repair_file_name(filename)
    return safe if safe == filename and owner in (None, id) else with_id(safe, id)


def name_all(
    files: Iterable[tuple[UUID, DataRecord]], *, use_id: bool, layout: Layout = Layout.NAMES
) -> list[NamedFile]:
    """Return names for a complete set of files."""
    pairs = list(dict(files).items())
    if use_id:
        return [NamedFile(id=no, data=data, name=id_name(no, data.filename)) for no, data in pairs]
    owners = oldest((_preferred_name(data, layout), no) for no, data in pairs)
    taken = TakenNames()
    return [_named(no, data, layout, owners, taken) for no, data in pairs]


def _named(
    id: UUID, data: DataRecord, layout: Layout, owners: Mapping[str, UUID], taken: TakenNames
) -> NamedFile:
    preferred = _preferred_name(data, layout)
    name = taken.take(local_name(id, preferred, owners.get(preferred)), id)
    return NamedFile(id=id, data=data, name=name)


def _preferred_name(data: DataRecord, layout: Layout) -> str:
    name = data.object_name if layout == Layout.TREE else data.filename
    # The same on every system: a backslash separates folders on Windows and is part of a name elsewhere.
    return name.replace("\\", "/")


def _foldings(name: str) -> Iterator[int]:
    """Yield a hash for each parent folder of a file and, last, one for the file itself."""
    folded = normalize("NFC", normalize("NFD", name).casefold())
    for found in re.finditer("/|$", folded):
        digest = blake2b(folded[: found.start()].encode(errors="surrogatepass"), digest_size=8)
        yield int.from_bytes(digest.digest()) or 1


def oldest(names: Iterable[tuple[str, UUID]]) -> Mapping[str, UUID]:
    """Return the smallest id of each name. Ids sort by age."""
    owners: dict[str, UUID] = {}
    for name, candidate in names:
        if name not in owners or candidate < owners[name]:
            owners[name] = candidate
    return owners


async def name_pages(
    backend: Backend,
    version_id: UUID,
    assets: PageSource[AssetRecord],
    *,
    use_id: bool,
    layout: Layout = Layout.NAMES,
) -> AsyncIterator[list[NamedFile]]:
    """Yield names for the assets of a version, page by page; each page looks up the other assets with its names.

    Of names that differ only in case or Unicode form, the first in the listing is kept. This takes 12 to 24 bytes of
    memory per file.
    """
    taken = TakenNames()
    async for page in assets.pages():
        files = [(asset.id, asset.data) for asset in page]
        if use_id:
            yield name_all(files, use_id=True)
            continue
        owners: Mapping[str, UUID] = {}
        if layout == Layout.NAMES:  # object names are unique as they are
            query = ListAssetsByKey(version_id=version_id)
            names = [data.filename for _, data in files]
            same = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filenames", names)
            pairs = [(a.data, a.id) async for more in same.pages() for a in more]
            owners = oldest((_preferred_name(data, layout), no) for data, no in pairs)
        yield [_named(no, data, layout, owners, taken) for no, data in files]
