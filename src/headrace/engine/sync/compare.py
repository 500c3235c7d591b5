"""Compare a version with a folder: assets whose file is missing or differs, and files that no asset has."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.download.names import NamedFile, name_pages
from headrace.engine.paging import CursorListing
from headrace.engine.sync.state import digest, walk_files
from headrace.engine.upload.stored import compare_stored
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.state.journal import Journal, mark_of
from headrace.transfer.state.workspace import journal_of


class Difference(Struct):
    """``missing``: assets whose file is not in the folder or differs. ``unknown``: files that no asset has."""

    missing: list[NamedFile] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


async def compare(backend: Backend, version_id: UUID, folder: Path) -> Difference:
    """Compare a version with a folder. Raises NotADirectoryError if ``folder`` is not a directory.

    Unlike :func:`~headrace.engine.sync.run.synchronize` it holds one page of assets at a time. Files that an earlier
    download verified are not read again unless they changed; others are read where the lake knows their digest. Where it
    does not, the storage is asked for digest and size.
    """
    unknown = await in_thread(_names, folder)
    journal = await in_thread(_journal, folder)
    assets = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    found = Difference()

    async def is_complete(file: NamedFile) -> bool:
        path = folder / file.name
        try:
            size = (await in_thread(path.stat)).st_size
        except OSError:
            return False
        return await compare_stored(backend, path, size, file.data) is not False

    async for page in name_pages(backend, version_id, assets, use_id=False):
        sure = await in_thread(_look, folder, journal, page)
        unsure = [file for file, complete in zip(page, sure, strict=True) if complete is None]
        asked = await map_bounded(is_complete, unsure, concurrency=backend.limits.concurrency)
        answers = iter(asked)
        found.missing += [
            file
            for file, complete in zip(page, sure, strict=True)
            if not (next(answers) if complete is None else complete)
        ]
        unknown.difference_update(file.name for file in page)
    found.unknown = sorted(unknown)
    return found


def _names(folder: Path) -> set[str]:
    return {name for name, _ in walk_files(folder)}


def _journal(folder: Path) -> Journal:
    journal = journal_of(folder)
    journal.load()
    return journal


def _look(folder: Path, journal: Journal, page: list[NamedFile]) -> list[bool | None]:
    return [_is_complete(folder / file.name, journal, file) for file in page]


def _is_complete(path: Path, journal: Journal, file: NamedFile) -> bool | None:
    """Return whether a file is complete; None if only its storage can tell."""
    data = file.data
    try:
        about = path.stat()
        if not path.is_file() or data.size not in (None, about.st_size):
            return False
        if mark_of(file.name, data.sha256 or "", about) in journal:
            return True
        return None if data.sha256 is None else digest(path) == data.sha256
    except OSError:
        return False
