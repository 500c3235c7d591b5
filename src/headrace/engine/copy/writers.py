"""Write annotations into the version of a target: on headrace in bulk, on other platforms as their calls allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.copy import items
from headrace.engine.copy.fit import Fitted, bulk_kinds
from headrace.engine.paging import batched
from headrace.errors import LockedError, RequestTooLargeError
from headrace.model.enums import AnnotationStatus, ImportAnnotationMode
from headrace.protocol.operations.annotating import (
    CREATE_ANNOTATION,
    DELETE_ANNOTATIONS,
    FIND_ANNOTATION,
    UPDATE_ANNOTATION,
    CreateAnnotation,
    DeleteAnnotations,
    FindAnnotation,
    UpdateAnnotation,
)
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    ImportAnnotations,
    ImportItem,
    LoadedAnnotation,
)
from headrace.protocol.operations.shapes import (
    CLASSIFICATIONS,
    LINES,
    MASKS,
    POINTS,
    POLYGONS,
    RECTANGLES,
    CreateClassifications,
    CreateLines,
    CreateMasks,
    CreatePoints,
    CreatePolygons,
    CreateRectangles,
    EditableShapeOperations,
)
from headrace.tasks import map_bounded

CALL_BYTES = 2 << 20
"""Size of the annotations of one call, in bytes; more are sent in several calls."""


class Write(Struct, frozen=True):
    """An annotation to write. ``beside`` says that its asset has others already, or gets them before."""

    asset_id: UUID
    fitted: Fitted
    beside: bool = False


class Writer(Protocol):
    """Writes annotations into one version."""

    async def write(self, writes: Sequence[Write]) -> None:
        """Write annotations; those of one asset in their order."""
        ...


def writer_of(backend: Backend, version_id: UUID, labels: Mapping[str, str]) -> Writer:
    """Return the writer for a version.

    Args:
        backend: Backend of the version.
        version_id: The version.
        labels: Ids of its labels by name.
    """
    kind = HeadraceWriter if backend.limits.extensions else PlainWriter
    return kind(backend, version_id, labels)


async def delete_annotations(
    backend: Backend, version_id: UUID, going: Mapping[UUID, Sequence[UUID]]
) -> None:
    """Delete annotations, given by asset. On headrace they can be brought back."""
    assets = [str(asset) for asset, ids in going.items() if ids]
    if assets:
        request = DeleteAnnotations(
            version_id=version_id,
            asset_ids=assets,
            annotation_ids=[each for ids in going.values() for each in ids],
        )
        await backend.call(DELETE_ANNOTATIONS, request)


class HeadraceWriter:
    """Writes with the bulk import of headrace, which keeps owner, status and duration of each annotation."""

    def __init__(self, backend: Backend, version_id: UUID, labels: Mapping[str, str]) -> None:
        self._backend = backend
        self._version_id = version_id
        self._labels = labels

    async def write(self, writes: Sequence[Write]) -> None:
        """Write annotations; those of one asset in their order."""
        for several in _rounds(writes):
            by_owner: dict[str | None, list[Write]] = {}
            for each in several:
                by_owner.setdefault(each.fitted.annotation.worker_id, []).append(each)
            for owner, owned in by_owner.items():
                for piece in _pieces(self._items(owned), self._backend.limits.import_assets):
                    await self._send(owner, piece)

    def _items(self, writes: Sequence[Write]) -> list[ImportItem]:
        return [
            items.import_item(each.fitted.annotation, str(each.asset_id), self._labels)
            for each in writes
        ]

    async def _send(self, owner: str | None, piece: list[ImportItem]) -> None:
        request = ImportAnnotations(
            version_id=self._version_id,
            import_type=ImportAnnotationMode.CONCATENATE,
            annotations=piece,
            worker_id=UUID(owner) if owner else None,
            beside=True,
        )
        try:
            _check(await self._backend.call(IMPORT_ANNOTATIONS, request), piece)
        except RequestTooLargeError:
            if len(piece) < 2:
                raise
            half = len(piece) // 2
            await self._send(owner, piece[:half])
            await self._send(owner, piece[half:])


class PlainWriter:
    """Writes with the calls of the official client.

    The bulk import makes the first annotation of an asset, which may have everything but lines and points; those are
    added. It cannot make a second one: that is created empty, and its shapes are added kind by kind.
    """

    def __init__(self, backend: Backend, version_id: UUID, labels: Mapping[str, str]) -> None:
        self._backend = backend
        self._version_id = version_id
        self._labels = labels

    async def write(self, writes: Sequence[Write]) -> None:
        """Write annotations; those of one asset in their order."""
        for several in _rounds(writes):
            bulk = [each for each in several if not each.beside]
            by_status: dict[AnnotationStatus, list[Write]] = {}
            for each in bulk:
                by_status.setdefault(each.fitted.annotation.status, []).append(each)
            for status, alike in by_status.items():
                made = [self._bulk_item(each) for each in alike]
                for piece in _pieces(made, self._backend.limits.import_assets):
                    await self._send(status, piece)
            await self._each(self._complete, bulk)
            await self._each(self._create, [each for each in several if each.beside])

    async def _each(self, work: Any, writes: Sequence[Write]) -> None:
        if writes:
            await map_bounded(work, writes, concurrency=self._backend.limits.concurrency)

    def _bulk_item(self, write: Write) -> ImportItem:
        item = items.import_item(write.fitted.annotation, str(write.asset_id), self._labels)
        item.lines, item.points = [], []
        item.status = item.duration = None
        return item

    async def _send(self, status: AnnotationStatus, piece: list[ImportItem]) -> None:
        request = ImportAnnotations(
            version_id=self._version_id,
            # Should an asset have got an annotation meanwhile, it stays as it is.
            import_type=ImportAnnotationMode.KEEP,
            annotations=piece,
            status=status,
        )
        try:
            _check(await self._backend.call(IMPORT_ANNOTATIONS, request), piece)
        except RequestTooLargeError:
            if len(piece) < 2:
                raise
            half = len(piece) // 2
            await self._send(status, piece[:half])
            await self._send(status, piece[half:])

    async def _complete(self, write: Write) -> None:
        """Add what the bulk import does not take: lines, points and the duration."""
        annotation = write.fitted.annotation
        if not (annotation.lines or annotation.points or annotation.duration):
            return
        found = await self._backend.call(FIND_ANNOTATION, FindAnnotation(asset_id=write.asset_id))
        await self._add_shapes(found.id, annotation, bulk=False)
        if annotation.duration:
            request = UpdateAnnotation(annotation_id=found.id, duration=annotation.duration)
            await self._backend.call(UPDATE_ANNOTATION, request)

    async def _create(self, write: Write) -> None:
        annotation = write.fitted.annotation
        made = await self._backend.call(
            CREATE_ANNOTATION,
            CreateAnnotation(asset_id=write.asset_id, duration=annotation.duration),
        )
        await self._add_shapes(made.id, annotation, bulk=True)
        if annotation.status is not AnnotationStatus.PENDING:
            request = UpdateAnnotation(annotation_id=made.id, status=annotation.status)
            await self._backend.call(UPDATE_ANNOTATION, request)

    async def _add_shapes(self, id: UUID, annotation: LoadedAnnotation, *, bulk: bool) -> None:
        labels = self._labels
        await self._add(LINES, CreateLines(annotation_id=id, lines=items.lines(annotation, labels)))
        await self._add(
            POINTS, CreatePoints(annotation_id=id, points=items.points(annotation, labels))
        )
        if bulk and bulk_kinds(annotation):
            await self._add(
                RECTANGLES,
                CreateRectangles(annotation_id=id, rectangles=items.rectangles(annotation, labels)),
            )
            await self._add(
                POLYGONS,
                CreatePolygons(annotation_id=id, polygons=items.polygons(annotation, labels)),
            )
            made = items.classifications(annotation, labels)
            await self._add(
                CLASSIFICATIONS, CreateClassifications(annotation_id=id, classifications=made)
            )
            await self._add(
                MASKS, CreateMasks(annotation_id=id, masks=items.masks(annotation, labels))
            )

    async def _add(self, kind: Any, request: Any) -> None:
        """Create shapes of one kind without their texts, and then set the texts."""
        shapes = getattr(request, kind.plural)
        if not shapes:
            return
        texts = [shape.text for shape in shapes]
        for shape in shapes:
            shape.text = shape.attributes = None
        answer = await self._backend.call(kind.create, request)
        if isinstance(kind, EditableShapeOperations):
            records = getattr(answer, kind.plural)
            for record, text in zip(records, texts, strict=True):
                if text:
                    update = kind.update.request(shape_id=record.id, text=text)
                    await self._backend.call(kind.update, update)


def _check(written: dict[str, int], piece: Sequence[ImportItem]) -> None:
    """Raise LockedError where an import has left out assets: those in a campaign."""
    left_out = len(piece) - len(written)
    if left_out > 0:
        raise LockedError(
            f"{left_out:,} of {len(piece):,} assets take no annotations: they are in an annotation campaign",
            hint="close the campaign of the target, or copy into another version",
        )


def _rounds(writes: Sequence[Write]) -> Iterator[list[Write]]:
    """Yield the first annotation of each asset, then the second ones, and so on."""
    left = list(writes)
    while left:
        now = {each.asset_id: each for each in reversed(left)}
        several = list(reversed(now.values()))
        yield several
        first = {id(each) for each in several}
        left = [each for each in left if id(each) not in first]


def _pieces(made: Sequence[ImportItem], most: int) -> Iterator[list[ImportItem]]:
    """Yield items in calls of at most ``most`` items and about 2 MiB."""
    for several in batched(made, most):
        piece: list[ImportItem] = []
        held = 0
        for item in several:
            size = len(msgspec.json.encode(item))
            if piece and held + size > CALL_BYTES:
                yield piece
                piece, held = [], 0
            piece.append(item)
            held += size
        yield piece
