"""One living thing of every kind in one organization, and calls of another one with these ids in the place of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.backend.base import SmallUpload, UploadedFile
from headrace.backend.local import LocalBackend, LocalFile, LocalUpload
from headrace.errors import APIError, HeadraceError, NotFoundError
from headrace.model.enums import TagTarget
from headrace.model.ids import InvalidIdError, Kind, decode, decode_shape
from headrace.model.records import DataRecord, Items
from headrace.platform.processings.programs import Program
from headrace.platform.processings.registry import register_processing
from headrace.protocol.operation import Operation, P, R
from headrace.protocol.operations import (
    OPERATIONS,
    annotating,
    assets,
    datalake,
    datasets,
    labels,
    shapes,
    tags,
    undo,
)
from headrace.protocol.operations import annotations as wire
from tests.support.lakes.campaigns import campaign, user_ids
from tests.support.lakes.stocked_lake import Stocked
from tests.support.storage import tables_of

Swap = tuple[str, Any]

NOT_FOUND = "not found"


class Owned(Struct):
    """Ids by kind, and those of shapes by the word for them."""

    ids: dict[Kind, list[UUID]]
    shapes: dict[str, UUID]

    def like(self, operation: str, id: UUID) -> list[UUID]:
        """The ids of the same kind as another organization's."""
        try:
            return self.ids[decode(id).kind]
        except InvalidIdError:
            pass
        try:
            decode_shape(id)
        except InvalidIdError:
            return []
        return [self.shapes[operation.rpartition("_")[2]]]

    def swaps(self, operation: str, value: Any, place: str = "") -> Iterator[Swap]:
        """The value with one id in it exchanged, and where; once for every place and every id that fits."""
        if isinstance(value, Struct):
            for name in value.__struct_fields__:
                if name == "upload_id":
                    # Drawn at random by the object store: one in a few hundred looks like the id of a shape.
                    continue
                for where, other in self.swaps(operation, getattr(value, name), name):
                    inner = f"{place}.{where}" if place else where
                    yield inner, msgspec.structs.replace(value, **{name: other})
        elif isinstance(value, list) and value:
            for where, other in self.swaps(operation, value[0], place):
                yield where, [other]
        elif isinstance(value, UUID | str):
            found = _as_id(value)
            if found is not None:
                for other in self.like(operation, found):
                    yield place, type(value)(str(other))


class Swapping:
    """A backend that tries every call with the ids of somebody else before it makes it; ``seen`` is what came of it.

    Of a call that is refused anyway only that they are not found is told: what else came may be for the same reason.
    """

    def __init__(self, backend: LocalBackend, owned: Owned) -> None:
        self.name = backend.name
        self.limits = backend.limits
        self._backend = backend
        self._owned = owned
        self.seen: dict[tuple[str, str], set[str]] = {}

    async def call(self, operation: Operation[P, R], request: P, /) -> R:
        """Answer one operation."""
        came = [
            (place, await self._try(operation, swapped))
            for place, swapped in self._owned.swaps(operation.name, request)
        ]
        try:
            return await self._backend.call(operation, request)
        except APIError:
            came = [(place, outcome) for place, outcome in came if outcome == NOT_FOUND]
            raise
        finally:
            for place, outcome in came:
                self.seen.setdefault((operation.name, place), set()).add(outcome)

    async def _try(self, operation: Operation[P, R], request: P) -> str:
        try:
            answer = await self._backend.call(operation, request)
        except NotFoundError:
            return NOT_FOUND
        except APIError as error:
            return f"{error.status} {error}"
        # Of many that are registered at once each is answered for itself.
        if operation.name == "register_many_data" and isinstance(answer, Items):
            refusal = answer.items[0].refusal
            return NOT_FOUND if refusal.status == 404 else f"{refusal.status} {refusal.message}"
        return "answered"

    def file(self, data: DataRecord, /) -> LocalFile:
        """The file of a data."""
        return self._backend.file(data)

    def upload(
        self, path: Path, /, *, connector_id: UUID
    ) -> AbstractAsyncContextManager[LocalUpload]:
        """Take a local file to be sent."""
        return self._backend.upload(path, connector_id=connector_id)

    async def upload_many(
        self, parcels: Sequence[SmallUpload], /, *, connector_id: UUID, workers: int
    ) -> list[UploadedFile | HeadraceError | OSError]:
        """Send small files."""
        return await self._backend.upload_many(parcels, connector_id=connector_id, workers=workers)

    async def aclose(self) -> None:
        """Close the lake."""
        await self._backend.aclose()


