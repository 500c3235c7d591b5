"""The two sides of a synchronization: the files of a folder and those of a version, by name, and their last common state."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile, name_pages
from headrace.engine.paging import CursorListing
from headrace.engine.sync.state import LocalFile, SyncedFile, SyncState, scan, write_state
from headrace.engine.upload.file import is_media
from headrace.engine.upload.stored import compare_stored
from headrace.model.names import with_id
from headrace.model.records import DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.tasks import map_bounded
from headrace.threads import in_thread


class Sides:
    """Both sides, held in memory.

    Attributes:
        backend: Backend of the version.
        folder: The folder.
        state: The last common state.
        remote: The files of the version, by the names that they have in the folder, or would get.
        local: The images and videos of the folder.
        unnamed: Those whose names are not UTF-8, which no version can hold.
    """

    def __init__(self, backend: Backend, folder: Path, state: SyncState) -> None:
        self.backend = backend
        self.folder = folder
        self.state = state
        self.remote: dict[str, NamedFile] = {}
        self.local: dict[str, LocalFile] = {}
        self.unnamed: list[str] = []

    async def read(self) -> None:
        """List the files of the version and scan the folder."""
        self.remote = await self._list_version()
        sizes = {name: one.data.size for name, one in self.remote.items()}
        found = await in_thread(scan, self.folder, self.state, sizes)
        self.local = {
            name: file
            for name, file in found.items()
            if name in sizes or name in self.state.files or is_media(name)
        }
        self.unnamed = [name for name in self.local if not _is_text(name)]
        for name in self.unnamed:
            del self.local[name]
        await self._compare_stored()

    def enter(self, name: str, asset: UUID, data: DataRecord, file: LocalFile) -> None:
        """Enter a file into the state that is the same on both sides."""
        self.state.files[name] = SyncedFile(
            asset, file.sha256 or data.sha256 or "", content_of(data), file.size, file.changed
        )

    async def save(self) -> None:
        """Save the state in the folder."""
        await in_thread(write_state, self.folder, self.state)

    async def _compare_stored(self) -> None:
        """Ask the storage for files that are on both sides for the first time and of which the platform says nothing."""
        unsure = [
            name
            for name, file in self.local.items()
            if file.sha256
            and name not in self.state.files
            and (one := self.remote.get(name)) is not None
            and one.data.sha256 is None
            and one.data.size is None
        ]

        async def compare(name: str) -> None:
            path, file = self.folder / name, self.local[name]
            if await compare_stored(self.backend, path, file.size, self.remote[name].data) is False:
                self.local[name] = replace(file, sha256="")

        await map_bounded(compare, unsure, concurrency=self.backend.limits.concurrency)

    async def _list_version(self) -> dict[str, NamedFile]:
        """Return the version's files by the names that they have in the folder, or would get."""
        names = {entry.asset: name for name, entry in self.state.files.items()}
        retired = set(self.state.retired)
        listing = ListAssets(version_id=self.state.version)
        listed = CursorListing(self.backend, LIST_ASSETS, listing)
        found: dict[str, NamedFile] = {}
        new: list[NamedFile] = []
        async for page in name_pages(self.backend, listing.version_id, listed, use_id=False):
            for file in page:
                if file.id in names:
                    name = names[file.id]
                    found[name] = NamedFile(id=file.id, data=file.data, name=name)
                elif file.id not in retired:
                    new.append(file)
        for file in new:
            name = file.name if file.name not in found else with_id(file.name, file.id)
            found[name] = NamedFile(id=file.id, data=file.data, name=name)
        return found


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def content_of(data: DataRecord) -> str:
    """Return a text that identifies the content of a file."""
    return data.sha256 or str(data.id)
