"""Bring the files of assets to the target and add them to its version, batch by batch.

A file is looked for at the target first: among the assets of the version, then in the datalake, by name and content.
Each asset of the source gets an asset of its own, so two assets of equal name and content stay two.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Present, Row
from headrace.engine.copy.report import CopyReport, Losses
from headrace.engine.copy.sides import CopySide, metadata_digest, same_place
from headrace.engine.copy.spool import Spool, SpooledBatch, SpooledFile, hash_files
from headrace.engine.digest.file_digest import sha256_of_bytes
from headrace.engine.paging import KeyListing
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.run import upload_batch
from headrace.engine.upload.target import UploadTarget
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import AssetRecord, DataRecord
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.datalake import (
    LIST_DATA_BY_KEY,
    ListDataByKey,
)
from headrace.threads import in_thread
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport

OTHER_SIZES = "files whose size in pixels the target reads otherwise"
Found = tuple[int, UUID, bool, bytes | None, int | None, bytes]
"""Number of an asset, its data at the target, whether this copy made it, SHA-256, size and digest of the metadata."""


class FileCopier:
    """Copies the files of assets, and makes assets of them."""

    def __init__(
        self,
        source: CopySide,
        target: CopySide,
        journal: Journal,
        spool: Spool,
        report: CopyReport,
        losses: Losses,
        progress: Progress,
        max_workers: int | None,
    ) -> None:
        self._losses = losses
        self._source = source
        self._target = target
        self._journal = journal
        self._spool = spool
        self._report = report
        self._progress = progress
        self._max_workers = max_workers
        self.shared = same_place(source, target)
        """Whether both sides have the same files."""

    async def look_up(self, rows: Sequence[Row]) -> list[AssetRecord]:
        """Return the assets of rows, oldest first, that can be copied; the others are in the report."""
        query = ListAssetsByKey(version_id=self._source.version.id)
        listed = KeyListing(
            self._source.backend, LIST_ASSETS_BY_KEY, query, "ids", [row.source for row in rows]
        )
        found = {asset.id: asset async for page in listed.pages() for asset in page}
        assets = []
        for row in rows:
            asset = found.get(row.source)
            if asset is None:
                self._report.leave_out(f"{row.name} (removed from the source meanwhile)")
            elif asset.data.upload_status is not DataUploadStatus.DONE and not self.shared:
                self._report.leave_out(f"{row.name} ({asset.data.upload_status})")
            else:
                assets.append(asset)
        return assets

    async def without_lost(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows without the data that an interrupted run sent and that the target has no longer."""
        sent = [row.target_data for row in rows if row.target_data is not None]
        if not sent or self.shared:
            return list(rows)
        query = ListDataByKey(datalake_id=self._target.lake.id)
        listed = KeyListing(self._target.backend, LIST_DATA_BY_KEY, query, "ids", sent)
        there = {data.id async for page in listed.pages() for data in page}
        return [
            row
            if row.target_data is None or row.target_data in there
            else row._replace(target_data=None)
            for row in rows
        ]

    async def find(self, rows: dict[UUID, Row], assets: Sequence[AssetRecord]) -> list[AssetRecord]:
        """Note the files that the target has already, and return the assets of all others.

        Only digests that both sides tell are compared here.
        """
        if self.shared:
            await self._note(
                [
                    (
                        rows[asset.id].no,
                        asset.data.id,
                        False,
                        _bytes(asset.data.sha256),
                        asset.data.size,
                        metadata_digest(asset.data),
                    )
                    for asset in assets
                ]
            )
            return []
        known = [asset for asset in assets if asset.data.sha256 is not None]
        files = [SpooledFile(rows[a.id], a, self._journal.spool, a.data.sha256) for a in known]
        matched = await self._match(files)
        return [asset for asset in assets if rows[asset.id].no not in matched]

    async def send(self, batch: SpooledBatch) -> None:
        """Send the files of a batch that the target does not have."""
        files = batch.files
        await hash_files(files)
        unknown = [file for file in files if file.asset.data.sha256 is None]
        matched = await self._match(unknown) if unknown else set()
        left = [file for file in files if file.row.no not in matched]
        target = UploadTarget(
            organization_id=self._target.organization_id,
            lake=self._target.lake,
            tag_ids=[],
            reuse=False,
        )
        sent = TransferReport()
        uploads = [self._upload(file) for file in left]
        records = await upload_batch(
            self._target.backend,
            target,
            uploads,
            sent,
            _OnlyBytes(self._progress),
            max_workers=self._max_workers,
        )
        self._report.files += sent.moved
        self._report.bytes += sent.bytes
        self._report.add_failures(sent)
        for file, record in zip(left, records, strict=True):
            mine = file.asset.data.meta
            if record is not None and None not in (mine, record.meta) and mine != record.meta:
                self._losses.add(OTHER_SIZES, file.row.name)
        await self._note(
            [
                (
                    file.row.no,
                    record.id,
                    True,
                    _bytes(file.sha256),
                    upload.size,
                    metadata_digest(file.asset.data),
                )
                for file, upload, record in zip(left, uploads, records, strict=True)
                if record is not None
            ]
        )

    async def add(self, rows: Sequence[Row]) -> int:
        """Add the files of rows to the version of the target, and note the assets; return how many are new."""
        rows = await in_thread(self._journal.rows_of, [row.source for row in rows])
        ready = [row for row in rows if row.target_data is not None and row.target is None]
        if not ready:
            return 0
        data = [row.target_data for row in ready if row.target_data is not None]
        backend, version_id = self._target.backend, self._target.version.id
        for job in await add_data(backend, version_id, data):
            await wait_for(backend, job)
        query = ListAssetsByKey(version_id=version_id)
        listed = KeyListing(backend, LIST_ASSETS_BY_KEY, query, "data_ids", data)
        targets = {asset.data.id: asset.id async for page in listed.pages() for asset in page}
        found = [
            (row.no, targets[row.target_data])
            for row in ready
            if row.target_data is not None and row.target_data in targets
        ]
        await in_thread(self._journal.set_targets, found)
        return len(found)

    # --- what the target has ------------------------------------------------------------------------------

    async def _match(self, files: Sequence[SpooledFile]) -> set[int]:
        """Note the files that the target has, each for one asset only; return the numbers of the assets."""
        used: set[UUID] = set()
        assets: list[tuple[int, UUID]] = []
        found: list[Found] = []
        present = await in_thread(self._journal.present, [file.row.name for file in files])
        for file in files:
            for each in present.get(file.row.name, ()):
                if each.asset not in used and await self._is_same_asset(file, each):
                    used |= {each.asset, each.data}
                    assets.append((file.row.no, each.asset))
                    found.append(_found(file, each.data))
                    break
        matched = {no for no, _ in assets}
        left = [file for file in files if file.row.no not in matched]
        for file, data in await self._in_lake(left, used):
            found.append(_found(file, data.id))
            self._report.reused += 1
        await self._note(found)
        await in_thread(self._journal.set_targets, assets)
        self._report.there += len(assets)
        return {no for no, *_ in found}

    async def _in_lake(
        self, files: Sequence[SpooledFile], used: set[UUID]
    ) -> list[tuple[SpooledFile, DataRecord]]:
        by_name: dict[str, list[DataRecord]] = {}
        if files:
            query = ListDataByKey(datalake_id=self._target.lake.id)
            names = [file.row.name for file in files]
            listed = KeyListing(self._target.backend, LIST_DATA_BY_KEY, query, "filenames", names)
            async for page in listed.pages():
                for data in page:
                    if data.upload_status is DataUploadStatus.DONE:
                        by_name.setdefault(data.filename, []).append(data)
        every = [data.id for several in by_name.values() for data in several]
        used |= await in_thread(self._journal.taken, every) if every else set()
        found = []
        for file in files:
            for data in by_name.get(file.row.name, ()):
                if data.id in used or not _described_alike(file.asset.data, data):
                    continue
                if await self._is_same_content(file, data):
                    used.add(data.id)
                    found.append((file, data))
                    break
        return found

    async def _is_same_asset(self, file: SpooledFile, asset: Present) -> bool:
        if asset.sha256 is not None:
            return asset.sha256.hex() == file.sha256
        meta = file.asset.data.meta
        if meta is not None and (meta.width, meta.height) != (asset.width, asset.height):
            return False
        query = ListAssetsByKey(version_id=self._target.version.id, ids=[asset.asset])
        page = await self._target.backend.call(LIST_ASSETS_BY_KEY, query)
        return bool(page.items) and await self._is_same_content(file, page.items[0].data)

    async def _is_same_content(self, file: SpooledFile, data: DataRecord) -> bool:
        """Compare digests; the file is fetched where the target does not tell its digest."""
        if data.size is not None and file.asset.data.size not in (None, data.size):
            return False
        known = data.sha256
        if known is None:
            known = await sha256_of_bytes(self._target.backend.file(data), data.filename)
        return known == file.sha256

    async def _note(self, found: Sequence[Found]) -> None:
        if found:
            await in_thread(self._journal.set_files, found)

    def _upload(self, file: SpooledFile) -> UploadFile:
        data = file.asset.data
        # Other platforms read the size of a video from its bytes.
        has_meta = data.type is DataType.IMAGE or self._target.backend.limits.extensions
        return UploadFile(
            path=file.path,
            filename=data.filename,
            size=file.path.stat().st_size,
            metadata=data.metadata,
            custom_metadata=data.custom_metadata,
            kind=data.content_type,
            meta=data.meta if has_meta else None,
            sha256=data.sha256,
        )


class _OnlyBytes(Progress):
    """Counts the bytes of files, but not the files: an asset is done when its annotations are."""

    def __init__(self, counting: Progress) -> None:
        super().__init__("copy", "assets", None)
        self._counting = counting

    def add(self, done: int = 1, *, bytes: int = 0) -> None:
        """Count bytes."""
        self._counting.add(0, bytes=bytes)


def _found(file: SpooledFile, data: UUID) -> Found:
    asset = file.asset.data
    return file.row.no, data, False, _bytes(file.sha256), asset.size, metadata_digest(asset)


def _bytes(sha256: str | None) -> bytes | None:
    return None if sha256 is None else bytes.fromhex(sha256)


def _described_alike(mine: DataRecord, theirs: DataRecord) -> bool:
    """Whether a file of the target is described as the source's; headrace adds what it reads from a video."""
    wanted, have = mine.metadata or {}, theirs.metadata or {}
    same = all(name in have and have[name] == value for name, value in wanted.items())
    more = have.keys() - wanted.keys()
    if more and mine.type is not DataType.VIDEO:
        return False
    return same and (mine.custom_metadata or None) == (theirs.custom_metadata or None)
