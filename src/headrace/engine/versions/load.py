"""Load annotations with their shapes page by page, in the platform's order: newest first."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import TypeVar
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.paging import CursorListing, batched
from headrace.errors import HeadraceError
from headrace.garbage import collector_paused
from headrace.model.columns import PLURALS
from headrace.model.enums import AnnotationStatus
from headrace.model.records import VersionStats
from headrace.platform.annotations.encode import encode_annotations
from headrace.protocol.operations.annotations import (
    ANNOTATION_IDS,
    LOAD_ANNOTATIONS,
    LOAD_PACKED,
    AnnotationIds,
    LoadAnnotations,
    LoadedAnnotation,
    LoadPacked,
    PackedAnnotation,
    PackedAnnotations,
    ShapeOut,
)
from headrace.protocol.operations.assets import LIST_ASSETS, ListAssets
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.tasks import map_bounded
from headrace.threads import in_thread

log = logging.getLogger("headrace.engine")

T = TypeVar("T")

Loaded = list[LoadedAnnotation]
Page = Loaded | PackedAnnotations
"""Annotations as a platform sends them: headrace packs them, where both sides know the format."""


def shapes_of(annotation: LoadedAnnotation) -> Iterator[ShapeOut]:
    """Yield the shapes of all kinds. The rings of one object are separate polygons."""
    for kind in PLURALS.values():
        yield from getattr(annotation, kind)


def count_shapes(annotation: LoadedAnnotation) -> int:
    """Return the number of shapes of an annotation; the rings of one object count once."""
    rings = [each.instance for each in annotation.polygons if each.instance is not None]
    shapes = sum(len(getattr(annotation, kind)) for kind in PLURALS.values())
    return shapes - len(rings) + len(set(rings))


def count_labels(annotation: LoadedAnnotation) -> Counter[str]:
    """Return the number of shapes of each label of an annotation; the rings of one object count once."""
    counts = Counter(shape.label for shape in shapes_of(annotation))
    met: set[int] = set()
    for ring in annotation.polygons:
        if ring.instance is not None:
            counts[ring.label] -= ring.instance in met
            met.add(ring.instance)
    return counts


def annotations_in(page: Page) -> Sequence[LoadedAnnotation | PackedAnnotation]:
    """Return the annotations of a page as they are."""
    return page if isinstance(page, list) else page.annotations


def as_loaded(page: Page) -> Loaded:
    """Return a page as records."""
    if isinstance(page, list):
        return page
    with collector_paused():
        return encode_annotations(page)


def as_views(page: Page) -> Loaded:
    """Return a page as records; points of polygons that came packed are made when they are first read."""
    if isinstance(page, list):
        return page
    with collector_paused():
        return encode_annotations(page, lazy=True)


async def annotations_of_version(
    backend: Backend,
    version_id: UUID,
    convert: Callable[[Page], list[T]],
    *,
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
    asset_ids: Sequence[UUID] | None = None,
    chunk_size: int | None = None,
    max_workers: int | None = None,
    skip_error: bool = False,
) -> AsyncIterator[list[T]]:
    """Yield all annotations of a version, or those of some assets.

    All ids are held in memory, but only ``max_workers`` pages of annotations.

    Args:
        backend: Backend of the version.
        version_id: The version.
        convert: Called in a thread with each page, such as :func:`as_loaded`.
        status: Only annotations with this status.
        worker_id: Only annotations of this user.
        asset_ids: Only annotations of these assets.
        chunk_size: Annotations per call. Default: as many as the platform allows.
        max_workers: Number of concurrent calls. Default: the backend's limit.
        skip_error: Log a call that fails and leave out its annotations, instead of raising.
    """
    if asset_ids is None:
        request = AnnotationIds(version_id=version_id, status=status, worker_id=worker_id)
        ids = await backend.call(ANNOTATION_IDS, request)
    else:
        ids = await ids_of_assets(backend, version_id, asset_ids, status, worker_id)
    pages = annotations_of_ids(
        backend,
        version_id,
        ids,
        convert,
        chunk_size=chunk_size,
        max_workers=max_workers,
        skip_error=skip_error,
    )
    async for page in pages:
        yield page


async def annotations_of_ids(
    backend: Backend,
    version_id: UUID,
    ids: Sequence[UUID],
    convert: Callable[[Page], list[T]],
    *,
    chunk_size: int | None = None,
    max_workers: int | None = None,
    skip_error: bool = False,
) -> AsyncIterator[list[T]]:
    """Yield annotations by id, in pages that keep the order of the ids; see :func:`annotations_of_version`."""
    workers = max_workers or backend.limits.concurrency
    size = max(1, min(chunk_size or PAGE_SIZE, backend.limits.load_annotations))

    async def load(piece: list[UUID]) -> list[T]:
        try:
            return await in_thread(convert, await page_of_ids(backend, version_id, piece))
        except HeadraceError as error:
            if not skip_error:
                raise
            log.warning("%d annotations were not loaded: %s", len(piece), error)
            return []

    for window in batched(batched(ids, size), workers):
        for page in await map_bounded(load, window, concurrency=workers):
            yield page


async def page_of_ids(backend: Backend, version_id: UUID, ids: list[UUID]) -> Page:
    """Return annotations by id, packed where the platform sends them so."""
    if backend.limits.blobs:
        return await backend.call(LOAD_PACKED, LoadPacked(version_id=version_id, ids=ids))
    return await backend.call(LOAD_ANNOTATIONS, LoadAnnotations(version_id=version_id, ids=ids))


async def annotations_of_assets(
    backend: Backend,
    version_id: UUID,
    *,
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
    asset_ids: Sequence[UUID] | None = None,
) -> AsyncIterator[Loaded]:
    """Yield annotations in the order of their assets, newest first on each, with one page of assets in memory.

    Points of polygons are made when they are first read.
    """
    async for ids in _asset_pages(backend, version_id, asset_ids):
        page = await page_of_assets(backend, version_id, ids, status, worker_id)
        yield await in_thread(as_views, page)


async def stats_of_assets(
    backend: Backend, version_id: UUID, asset_ids: Sequence[UUID]
) -> VersionStats:
    """Count the annotations and shapes of some assets, with one page of annotations in memory."""
    labels: Counter[str] = Counter()
    annotations = 0
    async for page in annotations_of_assets(backend, version_id, asset_ids=asset_ids):
        annotations += len(page)
        for annotation in page:
            labels.update(count_labels(annotation))
    return VersionStats(
        label_repartition=dict(labels),
        nb_objects=labels.total(),
        nb_annotations=annotations,
        nb_assets=len(asset_ids),
    )


async def load_page(
    backend: Backend,
    version_id: UUID,
    asset_ids: Sequence[UUID],
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
) -> Loaded:
    """Return all annotations of some assets, in the order of the assets, newest first on each."""
    page = await page_of_assets(backend, version_id, asset_ids, status, worker_id)
    return await in_thread(as_loaded, page)


async def page_of_assets(
    backend: Backend,
    version_id: UUID,
    asset_ids: Sequence[UUID],
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
    *,
    newest: bool = False,
) -> Page:
    """Return the annotations of some assets, in the order of the assets, newest first on each.

    Args:
        backend: Backend of the version.
        version_id: The version.
        asset_ids: The assets.
        status: Only annotations with this status.
        worker_id: Only annotations of this user.
        newest: Only the newest annotation of each asset.
    """
    if backend.limits.blobs:
        request = LoadPacked(
            version_id=version_id,
            asset_ids=list(asset_ids),
            status=status,
            worker_id=worker_id,
            newest=newest,
        )
        return await backend.call(LOAD_PACKED, request)
    found: dict[str, Loaded] = {}
    async for page in annotations_of_version(
        backend, version_id, as_loaded, status=status, worker_id=worker_id, asset_ids=asset_ids
    ):
        for annotation in page:
            found.setdefault(annotation.asset_id, []).append(annotation)
    most = 1 if newest else None
    return [annotation for asset in asset_ids for annotation in found.get(str(asset), ())[:most]]


async def ids_of_assets(
    backend: Backend,
    version_id: UUID,
    asset_ids: Sequence[UUID],
    status: AnnotationStatus | None = None,
    worker_id: UUID | None = None,
) -> list[UUID]:
    """Return the ids of the annotations of some assets."""

    async def ask(piece: list[UUID]) -> list[UUID]:
        request = AnnotationIds(
            version_id=version_id, status=status, worker_id=worker_id, asset_ids=piece
        )
        return await backend.call(ANNOTATION_IDS, request)

    limits = backend.limits
    asked = list(batched(asset_ids, limits.asset_ids))
    answers = await map_bounded(ask, asked, concurrency=limits.concurrency) if asked else []
    return [annotation for answer in answers for annotation in answer]


async def _asset_pages(
    backend: Backend, version_id: UUID, asset_ids: Sequence[UUID] | None
) -> AsyncIterator[list[UUID]]:
    if asset_ids is not None:
        for piece in batched(asset_ids, PAGE_SIZE):
            yield piece
        return
    listing = CursorListing(backend, LIST_ASSETS, ListAssets(version_id=version_id))
    async for page in listing.pages():
        yield [asset.id for asset in page]
