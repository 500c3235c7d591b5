"""Put back what a client has recorded. Assets and annotations get new ids, for other platforms give them out."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from uuid import UUID

import msgspec
from msgspec import Struct, field

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing
from headrace.engine.undo.foreign.save import PAGE, digest_of, note_written, save_removal
from headrace.engine.undo.foreign.store import (
    LocalRemoval,
    RemovalStore,
    RemovedItem,
    WrittenNote,
)
from headrace.engine.versions.bulk_import import bulk_import
from headrace.engine.versions.jobs import add_data, wait_for
from headrace.engine.versions.load import count_shapes, load_page, shapes_of
from headrace.errors import APIError, ConflictError, NotFoundError
from headrace.model.columns import PLURALS
from headrace.model.enums import ImportAnnotationMode
from headrace.model.records import AssetRecord, UndoConflict, UndoRecord
from headrace.protocol.operations.annotations import (
    ImportAnnotations,
    ImportItem,
    LoadedAnnotation,
)
from headrace.protocol.operations.assets import LIST_ASSETS_BY_KEY, ListAssetsByKey
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.protocol.operations.labels import LIST_LABELS, ListLabels
from headrace.protocol.operations.tags import (
    ATTACH_TAG,
    CREATE_ASSET_TAG,
    LIST_ASSET_TAGS,
    AssetTagName,
    ListAssetTags,
    TagTargets,
)
from headrace.threads import in_thread

CONFLICTS_KEPT = 1000
"""Maximum number of conflicts that a report lists; all are counted."""


async def restore(
    backend: Backend, store: RemovalStore, removal: LocalRemoval, *, dry_run: bool, undo: bool
) -> UndoRecord:
    """Put back what a removal took away; see ``engine/undo/run.py``."""
    try:
        await backend.call(GET_VERSION, VersionId(version_id=removal.version_id))
    except NotFoundError:
        raise ConflictError(
            f"version {removal.version} was deleted", hint="another platform cannot bring it back"
        ) from None
    restorer = _Restorer(backend, store, removal, dry_run=dry_run, undo=undo)
    await restorer.prepare()
    items = store.items(removal)
    while page := await in_thread(_page, items):
        await restorer.restore(page)
    if not dry_run:
        removal.undone_at = time.time()
        await in_thread(store.commit, removal)
    return restorer.record()


class _Planned(Struct):
    """An annotation to put back on an asset, and the annotations that give way to it."""

    asset_id: UUID
    annotation: LoadedAnnotation
    gives_way: list[LoadedAnnotation] = field(default_factory=list)


class _Restorer:
    """Puts pages of items back, and counts."""

    def __init__(
        self,
        backend: Backend,
        store: RemovalStore,
        removal: LocalRemoval,
        *,
        dry_run: bool,
        undo: bool,
    ) -> None:
        self._backend = backend
        self._store = store
        self._removal = removal
        self._version_id = removal.version_id
        self._dry_run = dry_run
        self._undo = undo
        self._labels: dict[str, str] = {}
        self._digests: dict[str, str] = {}
        self._restored: set[str] = set()
        self._again: LocalRemoval | None = None
        self._assets = self._annotations = self._shapes = self._present = self._replaced = 0
        self._conflicts: list[UndoConflict] = []
        self._conflict_count = 0

    async def prepare(self) -> None:
        """Read the labels of the version, and the notes on what was written since."""
        found = await self._backend.call(LIST_LABELS, ListLabels(version_id=self._version_id))
        self._labels = {label.name: str(label.id) for label in found.items}
        for note in await in_thread(lambda: list(self._store.notes(self._removal))):
            if note.restored:
                self._restored.add(note.annotation_id)
            else:
                self._digests[note.annotation_id] = note.digest

    def record(self) -> UndoRecord:
        """Return what was done."""
        return UndoRecord(
            version=self._removal.version,
            assets=self._assets,
            annotations=self._annotations,
            shapes=self._shapes,
            present=self._present,
            replaced=self._replaced,
            removal_id=None if self._again is None else self._again.id,
            conflicts=self._conflicts,
            conflict_count=self._conflict_count,
        )

    async def restore(self, items: list[RemovedItem]) -> None:
        """Put one page back."""
        targets = await self._restore_assets(items)
        planned = await self._plan(items, targets)
        self._annotations += len(planned)
        self._shapes += sum(count_shapes(each.annotation) for each in planned)
        giving_way = [each for one in planned for each in one.gives_way]
        self._replaced += len(giving_way)
        if self._dry_run or not planned:
            return
        assets = [each.asset_id for each in planned if each.gives_way]
        if giving_way and self._undo:
            self._again = await save_removal(
                self._backend,
                self._version_id,
                "undo",
                assets,
                removed=False,
                only=frozenset(UUID(each.id) for each in giving_way if each.id is not None),
                removal_id=None if self._again is None else self._again.id,
            )
        await self._send(planned)
        notes = [
            WrittenNote(annotation_id=each.annotation.id, restored=True)
            for each in planned
            if each.annotation.id is not None
        ]
        await in_thread(self._store.note, self._removal, notes)
        if self._again is not None and assets:
            await note_written(self._backend, self._again, assets)

    # --- assets -------------------------------------------------------------------------------------------

    async def _restore_assets(self, items: list[RemovedItem]) -> dict[UUID, UUID]:
        """Return the current assets by the old ids; those that were removed are added again."""
        targets: dict[UUID, UUID] = {}
        stayed = [item for item in items if not item.removed]
        there = {asset.id for asset in await self._listed("ids", [i.asset_id for i in stayed])}
        for item in stayed:
            if item.asset_id in there:
                targets[item.asset_id] = item.asset_id
            elif item.annotations:
                self._conflict(item, "the asset is no longer in the version")
        gone = [item for item in items if item.removed]
        by_data = await self._by_data(gone)
        missing = [item for item in gone if item.data_id not in by_data]
        self._present += len(gone) - len(missing)
        if self._dry_run:
            self._assets += len(missing)
            return targets | {
                item.asset_id: by_data.get(item.data_id, item.asset_id) for item in gone
            }
        await self._add(missing)
        by_data = await self._by_data(gone)
        back = [item for item in missing if item.data_id in by_data]
        self._assets += len(back)
        await self._attach_tags(back, by_data)
        return targets | {
            item.asset_id: by_data[item.data_id] for item in gone if item.data_id in by_data
        }

    async def _by_data(self, items: list[RemovedItem]) -> dict[UUID, UUID]:
        found = await self._listed("data_ids", [item.data_id for item in items])
        return {asset.data.id: asset.id for asset in found}

    async def _listed(self, field: str, keys: list[UUID]) -> list[AssetRecord]:
        if not keys:
            return []
        query = ListAssetsByKey(version_id=self._version_id)
        listed = KeyListing(self._backend, LIST_ASSETS_BY_KEY, query, field, keys)
        return [asset async for page in listed.pages() for asset in page]

    async def _add(self, items: list[RemovedItem]) -> None:
        """Add the data of items; where the platform refuses, one by one, so that the rest comes back."""
        if not items:
            return
        try:
            ids = [item.data_id for item in items]
            for job in await add_data(self._backend, self._version_id, ids):
                await wait_for(self._backend, job)
        except APIError as error:
            if len(items) == 1:
                self._conflict(items[0], f"it cannot be added: {error.message}")
                return
            for item in items:
                await self._add([item])

    async def _attach_tags(self, items: list[RemovedItem], by_data: dict[UUID, UUID]) -> None:
        wanted: dict[str, list[UUID]] = defaultdict(list)
        for item in items:
            for name in item.tags:
                wanted[name].append(by_data[item.data_id])
        if not wanted:
            return
        request = ListAssetTags(version_id=self._version_id)
        found = (await self._backend.call(LIST_ASSET_TAGS, request)).items
        tags = {tag.name: tag.id for tag in found}
        for name, assets in wanted.items():
            if name not in tags:
                create = AssetTagName(version_id=self._version_id, name=name)
                tags[name] = (await self._backend.call(CREATE_ASSET_TAG, create)).id
            await self._backend.call(ATTACH_TAG, TagTargets(tag_id=tags[name], ids=assets))

    # --- annotations --------------------------------------------------------------------------------------

    async def _plan(self, items: list[RemovedItem], targets: dict[UUID, UUID]) -> list[_Planned]:
        assets = list(dict.fromkeys(targets.values()))
        existing: dict[str, list[LoadedAnnotation]] = defaultdict(list)
        for annotation in await load_page(self._backend, self._version_id, assets):
            existing[annotation.asset_id].append(annotation)
        planned = []
        for item in items:
            target = targets.get(item.asset_id)
            if target is None:
                continue
            for annotation in item.annotations:
                one = self._planned(item, target, annotation, existing[str(target)])
                if one is not None:
                    planned.append(one)
        return planned

    def _planned(
        self,
        item: RemovedItem,
        target: UUID,
        annotation: LoadedAnnotation,
        existing: list[LoadedAnnotation],
    ) -> _Planned | None:
        own = [each for each in existing if each.worker_id == annotation.worker_id]
        put_back = annotation.id in self._restored and own
        if put_back or any(each.id == annotation.id for each in existing):
            self._present += 1
            return None
        unchanged = [each for each in own if self._digests.get(each.id or "") == digest_of(each)]
        if len(unchanged) < len(own):
            self._conflict(item, "it has a newer annotation of the same user")
            return None
        unknown = {each.label for each in shapes_of(annotation)} - self._labels.keys()
        if unknown:
            why = f"the label {min(unknown)!r} was deleted since; create it again and undo again"
            self._conflict(item, why)
            return None
        return _Planned(target, annotation, unchanged)

    async def _send(self, planned: list[_Planned]) -> None:
        """Import annotations, by status, and those that replace others apart from those that do not."""
        groups: dict[tuple[str, bool], list[_Planned]] = defaultdict(list)
        for each in planned:
            groups[str(each.annotation.status), bool(each.gives_way)].append(each)
        for (_, replaces), group in groups.items():
            mode = ImportAnnotationMode.REPLACE if replaces else ImportAnnotationMode.CONCATENATE
            left = group
            while left:
                # One annotation of an asset in a call.
                now = list({each.asset_id: each for each in reversed(left)}.values())
                now = now[: self._backend.limits.import_assets]
                left = [each for each in left if not any(each is one for one in now)]
                request = ImportAnnotations(
                    version_id=self._version_id,
                    import_type=mode,
                    annotations=[self._item(each) for each in now],
                    status=now[0].annotation.status,
                )
                await bulk_import(self._backend, request)

    def _item(self, planned: _Planned) -> ImportItem:
        annotation = planned.annotation
        fields: dict[str, object] = {
            kind: [self._shape(msgspec.to_builtins(shape)) for shape in getattr(annotation, kind)]
            for kind in PLURALS.values()
        }
        fields |= {"asset_id": str(planned.asset_id), "attributes": annotation.attributes}
        item = msgspec.convert(fields, ImportItem)
        for box in item.rectangles:
            # The record has floats, and platforms take whole numbers only.
            box.x, box.y, box.w, box.h = map(_whole, (box.x, box.y, box.w, box.h))
        return item

    def _shape(self, shape: dict[str, object]) -> dict[str, object]:
        label = self._labels[str(shape["label"])]
        kept = {name: shape[name] for name in shape if name not in ("label", "area", "bbox")}
        return kept | {"label_id": label}

    def _conflict(self, item: RemovedItem, why: str) -> None:
        self._conflict_count += 1
        if len(self._conflicts) < CONFLICTS_KEPT:
            self._conflicts.append(UndoConflict(subject=item.filename, why=why))


def _whole(value: float) -> float:
    return int(value) if value == int(value) else value


def _page(items: Iterator[RemovedItem]) -> list[RemovedItem]:
    return list(islice(items, PAGE))
