"""``find-duplicates``, the built-in processing: tags assets whose image occurs more than once in the version."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from uuid import UUID

from headrace.engine.paging import batched
from headrace.errors import BadRequestError, MissingExtraError, PartialTransferError
from headrace.model.enums import DataType
from headrace.processing.context import Context
from headrace.processing.fingerprints import Fingerprint, FingerprintIndex
from headrace.sdk.asset import Asset, MultiAsset
from headrace.threads import in_thread

MOST_BITS = 10
"""The largest distance allowed; beyond it unrelated images look alike."""

_COLUMNS, _ROWS = 9, 8
_FLAT = 4
"""Grey levels (of 256) below which an image is uniform. All uniform images look alike, so they get no hash."""

_FILES_AT_ONCE = 128
_ROWS_AT_ONCE = 5_000
_GROUPS_AT_ONCE = 1_000
_TAGS_AT_ONCE = 10_000
_REPORT_EVERY = 10_000


async def find_duplicates(context: Context) -> None:
    """Tag duplicates. Assets that already carry the tag keep it.

    Parameters of the processing: ``method`` is ``content`` (identical bytes, by the SHA-256 in the catalog) or
    ``perceptual`` (images that look alike; needs the extra ``images``). ``distance`` is the number of bits, of 64, by
    which the hashes of such images may differ. ``tag`` is the asset tag, created where it is missing. With
    ``keep_first`` the oldest asset of each group is not tagged.
    """
    given = context.parameters
    by_content, distance = given["method"] == "content", given["distance"]
    if not 0 <= distance <= MOST_BITS:
        raise BadRequestError(f"distance is {distance}", hint=f"0 to {MOST_BITS} bits")
    fingerprint: Callable[[Path], Fingerprint | None] = _digest if by_content else image_hasher()
    index = FingerprintIndex()
    try:
        await _Indexer(context, index, fingerprint, by_digest=by_content).run()
        groups = (
            index.equal_groups() if by_content else await in_thread(index.similar_groups, distance)
        )
        await _tag(context, groups)
    finally:
        index.close()


class _Indexer:
    """Adds the fingerprint of every asset to the index: from the catalog where it is known, else from the file."""

    def __init__(
        self,
        context: Context,
        index: FingerprintIndex,
        fingerprint: Callable[[Path], Fingerprint | None],
        *,
        by_digest: bool,
    ) -> None:
        self._context = context
        self._index = index
        self._fingerprint = fingerprint
        self._by_digest = by_digest
        self._rows: list[tuple[bytes, Fingerprint]] = []
        self._unread: list[Asset] = []
        self._skipped = 0

    async def run(self) -> None:
        seen = 0
        async for asset in self._context.iter_assets():
            await self._add(asset)
            seen += 1
            if seen % _REPORT_EVERY == 0:
                print(f"{seen:,} assets looked at")
        await self._read_files()
        await self._flush()
        print(f"{seen:,} assets looked at, {self._skipped:,} that cannot be compared")

    async def _add(self, asset: Asset) -> None:
        known = asset.record.data.sha256 if self._by_digest else None
        if known:
            self._rows.append((asset.id.bytes, bytes.fromhex(known)))
            if len(self._rows) >= _ROWS_AT_ONCE:
                await self._flush()
        elif self._by_digest or asset.type is DataType.IMAGE:
            self._unread.append(asset)
            if len(self._unread) >= _FILES_AT_ONCE:
                await self._read_files()
        else:
            self._skipped += 1

    async def _flush(self) -> None:
        rows, self._rows = self._rows, []
        await in_thread(self._index.add, rows)

    async def _read_files(self) -> None:
        """Download the files of a page into a temporary folder and take their fingerprints."""
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
            fingerprints = await in_thread(self._fingerprint_all, paths)
        finally:
            await in_thread(folder.cleanup)
        found = [
            (asset.id.bytes, value)
            for asset, value in zip(assets, fingerprints, strict=True)
            if value is not None
        ]
        self._skipped += len(assets) - len(found)
        self._rows += found
        await self._flush()

    def _fingerprint_all(self, paths: list[Path]) -> list[Fingerprint | None]:
        with ThreadPoolExecutor(self._context.launch.cpu) as pool:
            return list(pool.map(self._fingerprint, paths))


async def _tag(context: Context, groups: Iterator[list[bytes]]) -> None:
    name, keep_first = context.parameters["tag"], context.parameters["keep_first"]
    found = tagged = 0
    tag = None
    while batch := await in_thread(lambda: list(islice(groups, _GROUPS_AT_ONCE))):
        tag = tag or await context.version.get_or_create_asset_tag(name)
        found += len(batch)
        ids = [UUID(bytes=asset) for group in batch for asset in group[1 if keep_first else 0 :]]
        for piece in batched(ids, _TAGS_AT_ONCE):
            response = (await context.client.request("attach_tag", tag_id=tag.id, ids=piece)).record
            tagged += response.count
    print(f"{found:,} groups of duplicates, {tagged:,} assets tagged {name!r}")


def _digest(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None


def image_hasher() -> Callable[[Path], int | None]:
    """Return a function that hashes an image file; raises MissingExtraError where Pillow is not installed.

    Difference hash: the image, rotated by its EXIF orientation, is reduced to 9 x 8 grey pixels; each bit says whether a
    pixel is brighter than its right neighbour. The function returns None for unreadable and uniform images.
    """
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise MissingExtraError(
            "comparing images needs Pillow", install="headrace[images]"
        ) from None

    def hash_file(path: Path) -> int | None:
        try:
            with Image.open(path) as image:
                # JPEG files are decoded at the lowest sufficient resolution.
                image.draft("L", (_COLUMNS * 8, _ROWS * 8))
                upright = ImageOps.exif_transpose(image)
                small = upright.convert("L").resize((_COLUMNS, _ROWS), Image.Resampling.LANCZOS)
        except (
            OSError,
            SyntaxError,
            ValueError,
            UnidentifiedImageError,
            Image.DecompressionBombError,
        ):
            return None
        return hash_pixels(small.tobytes())

    return hash_file


def hash_pixels(grey: bytes) -> int | None:
    """Hash 9 x 8 grey pixels, row by row, into a signed 64-bit number; None where they are nearly uniform."""
    if max(grey) - min(grey) < _FLAT:
        return None
    bits = 0
    for row in range(0, _COLUMNS * _ROWS, _COLUMNS):
        for left in range(row, row + _COLUMNS - 1):
            bits = bits << 1 | (grey[left] > grey[left + 1])
    return bits - (1 << 64) if bits >> 63 else bits
