"""Annotations: what an annotator drew on an asset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID

from msgspec import UNSET
from msgspec.structs import replace

from headrace.engine.undo.remove import delete_annotations
from headrace.engine.versions.load import annotations_of_ids
from headrace.errors import BadRequestError
from headrace.model.enums import AnnotationStatus
from headrace.model.records import AnnotationRecord
from headrace.protocol.operations import annotating as operations
from headrace.sdk.annotation_shapes import AnnotationShapes
from headrace.sdk.base.collection import MultiObject
from headrace.sdk.base.coordinates import as_plain, by_asset
from headrace.sdk.base.resource import describe
from headrace.sdk.base.session import Session
from headrace.sdk.user import Worker, worker_id


class Annotation(AnnotationShapes):
    """An annotation of an asset. Its shapes are read by the ``list_*`` methods.

    Example:
        ```python
        annotation = await asset.create_annotation()
        await annotation.create_rectangle(10, 20, 64, 48, await version.get_label("car"))
        ```
    """

    __slots__ = ("asset_id", "dataset_version_id")

    def __init__(
        self,
        session: Session,
        record: AnnotationRecord,
        dataset_version_id: UUID,
        asset_id: UUID | None = None,
    ) -> None:
        if asset_id is None:
            if record.asset_id is UNSET:
                raise BadRequestError(f"annotation {record.id} comes without its asset")
            asset_id = record.asset_id
        super().__init__(session, replace(record, asset_id=asset_id))
        self.dataset_version_id = dataset_version_id
        self.asset_id = asset_id

    @property
    def duration(self) -> float:
        """The seconds of work on the annotation."""
        return self.record.duration

    @property
    def status(self) -> AnnotationStatus:
        """The review status as last read."""
        return self.record.status

    @property
    def worker_id(self) -> UUID | None:
        """The id of the user who made the annotation; None if the platform does not say."""
        return self.record.worker_id or None

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the annotation, by name."""
        return self.record.attributes

    async def sync(self) -> None:
        """Read the annotation again and replace ``record``."""
        request = operations.AnnotationId(annotation_id=self.id)
        self._refresh(await self.session.call(operations.GET_ANNOTATION, request))

    async def update(
        self,
        worker: Worker | UUID | str | None = None,
        duration: float | None = None,
        status: AnnotationStatus | str | None = None,
        *,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        """Change the annotation. Arguments that are None leave their part unchanged.

        Args:
            worker: The user who becomes the author; has an effect on headrace only.
            duration: Seconds of work.
            status: The new review status.
            attributes: The new attributes, by name; ``{}`` removes all. On headrace only.

        Raises:
            UnsupportedError: If ``attributes`` is given on another platform.
        """
        request = operations.UpdateAnnotation(
            annotation_id=self.id,
            duration=duration,
            status=AnnotationStatus.parse(status) if status else None,
            attributes=attributes,
            worker_id=worker_id(self.session, worker),
        )
        self._refresh(await self.session.call(operations.UPDATE_ANNOTATION, request))

    async def delete(self) -> None:
        """Delete the annotation with all its shapes."""
        request = operations.AnnotationId(annotation_id=self.id)
        await self.session.call(operations.DELETE_ANNOTATION, request)

    def _refresh(self, record: AnnotationRecord) -> None:
        self.record = replace(record, asset_id=self.asset_id)

    def __repr__(self) -> str:
        return describe(self, str(self.id), self.status.value.lower())


class MultiAnnotation(MultiObject[AnnotationRecord, Annotation]):
    """A list of annotations of one version."""

    __slots__ = ("dataset_version_id",)

    def __init__(
        self, session: Session, dataset_version_id: UUID, records: Iterable[AnnotationRecord] = ()
    ) -> None:
        super().__init__(session, records)
        self.dataset_version_id = dataset_version_id

    def _handle(self, record: AnnotationRecord) -> Annotation:
        return Annotation(self.session, record, self.dataset_version_id)

    def _with(self, records: Iterable[AnnotationRecord]) -> Self:
        return type(self)(self.session, self.dataset_version_id, records)

    async def load(
        self, chunk_size: int = 100, max_workers: int | None = None, skip_error: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        """Load these annotations with their shapes.

        Args:
            chunk_size: Annotations per call.
            max_workers: Maximum number of concurrent calls.
            skip_error: Log a failed call and leave its annotations out, instead of raising.

        Returns:
            The annotations by asset id, in the order of this list.
        """
        pages = annotations_of_ids(
            self.session.backend,
            self.dataset_version_id,
            self.ids,
            as_plain,
            chunk_size=chunk_size,
            max_workers=max_workers,
            skip_error=skip_error,
        )
        return await by_asset(pages)

    async def delete(self, undo: bool = True) -> None:
        """Delete these annotations with all their shapes.

        Args:
            undo: Record what is removed, so that it can be brought back (``client.list_removals``). False removes without recording.

        Raises:
            RemovalNotRecordedError: If it cannot be recorded; nothing is removed then.
        """
        request = operations.DeleteAnnotations(
            version_id=self.dataset_version_id,
            asset_ids=[operations.ALL_ASSETS],
            annotation_ids=self.ids,
        )
        await delete_annotations(self.session.backend, request, undo=undo)
