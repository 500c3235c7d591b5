"""Write one chunk of an import: add, keep, replace or extend annotations, by mode, in one transaction."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import msgspec

from headrace.errors import NotFoundError
from headrace.model.blob.counts import pack_counts, unpack_counts
from headrace.model.blob.pack import pack_page
from headrace.model.blob.unpack import unpack_page
from headrace.model.columns import Shapes, append_shapes
from headrace.model.enums import AnnotationStatus, ImportAnnotationMode
from headrace.model.ids import Kind
from headrace.platform.annotations.decode import PreparedAnnotation
from headrace.platform.campaigns.transitions import assets_with_task
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionChange, VersionScope, touch_beside
from headrace.platform.core.shape_storage import drop_contents, read_contents, store_blobs
from headrace.platform.removals.frames import Replacement, digest_of
from headrace.platform.removals.recorder import RemovalRecorder
from headrace.storage.database.base import Database, Row, Statements, Transaction
from headrace.threads import in_thread

ImportedShapes = list[tuple[int, int]]
"""Numbers of annotations, each with the number of shapes created, in the order of the items."""


class ExistingAnnotation(NamedTuple):
    """An annotation that an asset already has."""

    asset: int
    no: int
    account: int
    status: str
    counts: bytes
    shapes: bytes | None
    content: int | None
    attributes: str | None


class MergedAnnotation(NamedTuple):
    """An existing annotation with the shapes of an item appended."""

    blob: bytes
    counts: bytes
    size: int
    attributes: str | None


class ReplacesError(Exception):
    """A chunk replaces annotations: their record is written by one transaction at a time."""


class ChunkWriter:
    """Writes the prepared items of one call. Assets in a campaign are skipped. One instance serves one call."""

    def __init__(
        self,
        scope: VersionScope,
        account: int,
        mode: ImportAnnotationMode,
        status: str | None,
        items: list[PreparedAnnotation],
        recorder: RemovalRecorder | None,
        *,
        beside: bool = False,
    ) -> None:
        self._scope = scope
        self._account = account
        self._mode = mode
        self._status = status
        self._items = items
        self._recorder = recorder
        self._beside = beside
        self._read_ahead: dict[ExistingAnnotation, MergedAnnotation] = {}
        self._in_campaign: set[int] = set()

    async def read_ahead(self, statements: Statements) -> None:
        """Merge shapes before the transaction, so that the write lock is not held meanwhile."""
        if self._mode is not ImportAnnotationMode.CONCATENATE:
            return
        pairs = await self._concatenated(statements, await self._existing(statements))
        self._read_ahead = await in_thread(_merge_all, pairs)

    async def write(
        self, database: Database, tx: Transaction, scope: VersionScope, now: int, *, alone: bool
    ) -> tuple[ImportedShapes, VersionChange]:
        """Apply the chunk.

        Args:
            database: The database of the transaction.
            tx: The transaction; it holds the lock of the version, or shares it and holds the stripes of the assets.
            scope: The version as the transaction has read it: it may have got a campaign since the call began.
            now: The time in milliseconds since 1970.
            alone: Whether it holds the version alone.

        Raises:
            NotFoundError: An asset does not exist; nothing was written.
            ReplacesError: Annotations are replaced, for which the version must be held alone; nothing was written.
        """
        self._scope = scope
        existing = await self._existing(tx)
        self._in_campaign = await assets_with_task(tx, self._scope, list(existing))
        fresh, kept, changed, dropped = self._plan(existing)
        records = self._recorder is not None and self._recorder.records
        if dropped and records and not alone:
            raise ReplacesError
        change = await touch_beside(database, tx, self._scope, annotations=len(fresh))
        delta = CounterDelta()
        numbers = dict(
            zip([item.asset for item in fresh], range(change.annotation, 1 << 31), strict=False)
        )
        if dropped and self._recorder is not None:
            await self._record(
                tx, self._recorder, dropped, fresh, numbers, change.annotation + len(fresh)
            )
        await self._drop(tx, dropped, delta)
        await self._add(database, tx, fresh, numbers, now, delta)
        await self._rewrite(database, tx, changed, delta)
        await delta.write_at_commit(tx, self._scope.bucket, self._scope.no)
        return self._result(numbers, kept, changed), change

    def _plan(
        self, existing: dict[int, list[ExistingAnnotation]]
    ) -> tuple[
        list[PreparedAnnotation],
        dict[int, ExistingAnnotation],
        list[tuple[ExistingAnnotation, PreparedAnnotation]],
        list[ExistingAnnotation],
    ]:
        """Return the items for new annotations, and the annotations to keep, to extend and to delete."""
        fresh: list[PreparedAnnotation] = []
        kept: dict[int, ExistingAnnotation] = {}
        changed: list[tuple[ExistingAnnotation, PreparedAnnotation]] = []
        dropped: list[ExistingAnnotation] = []
        for item in self._items:
            present = existing[item.asset]
            own = [annotation for annotation in present if annotation.account == self._account]
            if item.asset in self._in_campaign:
                continue
            if self._beside:
                fresh.append(item)
            elif self._mode is ImportAnnotationMode.KEEP and present:
                kept[item.asset] = present[-1]
            elif self._mode is ImportAnnotationMode.CONCATENATE and own:
                changed.append((own[-1], item))
            else:
                fresh.append(item)
                if self._mode is ImportAnnotationMode.REPLACE:
                    dropped += own
        return fresh, kept, changed, dropped

    def _result(
        self,
        numbers: dict[int, int],
        kept: dict[int, ExistingAnnotation],
        changed: list[tuple[ExistingAnnotation, PreparedAnnotation]],
    ) -> ImportedShapes:
        added = {item.asset: existing.no for existing, item in changed}
        result: ImportedShapes = []
        for item in self._items:
            if item.asset in self._in_campaign:
                continue
            if item.asset in kept:
                result.append((kept[item.asset].no, 0))
            else:
                no = numbers.get(item.asset) or added[item.asset]
                result.append((no, item.size))
        return result

    # --- rows ---------------------------------------------------------------------------------------------

    async def _existing(self, statements: Statements) -> dict[int, list[ExistingAnnotation]]:
        """Read the annotations of the asset of every item, oldest first; raises NotFoundError for a missing asset."""
        rows = await statements.fetch(
            "annotations.targets",
            assets=json_text([item.asset for item in self._items]),
            bucket=self._scope.bucket,
            version=self._scope.no,
        )
        found = {
            asset: [ExistingAnnotation(*row) for row in group if row[1] is not None]
            for asset, group in groupby(rows, key=_first)
        }
        for item in self._items:
            if item.asset not in found:
                asset_id = self._scope.ids(Kind.ASSET).text(item.asset)
                raise NotFoundError(
                    f"there is no asset {asset_id} in {self._scope.full_name}",
                    hint="nothing was imported",
                )
        return found

    async def _record(
        self,
        tx: Transaction,
        recorder: RemovalRecorder,
        dropped: list[ExistingAnnotation],
        fresh: list[PreparedAnnotation],
        numbers: dict[int, int],
        horizon: int,
    ) -> None:
        """Record the annotations that are replaced, and by what."""
        replaced = {existing.asset for existing in dropped}
        replacements = [
            Replacement(item.asset, numbers[item.asset], self._digest(item))
            for item in fresh
            if item.asset in replaced
        ]
        old = [existing.no for existing in dropped]
        await recorder.check_room(self._scope, "removals.size_of_numbers", old)
        await recorder.save_annotations(
            tx,
            self._scope,
            old,
            [existing.counts for existing in dropped],
            horizon=horizon,
            replacements=replacements,
        )

    def _digest(self, item: PreparedAnnotation) -> bytes:
        return digest_of(
            self._account,
            item.status or self._default_status,
            item.duration,
            item.packed_counts,
            item.blob,
            item.attributes_text,
        )

    @property
    def _default_status(self) -> str:
        return self._status or str(AnnotationStatus.PENDING)

    async def _drop(
        self, tx: Transaction, dropped: list[ExistingAnnotation], delta: CounterDelta
    ) -> None:
        if not dropped:
            return
        version = (self._scope.bucket, self._scope.no)
        await tx.insert_many(
            "annotations.drop", [(*version, existing.asset, existing.no) for existing in dropped]
        )
        await drop_contents(tx, self._scope, [existing.content for existing in dropped])
        for existing in dropped:
            delta.remove(unpack_counts(existing.counts), existing.asset)

    async def _add(
        self,
        database: Database,
        tx: Transaction,
        fresh: list[PreparedAnnotation],
        numbers: dict[int, int],
        now: int,
        delta: CounterDelta,
    ) -> None:
        stored = await store_blobs(database, tx, self._scope, [item.blob for item in fresh])
        default = self._default_status
        await tx.insert_many(
            "annotations.add",
            [
                (
                    self._scope.bucket,
                    self._scope.no,
                    item.asset,
                    numbers[item.asset],
                    self._account,
                    item.status or default,
                    now,
                    item.duration,
                    item.size,
                    item.packed_counts,
                    *blob,
                    item.attributes_text,
                )
                for item, blob in zip(fresh, stored, strict=True)
            ],
        )
        for item in fresh:
            delta.add(item.counts, item.asset)

    async def _rewrite(
        self,
        database: Database,
        tx: Transaction,
        changed: list[tuple[ExistingAnnotation, PreparedAnnotation]],
        delta: CounterDelta,
    ) -> None:
        if not changed:
            return
        late = [pair for pair in changed if pair[0] not in self._read_ahead]
        # Another call changed these since they were read ahead.
        merged_late = await in_thread(_merge_all, await self._with_blobs(tx, late)) if late else {}
        rewritten = [
            self._read_ahead.get(existing) or merged_late[existing] for existing, _ in changed
        ]
        await drop_contents(tx, self._scope, [existing.content for existing, _ in changed])
        stored = await store_blobs(database, tx, self._scope, [new.blob for new in rewritten])
        version = (self._scope.bucket, self._scope.no)
        await tx.insert_many(
            "annotations.rewrite",
            [
                (
                    item.status or self._status or existing.status,
                    new.size,
                    new.counts,
                    *blob,
                    new.attributes,
                    *version,
                    existing.asset,
                    existing.no,
                )
                for (existing, item), new, blob in zip(changed, rewritten, stored, strict=True)
            ],
        )
        for (existing, _), new in zip(changed, rewritten, strict=True):
            delta.remove(unpack_counts(existing.counts), existing.asset)
            delta.add(unpack_counts(new.counts), existing.asset)

    # --- merging shapes -----------------------------------------------------------------------------------

    async def _concatenated(
        self, statements: Statements, existing: dict[int, list[ExistingAnnotation]]
    ) -> list[tuple[ExistingAnnotation, bytes, PreparedAnnotation]]:
        _, _, changed, _ = self._plan(existing)
        return await self._with_blobs(statements, changed)

    async def _with_blobs(
        self, statements: Statements, changed: list[tuple[ExistingAnnotation, PreparedAnnotation]]
    ) -> list[tuple[ExistingAnnotation, bytes, PreparedAnnotation]]:
        contents = [existing.content for existing, _ in changed if existing.content is not None]
        blobs: dict[Any, bytes] = dict(await read_contents(statements, self._scope, contents))
        return [
            (
                existing,
                existing.shapes if existing.shapes is not None else blobs[existing.content],
                item,
            )
            for existing, item in changed
            if existing.shapes is not None or existing.content in blobs
        ]


def _first(row: Row) -> int:
    return int(row[0])


def _merge_all(
    pairs: list[tuple[ExistingAnnotation, bytes, PreparedAnnotation]],
) -> dict[ExistingAnnotation, MergedAnnotation]:
    """Merge items into existing annotations, each given with its blob."""
    joined = [
        append_shapes(old, item.shapes, apart=True)
        for old, (_, _, item) in zip(
            unpack_page([blob for _, blob, _ in pairs]), pairs, strict=True
        )
    ]
    return {
        existing: _merged(existing, item, shapes, blob)
        for (existing, _, item), shapes, blob in zip(pairs, joined, pack_page(joined), strict=True)
    }


def _merged(
    existing: ExistingAnnotation, item: PreparedAnnotation, shapes: Shapes, blob: bytes
) -> MergedAnnotation:
    attributes = existing.attributes
    if item.attributes:
        old: dict[str, Any] = msgspec.json.decode(attributes) if attributes else {}
        attributes = msgspec.json.encode(old | item.attributes).decode()
    counts = shapes.label_counts()
    return MergedAnnotation(blob, pack_counts(counts), counts.total(), attributes)
