"""Copy the annotations of assets that the target has: compare, write what is missing, replace what was changed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from uuid import UUID

from msgspec import Struct, field

from headrace.engine.copy.fit import Fitted, Fitting
from headrace.engine.copy.journal import Journal
from headrace.engine.copy.journal_rows import Row
from headrace.engine.copy.reconcile import PENDING, Changes, Found, reconcile
from headrace.engine.copy.report import CopyReport, Losses
from headrace.engine.copy.sides import CopySide
from headrace.engine.copy.writers import Write, Writer, delete_annotations
from headrace.engine.digest.canonical import asset_digest
from headrace.engine.versions.load import load_page
from headrace.errors import ConnectError, TransferTimeoutError
from headrace.model.records import Meta
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.threads import in_thread

PIECE_ASSETS = 100
"""Assets whose annotations are loaded and written together."""

_ATTEMPTS = 3

Loaded = dict[str, list[LoadedAnnotation]]


class _Asset(Struct):
    """An asset, what the source has on it, and what is to be done at the target.

    ``digest`` stands for all annotations of the source, ``content`` for the asset with its file.
    """

    row: Row
    target: UUID
    fitted: list[Fitted]
    digest: bytes
    content: bytes | None
    losses: Losses
    changes: Changes = field(default_factory=Changes)
    present: list[UUID] = field(default_factory=list)
    late_losses: Losses = field(default_factory=Losses)


class AnnotationCopier:
    """Copies annotations from one version to another, piece by piece."""

    def __init__(
        self,
        source: CopySide,
        target: CopySide,
        journal: Journal,
        fitting: Fitting,
        writer: Writer | None,
        report: CopyReport,
        losses: Losses,
    ) -> None:
        self._source = source
        self._target = target
        self._journal = journal
        self._fitting = fitting
        self._writer = writer
        self._report = report
        self._losses = losses

    async def count(self, rows: Sequence[Row]) -> None:
        """Count the annotations that are to be written, and what would be lost of them; writes nothing."""
        assets = await self._read(rows)
        there = [asset.row.no for asset in assets if asset.row.target is not None]
        known = await in_thread(self._journal.keys_of, there)
        for asset in assets:
            self._losses.merge(asset.losses)
            keys = known.get(asset.row.no, {})
            same = sum(keys.get(each.source_id) == each.key for each in asset.fitted)
            self._report.annotations_there += same
            self._report.annotations += len(asset.fitted) - same

    async def copy(self, rows: Sequence[Row], *, fresh: bool) -> None:
        """Copy the annotations of assets that the target has.

        Args:
            rows: The assets.
            fresh: Whether this run added them to a new version, so that they have no annotations there.
        """
        assets = await self._read([row for row in rows if row.target is not None])
        for asset in assets:
            self._losses.merge(asset.losses)
        same = [asset for asset in assets if asset.row.annotations == asset.digest]
        self._report.annotations_there += sum(len(asset.fitted) for asset in same)
        digests = [(asset.row.no, asset.digest, asset.content) for asset in same]
        await in_thread(self._journal.set_annotations, [], digests)
        if len(same) < len(assets):
            changed = [asset for asset in assets if asset.row.annotations != asset.digest]
            await self._update(changed, fresh=fresh)

    # --- the source ---------------------------------------------------------------------------------------

    async def _read(self, rows: Sequence[Row]) -> list[_Asset]:
        loaded = await _load(self._source, [row.source for row in rows])
        return await in_thread(self._prepare, rows, loaded)

    def _prepare(self, rows: Sequence[Row], loaded: Loaded) -> list[_Asset]:
        assets = []
        for row in rows:
            # Oldest first, as they are written.
            annotations = loaded.get(str(row.source), [])[::-1]
            losses = Losses()
            fitted = self._fitting.fit(annotations, row.name, row.height, losses)
            digest = blake2b(digest_size=16)
            for each in fitted:
                digest.update(UUID(each.source_id).bytes + each.key)
            content = None
            if row.sha256 is not None:
                meta = Meta(row.width or 0, row.height or 0)
                content = asset_digest(row.name, row.sha256.hex(), annotations, meta)
            target = row.target or row.source
            assets.append(_Asset(row, target, fitted, digest.digest(), content, losses))
        return assets

    # --- the target ---------------------------------------------------------------------------------------

    async def _update(self, assets: list[_Asset], *, fresh: bool) -> None:
        """Bring the target up to date. Where an answer was lost, the target is asked what it has."""
        for attempt in range(_ATTEMPTS):
            there: Loaded = {}
            if not fresh or attempt:
                there = await _load(self._target, [asset.target for asset in assets])
            numbers = [asset.row.no for asset in assets]
            known = await in_thread(self._journal.keys_of, numbers)
            writing = await in_thread(self._journal.writing_of, numbers)
            await in_thread(self._decide, assets, there, known, writing)
            try:
                await self._execute(assets)
                break
            except (ConnectError, TransferTimeoutError):
                # Other platforms do not know that a call is a repetition.
                if self._target.backend.limits.extensions or attempt == _ATTEMPTS - 1:
                    raise
        await self._record(assets)

    def _decide(
        self,
        assets: Sequence[_Asset],
        there: Loaded,
        known: dict[int, dict[str, bytes]],
        writing: dict[int, set[UUID]],
    ) -> None:
        for asset in assets:
            height, no = asset.row.height, asset.row.no
            annotations = {
                UUID(each.id): each
                for each in there.get(str(asset.target), [])
                if each.id is not None
            }
            keys = [(self._fitting.key(value, height), each) for each, value in annotations.items()]
            found = Found(keys)
            asset.present = list(annotations)
            changes = reconcile(asset.fitted, found, known.get(no, {}))
            asset.changes = changes
            asset.late_losses = Losses()
            if no in writing:
                self._drop_halves(asset, found, annotations, writing[no])
            if changes.beside and changes.writes and changes.writes[0] is asset.fitted[0]:
                self._put_beside(asset, found)

    def _drop_halves(
        self,
        asset: _Asset,
        found: Found,
        annotations: dict[UUID, LoadedAnnotation],
        before: set[UUID],
    ) -> None:
        """Delete what an interrupted run has half written: it is written again."""
        changes = asset.changes
        for each in found.left - before:
            half = annotations[each]
            if any(
                self._fitting.is_part(half, write.annotation, asset.row.height)
                for write in changes.writes
            ):
                changes.deletes.append(each)
                found.drop(each)
        changes.beside = bool(len(found) or changes.there or changes.conflicts)

    def _put_beside(self, asset: _Asset, found: Found) -> None:
        """Fit the first annotation of an asset again: other platforms can hold less of it beside others."""
        row, writes = asset.row, asset.changes.writes
        first = self._fitting.fit_beside(writes[0], row.name, row.height, asset.late_losses)
        if first.key != writes[0].key and found.claim(first.key) is not None:
            del writes[0]
            asset.changes.there += 1
        else:
            writes[0] = first
        asset.fitted[0] = first

    async def _execute(self, assets: Sequence[_Asset]) -> None:
        going = {asset.target: asset.changes.deletes for asset in assets if asset.changes.deletes}
        if going:
            pending = [
                (source, asset.row.no, PENDING + key)
                for asset in assets
                for source, key in asset.changes.replacing
            ]
            await in_thread(self._journal.set_annotations, pending, [])
            await delete_annotations(self._target.backend, self._target.version.id, going)
        writes = [
            Write(asset.target, each, asset.changes.beside or number > 0)
            for asset in assets
            for number, each in enumerate(asset.changes.writes)
        ]
        if not writes or self._writer is None:
            return
        if not self._target.backend.limits.extensions:
            begun = [
                (asset.row.no, set(asset.present) - set(asset.changes.deletes))
                for asset in assets
                if asset.changes.writes
            ]
            await in_thread(self._journal.set_writing, begun)
        await self._writer.write(writes)

    async def _record(self, assets: Sequence[_Asset]) -> None:
        keys: list[tuple[str, int, bytes]] = []
        digests: list[tuple[int, bytes | None, bytes | None]] = []
        for asset in assets:
            changes, no = asset.changes, asset.row.no
            written = {each.source_id for each in changes.writes}
            if changes.conflicts:
                self._report.conflict(asset.row.name, changes.conflicts)
            keys += [
                (each.source_id, no, each.key)
                for each in asset.fitted
                if not changes.conflicts or each.source_id in written
            ]
            # With a conflict the asset is looked at again by the next run.
            digests.append((no, None if changes.conflicts else asset.digest, asset.content))
            self._losses.merge(asset.late_losses)
            self._report.gone += len(changes.gone)
            self._report.annotations += len(changes.writes)
            self._report.annotations_there += changes.there
            self._report.replaced += len(changes.deletes)
        gone = [each for asset in assets for each in asset.changes.gone]
        await in_thread(self._journal.set_annotations, keys, digests, gone)


async def _load(side: CopySide, asset_ids: Sequence[UUID]) -> Loaded:
    found: Loaded = {}
    if asset_ids:
        for each in await load_page(side.backend, side.version.id, asset_ids):
            found.setdefault(each.asset_id, []).append(each)
    return found