def with_ids() -> set[str]:
    """The operations that have an id in their path."""
    return {operation.name for operation in OPERATIONS.values() if operation.path_fields}


async def stock(lake: Stocked, folder: Path) -> Owned:
    """Fill an organization with one thing of every kind."""
    filled = await lake.filled(3)
    version, organization = {"version_id": filled.id}, lake.access.organization_id
    found = await lake.call(datasets.GET_VERSION, **version)
    place = await lake.call(datalake.FIND_DATALAKE, organization_id=organization)
    source = await lake.call(datalake.CREATE_SOURCE, organization_id=organization, name="theirs")
    group = await lake.call(labels.CREATE_LABEL_GROUP, name="theirs", **version)
    asset = {"asset_id": UUID(filled.assets[0])}
    annotation = await lake.call(annotating.CREATE_ANNOTATION, **asset)
    drawn = await _drawn(lake, annotation.id, filled.labels["a"])
    run = await campaign(lake, filled.id)
    step = await run.step("draw")
    launched = await run.launch()
    added = await lake.call(assets.ADD_DATA, data_ids=filled.data, **version)
    begun = await lake.call(wire.START_IMPORT, source="theirs", **version)
    data_tag = await lake.call(tags.CREATE_DATA_TAG, name="theirs", datalake_id=place.id)
    asset_tag = await lake.call(tags.CREATE_ASSET_TAG, name="theirs", **version)
    tag = await lake.call(
        tags.CREATE_TAG,
        organization_id=organization,
        name="theirs",
        target_type=TagTarget.DATASET_VERSION,
    )
    program = await register_processing(
        lake.platform.context, "theirs", Program(command=["true"]), folder=folder
    )
    with lake.raw() as connection:
        # Programs are registered by the owner of the lake, for the organization that is its own.
        move = "update processing set organization = ? where name = 'theirs'"
        connection.execute(move, (lake.access.organization,))
    await lake.call(assets.DELETE_ASSETS, ids=[UUID(filled.assets[1])], **version)
    removal = (await lake.call(undo.LIST_REMOVALS, organization_id=organization)).items[0]
    assert place.connector_id is not None
    return Owned(
        {
            Kind.ORGANIZATION: [organization],
            Kind.USER: [(await user_ids(lake))[lake.access.username]],
            Kind.CONNECTOR: [place.connector_id],
            Kind.DATALAKE: [place.id],
            Kind.DATA: filled.data[:1],
            Kind.SOURCE: [source.id],
            Kind.DATASET: [found.origin_id],
            Kind.VERSION: [filled.id],
            Kind.ASSET: [asset["asset_id"]],
            Kind.ANNOTATION: [annotation.id],
            Kind.LABEL: [UUID(filled.labels["a"])],
            Kind.LABEL_GROUP: [group.id],
            Kind.DATA_TAG: [data_tag.id],
            Kind.ASSET_TAG: [asset_tag.id],
            Kind.ORGANIZATION_TAG: [tag.id],
            Kind.JOB: [added.job.id, begun.id, launched.job.id],
            Kind.CAMPAIGN: [run.id],
            Kind.STEP: [step],
            Kind.PROCESSING: [program.id],
            Kind.REMOVAL: [removal.id],
            Kind.ASSIGNMENT: [task.id for task in (await run.tasks())[:1]],
        },
        drawn,
    )


async def _drawn(lake: Stocked, annotation: UUID, label: str) -> dict[str, UUID]:
    drawn: dict[str, wire.ShapeIn] = {
        "rectangle": wire.RectangleIn(label_id=label, x=1, y=1, w=1, h=1),
        "polygon": wire.PolygonIn(label_id=label, polygon=[(0, 0), (1, 0), (1, 1)]),
        "line": wire.LineIn(label_id=label, line=[(0, 0), (1, 1)]),
        "point": wire.PointIn(label_id=label, point=(1, 1)),
        "classification": wire.ClassificationIn(label_id=label),
        "mask": wire.MaskIn(label_id=label, mask="P?5k`[9"),
    }
    ids = {}
    for operations in shapes.SHAPES:
        name = operations.kind.name.lower()
        given = {operations.plural: [drawn[name]]}
        made = await lake.call(operations.create, annotation_id=annotation, **given)
        ids[name] = getattr(made, operations.plural)[0].id
    return ids


def _as_id(value: UUID | str) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def rows_of(lake: Stocked) -> dict[str, set[Sequence[Any]]]:
    """Every row of every table, but for the running numbers."""
    with lake.raw() as connection:
        tables = tables_of(lake.platform.context, connection) - {"sequence"}
        return {table: set(connection.execute(f"select * from {table}")) for table in tables}
