"""Comparing a version with a folder: what is missing here, and what is here that the version does not know."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.download.names import Wanted, name_pages
from headrace.engine.download.pull import pull
from headrace.engine.paging import CursorListing, pieces
from headrace.engine.sync.state import digest
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.threads import in_thread
from headrace.transfer.state.journal import Journal, mark_of
from headrace.transfer.state.workspace import FOLDER


class Difference(Struct):
    """``missing`` are assets whose file is not here or is another one; ``unknown`` files that no asset has."""

    missing: list[Wanted] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


async def compare(backend: Backend, version_id: UUID, folder: Path) -> Difference:
    """What is different; NotADirectoryError where ``folder`` is none.

    Files that an earlier download verified and nobody touched since are not read again; others are, where the lake
    knows their digests.
    """
    unknown = await in_thread(_names, folder)
    journal = await in_thread(_journal, folder)
    listed = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    found = Difference()
    async for page in name_pages(backend, version_id, listed, use_id=False):
        found.missing += await in_thread(_missing, folder, journal, page)
        unknown.difference_update(wanted.name for wanted in page)
    found.unknown = sorted(unknown)
    return found


async def fetch(backend: Backend, wanted: Sequence[Wanted], folder: Path) -> None:
    """Download what is missing; PartialTransferError names what could not be fetched."""

    async def pages() -> AsyncIterator[list[Wanted]]:
        for piece in pieces(wanted, PAGE_SIZE):
            yield piece

    await pull(backend, pages(), folder, total=len(wanted))


def _names(folder: Path) -> set[str]:
    if not folder.is_dir():
        raise NotADirectoryError(20, "not a folder", str(folder))
    found = set()
    for root, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found |= {
            Path(root, name).relative_to(folder).as_posix()
            for name in files
            if not name.startswith(".")
        }
    return found


def _journal(folder: Path) -> Journal:
    journal = Journal(folder / FOLDER / "pulled")
    journal.load()
    return journal


def _missing(folder: Path, journal: Journal, page: list[Wanted]) -> list[Wanted]:
    return [wanted for wanted in page if not _here(folder / wanted.name, journal, wanted)]


def _here(path: Path, journal: Journal, wanted: Wanted) -> bool:
    data = wanted.data
    try:
        if not path.is_file():
            return False
        about = path.stat()
        if data.size is not None and about.st_size != data.size:
            return False
        if data.sha256 is None or mark_of(wanted.name, data.sha256, about) in journal:
            return True
        return digest(path) == data.sha256
    except OSError:
        return False
