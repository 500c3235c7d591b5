"""``find-duplicates``: the processing that every lake has. It tags the assets whose image the version has already."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from uuid import UUID

from headrace.engine.paging import batched
from headrace.errors import BadRequestError, PartialTransferError
from headrace.model.enums import DataType
from headrace.processing.context import Context
from headrace.processing.pictures import picture_hasher
from headrace.processing.scratch import Mark, Scratch
from headrace.sdk.asset import Asset, MultiAsset
from headrace.threads import in_thread

MOST_BITS = 10
"""Beyond, pictures that have nothing to do with each other are alike."""

_FILES_AT_ONCE = 128
_ROWS_AT_ONCE = 5_000
_GROUPS_AT_ONCE = 1_000
_TAGS_AT_ONCE = 10_000
_TELL_EVERY = 10_000


async def find_duplicates(context: Context) -> None:
    """Tag duplicates. What was tagged before stays tagged.

    Parameters: ``method`` is ``content`` (the same bytes, by the digests that the lake has of its files) or
    ``perceptual`` (pictures that look alike; needs the extra ``images``). ``distance`` is in how many of the 64 bits of
    their hashes such pictures may differ. ``tag`` is the asset tag that is given, and made where it is missing. With
    ``keep_first`` the oldest asset of each group goes without.
    """
    given = context.parameters
    by_content, distance = given["method"] == "content", given["distance"]
    if not 0 <= distance <= MOST_BITS:
        raise BadRequestError(f"distance is {distance}", hint=f"0 to {MOST_BITS} bits")
    measure: Callable[[Path], Mark | None] = _digest if by_content else picture_hasher()
    scratch = Scratch()
    try:
        await _Reading(context, scratch, measure, by_digest=by_content).run()
        groups = scratch.same() if by_content else await in_thread(scratch.join, distance)
        await _tag(context, groups)
    finally:
        scratch.close()


class _Reading:
    """Takes the mark of every asset: from the catalog where it is there, else from the file, by the page."""

    def __init__(
        self,
        context: Context,
        scratch: Scratch,
        measure: Callable[[Path], Mark | None],
        *,
        by_digest: bool,
    ) -> None:
        self._context = context
        self._scratch = scratch
        self._measure = measure
        self._by_digest = by_digest
        self._rows: list[tuple[bytes, Mark]] = []
        self._unread: list[Asset] = []
        self._passed_over = 0

    async def run(self) -> None:
        seen = 0
        async for asset in self._context.iter_assets():
            await self._take(asset)
            seen += 1
            if seen % _TELL_EVERY == 0:
                print(f"{seen:,} assets looked at")
        await self._read()
        await self._note()
        print(f"{seen:,} assets looked at, {self._passed_over:,} that cannot be compared")

    async def _take(self, asset: Asset) -> None:
        known = asset.record.data.sha256 if self._by_digest else None
        if known:
            self._rows.append((asset.id.bytes, bytes.fromhex(known)))
            if len(self._rows) >= _ROWS_AT_ONCE:
                await self._note()
        elif self._by_digest or asset.type is DataType.IMAGE:
            self._unread.append(asset)
            if len(self._unread) >= _FILES_AT_ONCE:
                await self._read()
        else:
            self._passed_over += 1

    async def _note(self) -> None:
        rows, self._rows = self._rows, []
        await in_thread(self._scratch.add, rows)

    async def _read(self) -> None:
        """Bring the files of a page here, measure them, and let them go again."""
        assets, self._unread = self._unread, []
        if not assets:
            return
        folder = await in_thread(tempfile.TemporaryDirectory, prefix="headrace-")
        try:
            version = self._context.version
            page = MultiAsset(version.session, version.id, [asset.record for asset in assets])
            try:
                await page.download(folder.name, use_id=True)
            except PartialTransferError as error:
                print(error)
            paths = [Path(folder.name, asset.id_with_extension) for asset in assets]
            marks = await in_thread(self._measured, paths)
        finally:
            await in_thread(folder.cleanup)
        found = [
            (asset.id.bytes, mark)
            for asset, mark in zip(assets, marks, strict=True)
            if mark is not None
        ]
        self._passed_over += len(assets) - len(found)
        self._rows += found
        await self._note()

    def _measured(self, paths: list[Path]) -> list[Mark | None]:
        with ThreadPoolExecutor(self._context.told.cpu) as pool:
            return list(pool.map(self._measure, paths))


async def _tag(context: Context, groups: Iterator[list[bytes]]) -> None:
    name, keep_first = context.parameters["tag"], context.parameters["keep_first"]
    found = tagged = 0
    tag = None
    while batch := await in_thread(lambda: list(islice(groups, _GROUPS_AT_ONCE))):
        tag = tag or await context.version.get_or_create_asset_tag(name)
        found += len(batch)
        ids = [UUID(bytes=asset) for group in batch for asset in group[1 if keep_first else 0 :]]
        for piece in batched(ids, _TAGS_AT_ONCE):
            answer = await context.client.request("attach_tag", tag_id=tag.id, ids=piece)
            tagged += answer.count
    print(f"{found:,} groups of duplicates, {tagged:,} assets tagged {name!r}")


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None
