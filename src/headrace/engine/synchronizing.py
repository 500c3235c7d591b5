"""Comparing a version with a folder: what is missing here, and what is here that the version does not know."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID

from anyio import to_thread
from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.naming import Wanted, name_pages
from headrace.engine.paging import CursorListing, pieces
from headrace.engine.pull import pull
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.listing import PAGE_SIZE


class Difference(Struct):
    """``missing`` are assets whose file is not here or has another size; ``unknown`` files that no asset has."""

    missing: list[Wanted] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


async def compare(backend: Backend, version_id: UUID, folder: Path) -> Difference:
    """What is different; NotADirectoryError where ``folder`` is none."""
    unknown = await to_thread.run_sync(_names, folder)
    listed = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    found = Difference()
    async for page in name_pages(backend, version_id, listed, use_id=False):
        found.missing += await to_thread.run_sync(_missing, folder, page)
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


def _missing(folder: Path, page: list[Wanted]) -> list[Wanted]:
    return [wanted for wanted in page if not _here(folder / wanted.name, wanted.data.size)]


def _here(path: Path, size: int | None) -> bool:
    try:
        return path.is_file() and (size is None or path.stat().st_size == size)
    except OSError:
        return False
