"""Which local name each file gets: its own, made safe; and one apart where another file has the same.

Of the files of one name the oldest keeps it, so a name never depends on the order in which files are met. The rest
carry their id before the extension, and so do names that had to be changed to be safe and names that some file
systems take for the same as another one.
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
from headrace.model.names import id_name, placed, with_id
from headrace.model.records import AssetRecord, DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.transfer.state.journal import MarkSet


class NamedFile(Struct, frozen=True, kw_only=True):
    """A file to download for the thing ``id`` (an asset or a data), and its local name with ``/`` between folders."""

    id: UUID
    data: DataRecord
    name: str


class Layout(StrEnum):
    """``NAMES``: files are called as their data are; ``TREE``: as the storage calls them, in its folders."""

    NAMES = "names"
    TREE = "tree"


def as_layout(name: Layout | str) -> Layout:
    """The layout of that name; ConfigurationError that tells which there are."""
    try:
        return Layout(name)
    except ValueError:
        known = ", ".join(repr(each.value) for each in Layout)
        raise ConfigurationError(f"no layout {name!r}", hint=f"one of {known}") from None


class TakenNames:
    """The names given so far, as a file system sees them that tells neither case nor Unicode forms apart."""

    def __init__(self) -> None:
        self._files = MarkSet()
        self._folders = MarkSet()

    def take(self, name: str, id: UUID) -> str:
        """``name`` if nothing is in its way, else one with the id."""
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


def local_name(id: UUID, filename: str, keeper: UUID | None) -> str:
    """The name of one file; ``keeper`` is the oldest of all that have its file name, None where it is alone."""
    safe = placed(filename)
    return safe if safe == filename and keeper in (None, id) else with_id(safe, id)


def name_all(
    files: Iterable[tuple[UUID, DataRecord]], *, use_id: bool, layout: Layout = Layout.NAMES
) -> list[NamedFile]:
    """Names for files that are all at hand."""
    pairs = list(dict(files).items())
    if use_id:
        return [NamedFile(id=no, data=data, name=id_name(no, data.filename)) for no, data in pairs]
    keepers = oldest((_asked(data, layout), no) for no, data in pairs)
    given = TakenNames()
    return [_named(no, data, layout, keepers, given) for no, data in pairs]


def _named(
    id: UUID, data: DataRecord, layout: Layout, keepers: Mapping[str, UUID], given: TakenNames
) -> NamedFile:
    asked = _asked(data, layout)
    name = given.take(local_name(id, asked, keepers.get(asked)), id)
    return NamedFile(id=id, data=data, name=name)


def _asked(data: DataRecord, layout: Layout) -> str:
    name = data.object_name if layout == Layout.TREE else data.filename
    # Lakes travel: what is a folder on one system must not be a letter of a name on another.
    return name.replace("\\", "/")


def _foldings(name: str) -> Iterator[int]:
    """A number for each folder on the way to a file, and at last one for the file."""
    folded = normalize("NFC", normalize("NFD", name).casefold())
    for found in re.finditer("/|$", folded):
        digest = blake2b(folded[: found.start()].encode(errors="surrogatepass"), digest_size=8)
        yield int.from_bytes(digest.digest()) or 1


def oldest(names: Iterable[tuple[str, UUID]]) -> Mapping[str, UUID]:
    """The smallest id under each name; ids sort by age."""
    keepers: dict[str, UUID] = {}
    for name, owner in names:
        if name not in keepers or owner < keepers[name]:
            keepers[name] = owner
    return keepers


async def name_pages(
    backend: Backend,
    version_id: UUID,
    assets: PageSource[AssetRecord],
    *,
    use_id: bool,
    layout: Layout = Layout.NAMES,
) -> AsyncIterator[list[NamedFile]]:
    """Names for the assets of a version, page by page: each page asks who else has its names.

    Names that differ in case or Unicode form alone are told apart by the order of the listing: the first keeps its
    own. Only 12 to 24 bytes a file are kept in memory for that.
    """
    given = TakenNames()
    async for page in assets.pages():
        files = [(asset.id, asset.data) for asset in page]
        if use_id:
            yield name_all(files, use_id=True)
            continue
        keepers: Mapping[str, UUID] = {}
        if layout == Layout.NAMES:  # object names are unique as they are
            query = ListAssetsByKey(version_id=version_id)
            names = [data.filename for _, data in files]
            same = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "filenames", names)
            pairs = [(a.data, a.id) async for more in same.pages() for a in more]
            keepers = oldest((_asked(data, layout), no) for data, no in pairs)
        yield [_named(no, data, layout, keepers, given) for no, data in files]
