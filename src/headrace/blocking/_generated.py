"""The blocking face of the SDK. Made by tools/make_blocking.py: change the async classes, then run it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self, overload
from uuid import UUID

from headrace.blocking.face import FACES, Face, Many, wrap
from headrace.blocking.portal import portal
from headrace.engine.download.names import Layout
from headrace.engine.exports.exporting import ExportReport
from headrace.engine.imports.report import ImportReport
from headrace.engine.packed_list import Records
from headrace.engine.sync.plan import Direction, Side
from headrace.engine.sync.syncing import SyncReport
from headrace.engine.upload.push import PushReport
from headrace.formats.coco.document import CocoFile
from headrace.formats.findings.collect import OnError
from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    AssignmentStatus,
    CampaignStepType,
    DataType,
    DataUploadStatus,
    ImportAnnotationMode,
    InferenceType,
    ProcessingTargetType,
    ProcessingType,
    TagTarget,
)
from headrace.model.records import (
    AnnotationRecord,
    AssetRecord,
    AssignmentRecord,
    CampaignRecord,
    CampaignStepRecord,
    DatalakeRecord,
    DataRecord,
    DatasetRecord,
    DatasetVersionRecord,
    JobRecord,
    JobRunRecord,
    LabelGroupRecord,
    LabelRecord,
    ProcessingRecord,
    ProgressRecord,
    SourceRecord,
    TagRecord,
    UserRecord,
    VersionStats,
)
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.protocol.operations.shapes import (
    ClassificationRecord,
    LineRecord,
    MaskRecord,
    PointRecord,
    PolygonRecord,
    RectangleRecord,
)
from headrace.sdk.annotation import Annotation as AsyncAnnotation
from headrace.sdk.annotation import MultiAnnotation as AsyncMultiAnnotation
from headrace.sdk.asset import Asset as AsyncAsset
from headrace.sdk.asset import MultiAsset as AsyncMultiAsset
from headrace.sdk.base.arguments import Paths
from headrace.sdk.campaign.assignment import (
    AnnotationCampaignAssignment as AsyncAnnotationCampaignAssignment,
)
from headrace.sdk.campaign.campaign import AnnotationCampaign as AsyncAnnotationCampaign
from headrace.sdk.campaign.step import AnnotationCampaignStep as AsyncAnnotationCampaignStep
from headrace.sdk.client.client import Client as AsyncClient
from headrace.sdk.data import Data as AsyncData
from headrace.sdk.data import MultiData as AsyncMultiData
from headrace.sdk.datalake import Datalake as AsyncDatalake
from headrace.sdk.dataset import Dataset as AsyncDataset
from headrace.sdk.datasource import DataSource as AsyncDataSource
from headrace.sdk.job import Job as AsyncJob
from headrace.sdk.job import Status
from headrace.sdk.label import Label as AsyncLabel
from headrace.sdk.label import LabelGroup as AsyncLabelGroup
from headrace.sdk.processing import Processing as AsyncProcessing
from headrace.sdk.shape import Classification as AsyncClassification
from headrace.sdk.shape import Line as AsyncLine
from headrace.sdk.shape import Mask as AsyncMask
from headrace.sdk.shape import Point as AsyncPoint
from headrace.sdk.shape import Polygon as AsyncPolygon
from headrace.sdk.shape import Rectangle as AsyncRectangle
from headrace.sdk.tag import Tag as AsyncTag
from headrace.sdk.user import User as AsyncUser
from headrace.sdk.version.dataset_version import DatasetVersion as AsyncDatasetVersion
from headrace.sdk.worker import Worker as AsyncWorker
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class Tag(Face[AsyncTag]):
    """A word that things can carry."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The word."""
        return self._inner.name

    @property
    def target_type(self) -> TagTarget:
        """What kind of thing may carry it."""
        return self._inner.target_type

    def sync(self) -> None:
        """Read the tag again."""
        self._call(self._inner.sync)

    def update(self, name: str) -> None:
        """Rename the tag; ConflictError where the name is taken."""
        self._call(self._inner.update, name)

    def delete(self) -> None:
        """Delete the tag everywhere."""
        self._call(self._inner.delete)

    def attach_on(self, targets: Face[Any] | Iterable[Face[Any]]) -> int:
        """Attach the tag; the number of things touched. Things of another kind are skipped."""
        answer: int = self._call(self._inner.attach_on, targets)
        return answer

    def detach_from(self, targets: Face[Any] | Iterable[Face[Any]]) -> int:
        """Take the tag off; the number of things touched. Things of another kind are skipped."""
        answer: int = self._call(self._inner.detach_from, targets)
        return answer

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> TagRecord:
        """What was last read of it."""
        return self._inner.record


class Label(Face[AsyncLabel]):
    """A word for what is seen on an asset."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The word."""
        return self._inner.name

    @property
    def group_id(self) -> UUID | None:
        """The id of the label's group, None where it has none."""
        return self._inner.group_id

    def sync(self) -> None:
        """Read the label again."""
        self._call(self._inner.sync)

    def update(self, name: str | None = None, group_id: UUID | None = None) -> None:
        """Rename the label or put it into a group; ConflictError where the name is taken."""
        self._call(self._inner.update, name, group_id)

    def get_group(self) -> LabelGroup | None:
        """The group of the label, None where it has none."""
        answer: LabelGroup | None = self._call(self._inner.get_group)
        return answer

    def set_group(self, group: LabelGroup) -> None:
        """Put the label into a group."""
        self._call(self._inner.set_group, group)

    def delete(self) -> None:
        """Delete the label and all shapes that carry it; the annotations stay.

        Raises ConflictError while a job is using the labels of the version.
        """
        self._call(self._inner.delete)

    def get_skeleton(self) -> dict[str, Any]:
        """The skeleton of its keypoints: ``vertices`` names them, ``edges`` joins them by numbers from 1."""
        answer: dict[str, Any] = self._call(self._inner.get_skeleton)
        return answer

    def set_skeleton(self, vertices: Sequence[str], edges: Sequence[Sequence[int]]) -> None:
        """Name its keypoints, and join them by pairs of numbers counted from 1; no vertices for no skeleton."""
        self._call(self._inner.set_skeleton, vertices, edges)

    def get_attributes(self) -> dict[str, Any] | None:
        """The kinds of attributes that its shapes have, by name; None where none are said."""
        answer: dict[str, Any] | None = self._call(self._inner.get_attributes)
        return answer

    def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Say which attributes its shapes have; None for none.

        By name: ``input_type`` (STRING, INTEGER, FLOAT or BOOLEAN), ``required``, and where wanted ``display_name``,
        ``archived``, ``choices`` with ``allow_multiple``, or ``min`` and ``max``. BadRequestError names what
        contradicts itself.
        """
        self._call(self._inner.set_attributes, attributes)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> LabelRecord:
        """What was last read of it."""
        return self._inner.record


class LabelGroup(Face[AsyncLabelGroup]):
    """A group of labels; groups may stand in groups."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the group."""
        return self._inner.name

    @property
    def parent_id(self) -> UUID | None:
        """The id of the group around this one, None where it has none."""
        return self._inner.parent_id

    def sync(self) -> None:
        """Read the group again."""
        self._call(self._inner.sync)

    def update(self, name: str | None = None, parent_id: UUID | None = None) -> None:
        """Rename the group or put it into another one."""
        self._call(self._inner.update, name, parent_id)

    def get_parent(self) -> LabelGroup | None:
        """The group around this one, None where it has none."""
        answer: LabelGroup | None = self._call(self._inner.get_parent)
        return answer

    def set_parent(self, parent: LabelGroup) -> None:
        """Put the group into another one."""
        self._call(self._inner.set_parent, parent)

    def delete(self) -> None:
        """Delete the group; its labels and the groups in it are in none afterwards."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> LabelGroupRecord:
        """What was last read of it."""
        return self._inner.record


class Job(Face[AsyncJob]):
    """A job of either kind."""

    __slots__ = ()

    @property
    def status(self) -> Status:
        """The status as last read."""
        return self._inner.status

    @property
    def done(self) -> bool:
        """Whether the job had ended, well or not, when it was last read."""
        return self._inner.done

    @property
    def error(self) -> str | None:
        """Why the job failed, as last read; None where it did not, or nobody said."""
        return self._inner.error

    def sync(self) -> None:
        """Read the status again; the answer may be held back for a while where the job still runs."""
        self._call(self._inner.sync)

    def wait_for_done(self, blocking_time_increment: float = 1.0, attempts: int = 20) -> Status:
        """Wait for the end of the job, asking ``attempts`` times with seconds of ``blocking_time_increment`` between.

        Raises JobFailedError where the job ended without success, WaitTimeoutError where it still runs.
        """
        answer: Status = self._call(self._inner.wait_for_done, blocking_time_increment, attempts)
        return answer

    def wait_for_status(
        self,
        statuses: Status | str | Iterable[Status | str],
        blocking_time_increment: float = 1.0,
        attempts: int = 20,
    ) -> Status:
        """Wait for one of these statuses, asking ``attempts`` times.

        Raises JobFailedError where the job ended without success and that is not what was waited for or was not
        named alone, WaitTimeoutError where none of the statuses was met.
        """
        answer: Status = self._call(
            self._inner.wait_for_status, statuses, blocking_time_increment, attempts
        )
        return answer

    def cancel(self) -> Status:
        """Ask the job to stop, between two steps of its work; one that has ended stays as it is. The status then.

        Of a fork nothing stays, of other work what was done. The program of a processing is ended, with all that it
        started.
        """
        answer: Status = self._call(self._inner.cancel)
        return answer

    def logs(self) -> str:
        """What the program of a processing has printed so far; of a long log the beginning and the end.

        Raises NotFoundError for other jobs, which print nothing.
        """
        answer: str = self._call(self._inner.logs)
        return answer

    def iter_logs(self) -> Iterator[str]:
        """What the program of a processing prints, piece by piece, until the job has ended."""
        return self._iterate(self._inner.iter_logs)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> JobRecord | JobRunRecord:
        """What was last read of it."""
        return self._inner.record


class Processing(Face[AsyncProcessing]):
    """A program that was registered with the platform."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the processing."""
        return self._inner.name

    @property
    def target(self) -> ProcessingTargetType:
        """What it can be launched on."""
        return self._inner.target

    @property
    def type(self) -> ProcessingType | None:
        """What it is for, where that was said."""
        return self._inner.type

    @property
    def docker(self) -> str:
        """The image and its tag; ``:`` on headrace, where a processing is a program of the lake's machine."""
        return self._inner.docker

    @property
    def default_parameters(self) -> dict[str, Any]:
        """The parameters that have defaults, where the platform tells."""
        return self._inner.default_parameters

    def sync(self) -> None:
        """Read the processing again."""
        self._call(self._inner.sync)

    def update(
        self,
        docker_image: str | None = None,
        docker_tag: str | None = None,
        description: str | None = None,
        default_parameters: dict[str, Any] | None = None,
        default_cpu: int | None = None,
        default_gpu: int | None = None,
    ) -> None:
        """Change what is named; PermissionDeniedError on headrace, where the lake's owner registers it anew."""
        self._call(
            self._inner.update,
            docker_image,
            docker_tag,
            description,
            default_parameters,
            default_cpu,
            default_gpu,
        )

    def delete(self) -> None:
        """Forget the processing; PermissionDeniedError on headrace, where only the lake's owner may."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> ProcessingRecord:
        """What was last read of it."""
        return self._inner.record


class DataSource(Face[AsyncDataSource]):
    """A camera, a site, a supplier."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the source."""
        return self._inner.name

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> SourceRecord:
        """What was last read of it."""
        return self._inner.record


class Data(Face[AsyncData]):
    """A file of a datalake."""

    __slots__ = ()

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return self._inner.ids

    @property
    def upload_status(self) -> DataUploadStatus:
        """Whether the platform has looked into the file."""
        return self._inner.upload_status

    @property
    def datalake_id(self) -> UUID | None:
        """The id of the datalake; None until :meth:`sync` where the data came from a listing."""
        return self._inner.datalake_id

    def is_ready(self) -> bool:
        """Whether the platform had looked into the file when it was last read."""
        answer: bool = wrap(self._inner.is_ready())
        return answer

    def sync(self) -> None:
        """Read the data again."""
        self._call(self._inner.sync)

    def get_tags(self) -> list[Tag]:
        """The tags of the data."""
        answer: list[Tag] = self._call(self._inner.get_tags)
        return answer

    def get_datasource(self) -> DataSource | None:
        """Where the file came from, None where nobody said."""
        answer: DataSource | None = self._call(self._inner.get_datasource)
        return answer

    def update_metadata(self, metadata: dict[str, Any] | None) -> None:
        """Replace the metadata."""
        self._call(self._inner.update_metadata, metadata)

    def update_custom_metadata(self, custom_metadata: dict[str, Any] | None) -> None:
        """Replace the custom metadata."""
        self._call(self._inner.update_custom_metadata, custom_metadata)

    def wait_for_upload_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> None:
        """Wait until the platform has looked into the file, asking ``attempts`` times.

        Raises UnprocessableEntityError where it cannot read it, WaitTimeoutError where it is still at it.
        """
        self._call(self._inner.wait_for_upload_done, blocking_time_increment, attempts)

    def delete(self) -> None:
        """Delete the data, and its assets in every version."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self._inner.filename

    @property
    def object_name(self) -> str:
        """The name of the file in the object storage."""
        return self._inner.object_name

    @property
    def type(self) -> DataType:
        """Image or video."""
        return self._inner.type

    @property
    def content_type(self) -> str:
        """The media type, as in ``image/png``."""
        return self._inner.content_type

    @property
    def width(self) -> int | None:
        """Width in pixels, None while the platform has not read it."""
        return self._inner.width

    @property
    def height(self) -> int | None:
        """Height in pixels, None while the platform has not read it."""
        return self._inner.height

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What is known of the picture: when, where and with what it was taken."""
        return self._inner.metadata

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """Keys of your own."""
        return self._inner.custom_metadata

    @property
    def id_with_extension(self) -> str:
        """The name of the local file of a download with ``use_id``."""
        return self._inner.id_with_extension

    @property
    def url(self) -> str | None:
        """The signed URL of the file as last read; anybody who has it can read the file until it expires."""
        return self._inner.url

    def reset_url(self) -> str:
        """A fresh signed URL of the file."""
        answer: str = self._call(self._inner.reset_url)
        return answer

    def download(
        self, target_path: str | Path = "./", force_replace: bool = False, use_id: bool = False
    ) -> TransferReport:
        """Download the file into the folder ``target_path``; a complete one there is not fetched again.

        Raises PartialTransferError where it could not be fetched or is not what was promised.
        """
        answer: TransferReport = self._call(
            self._inner.download, target_path, force_replace, use_id
        )
        return answer

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def record(self) -> DataRecord:
        """What was last read of it."""
        return self._inner.record


class MultiData(Many[AsyncMultiData, Data]):
    """Many data. ``report`` tells of the upload where they come from one."""

    __slots__ = ()

    def download(
        self,
        target_path: str | Path = "./",
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files into the folder ``target_path``; complete ones there are not fetched again.

        Raises PartialTransferError that names what could not be fetched; the rest is complete.
        """
        answer: TransferReport = self._call(
            self._inner.download, target_path, force_replace, max_workers, use_id, progress=progress
        )
        return answer

    def wait_for_upload_done(
        self, blocking_time_increment: float = 1.0, attempts: int = 20
    ) -> None:
        """Wait until the platform has looked into every file; see :meth:`Data.wait_for_upload_done`."""
        self._call(self._inner.wait_for_upload_done, blocking_time_increment, attempts)

    def delete(self) -> None:
        """Delete all these data, and their assets in every version."""
        self._call(self._inner.delete)

    @property
    def ids(self) -> list[UUID]:
        """The ids, in order."""
        return self._inner.ids

    def copy(self) -> Self:
        """Another list of the same items."""
        answer: Self = wrap(self._inner.copy())
        return answer

    def split(self, ratio: float) -> tuple[Self, Self]:
        """Two lists drawn at random, ``ratio`` (0 to 1) of the items in the first; the order is drawn too."""
        answer: tuple[Self, Self] = wrap(self._inner.split(ratio))
        return answer

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def report(self) -> TransferReport | None:
        """What came of the upload, where they come from one."""
        return self._inner.report

    @property
    def records(self) -> Records[DataRecord]:
        """What was last read of them."""
        return self._inner.records


class Rectangle(Face[AsyncRectangle]):
    """A box along the axes, in pixels."""

    __slots__ = ()

    @property
    def x(self) -> float:
        """Its left edge."""
        return self._inner.x

    @property
    def y(self) -> float:
        """Its upper edge."""
        return self._inner.y

    @property
    def w(self) -> float:
        """Its width."""
        return self._inner.w

    @property
    def h(self) -> float:
        """Its height."""
        return self._inner.h

    def update(
        self,
        x: float | None = None,
        y: float | None = None,
        w: float | None = None,
        h: float | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Move, resize, relabel or rewrite the rectangle; what is not given stays."""
        self._call(self._inner.update, x, y, w, h, label, text)

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> RectangleRecord:
        """What was last read of it."""
        return self._inner.record


class Polygon(Face[AsyncPolygon]):
    """A closed outline."""

    __slots__ = ()

    @property
    def coords(self) -> list[list[float]]:
        """Its corners ``[x, y]`` in pixels."""
        return self._inner.coords

    def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Redraw, relabel or rewrite the polygon; what is not given stays."""
        self._call(self._inner.update, coords, label, text)

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> PolygonRecord:
        """What was last read of it."""
        return self._inner.record


class Line(Face[AsyncLine]):
    """An open chain of points."""

    __slots__ = ()

    @property
    def coords(self) -> list[list[float]]:
        """Its points ``[x, y]`` in pixels."""
        return self._inner.coords

    def update(
        self,
        coords: Sequence[Sequence[float]] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Redraw, relabel or rewrite the line; what is not given stays."""
        self._call(self._inner.update, coords, label, text)

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> LineRecord:
        """What was last read of it."""
        return self._inner.record


class Point(Face[AsyncPoint]):
    """A single point."""

    __slots__ = ()

    @property
    def coords(self) -> list[float]:
        """Where it is: ``[x, y]`` in pixels."""
        return self._inner.coords

    def update(
        self,
        coords: Sequence[float] | None = None,
        label: Label | None = None,
        text: str | None = None,
    ) -> None:
        """Move, relabel or rewrite the point; what is not given stays."""
        self._call(self._inner.update, coords, label, text)

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> PointRecord:
        """What was last read of it."""
        return self._inner.record


class Classification(Face[AsyncClassification]):
    """A label for the whole asset."""

    __slots__ = ()

    def update(self, label: Label | None = None, text: str | None = None) -> None:
        """Relabel or rewrite the classification; what is not given stays."""
        self._call(self._inner.update, label, text)

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> ClassificationRecord:
        """What was last read of it."""
        return self._inner.record


class Mask(Face[AsyncMask]):
    """A bitmap over the asset. It cannot be changed: delete it and draw another."""

    __slots__ = ()

    @property
    def mask(self) -> str:
        """Its run lengths, as COCO compresses them."""
        return self._inner.mask

    @property
    def area(self) -> float:
        """Its pixels."""
        return self._inner.area

    @property
    def bbox(self) -> list[int]:
        """The box ``[x, y, w, h]`` around it."""
        return self._inner.bbox

    @property
    def label(self) -> Label:
        """The label of the shape."""
        answer: Label = wrap(self._inner.label)
        return answer

    @property
    def text(self) -> str | None:
        """What is written on the shape."""
        return self._inner.text

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the shape."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the shape again."""
        self._call(self._inner.sync)

    def delete(self) -> None:
        """Delete the shape."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def annotation_id(self) -> UUID:
        """The id of the annotation."""
        return self._inner.annotation_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> MaskRecord:
        """What was last read of it."""
        return self._inner.record


class Annotation(Face[AsyncAnnotation]):
    """An annotation of an asset. Its shapes are read when asked for."""

    __slots__ = ()

    @property
    def duration(self) -> float:
        """Seconds of work on it."""
        return self._inner.duration

    @property
    def status(self) -> AnnotationStatus:
        """The status as last read."""
        return self._inner.status

    @property
    def worker_id(self) -> UUID | None:
        """The id of the user whose it is; None where the platform does not tell."""
        return self._inner.worker_id

    @property
    def attributes(self) -> dict[str, Any] | None:
        """The attributes of the annotation."""
        return self._inner.attributes

    def sync(self) -> None:
        """Read the annotation again."""
        self._call(self._inner.sync)

    def update(
        self,
        worker: Worker | UUID | str | None = None,
        duration: float | None = None,
        status: AnnotationStatus | str | None = None,
        *,
        attributes: dict[str, Any] | None = None,
    ) -> None:
        """Change the duration (seconds), the status, or on headrace the attributes (``{}`` clears them).

        On headrace the annotation becomes that of ``worker`` where one is given.
        """
        self._call(self._inner.update, worker, duration, status, attributes=attributes)

    def delete(self) -> None:
        """Delete the annotation with all its shapes."""
        self._call(self._inner.delete)

    def overwrite(
        self,
        rectangles: Sequence[tuple[float, float, float, float, Label]] | None = None,
        polygons: Sequence[tuple[Sequence[Sequence[float]], Label]] | None = None,
        classifications: Sequence[Label] | None = None,
        lines: Sequence[tuple[Sequence[Sequence[float]], Label]] | None = None,
        points: Sequence[tuple[Sequence[float], Label]] | None = None,
        duration: float = 0.0,
        masks: Sequence[tuple[str, Label]] | None = None,
    ) -> None:
        """Put these shapes, and this duration, in the place of all that the annotation has.

        Without any shape the annotation is empty afterwards. Handles of its old shapes name nothing any more.
        """
        self._call(
            self._inner.overwrite,
            rectangles,
            polygons,
            classifications,
            lines,
            points,
            duration,
            masks,
        )

    def list_rectangles(self) -> list[Rectangle]:
        """The rectangles in order of creation."""
        answer: list[Rectangle] = self._call(self._inner.list_rectangles)
        return answer

    def create_rectangle(self, x: float, y: float, w: float, h: float, label: Label) -> Rectangle:
        """A new rectangle: left, top, width, height in pixels."""
        answer: Rectangle = self._call(self._inner.create_rectangle, x, y, w, h, label)
        return answer

    def create_multiple_rectangles(
        self, rectangles: Sequence[tuple[float, float, float, float, Label]]
    ) -> list[Rectangle]:
        """New rectangles ``(x, y, w, h, label)``, in this order."""
        answer: list[Rectangle] = self._call(self._inner.create_multiple_rectangles, rectangles)
        return answer

    def list_polygons(self) -> list[Polygon]:
        """The polygons in order of creation."""
        answer: list[Polygon] = self._call(self._inner.list_polygons)
        return answer

    def create_polygon(self, coords: Sequence[Sequence[float]], label: Label) -> Polygon:
        """A new polygon with corners ``[x, y]``."""
        answer: Polygon = self._call(self._inner.create_polygon, coords, label)
        return answer

    def create_multiple_polygons(
        self, polygons: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Polygon]:
        """New polygons ``(corners, label)``, in this order."""
        answer: list[Polygon] = self._call(self._inner.create_multiple_polygons, polygons)
        return answer

    def list_lines(self) -> list[Line]:
        """The lines in order of creation."""
        answer: list[Line] = self._call(self._inner.list_lines)
        return answer

    def create_line(self, coords: Sequence[Sequence[float]], label: Label) -> Line:
        """A new line through points ``[x, y]``."""
        answer: Line = self._call(self._inner.create_line, coords, label)
        return answer

    def create_multiple_lines(
        self, lines: Sequence[tuple[Sequence[Sequence[float]], Label]]
    ) -> list[Line]:
        """New lines ``(points, label)``, in this order."""
        answer: list[Line] = self._call(self._inner.create_multiple_lines, lines)
        return answer

    def list_points(self) -> list[Point]:
        """The points in order of creation."""
        answer: list[Point] = self._call(self._inner.list_points)
        return answer

    def create_point(self, coords: Sequence[float], label: Label) -> Point:
        """A new point at ``[x, y]``."""
        answer: Point = self._call(self._inner.create_point, coords, label)
        return answer

    def create_multiple_points(
        self, points: Sequence[tuple[Sequence[float], Label]]
    ) -> list[Point]:
        """New points ``([x, y], label)``, in this order."""
        answer: list[Point] = self._call(self._inner.create_multiple_points, points)
        return answer

    def list_classifications(self) -> list[Classification]:
        """The classifications in order of creation."""
        answer: list[Classification] = self._call(self._inner.list_classifications)
        return answer

    def create_classification(self, label: Label) -> Classification:
        """A new classification."""
        answer: Classification = self._call(self._inner.create_classification, label)
        return answer

    def create_multiple_classifications(
        self, classifications: Sequence[Label]
    ) -> list[Classification]:
        """New classifications, in this order."""
        answer: list[Classification] = self._call(
            self._inner.create_multiple_classifications, classifications
        )
        return answer

    def list_masks(self) -> list[Mask]:
        """The masks in order of creation."""
        answer: list[Mask] = self._call(self._inner.list_masks)
        return answer

    def create_mask(self, mask: str, label: Label) -> Mask:
        """A new mask: COCO's compressed run lengths over the asset's height and width."""
        answer: Mask = self._call(self._inner.create_mask, mask, label)
        return answer

    def create_multiple_masks(self, masks: Sequence[tuple[str, Label]]) -> list[Mask]:
        """New masks ``(run lengths, label)``, in this order."""
        answer: list[Mask] = self._call(self._inner.create_multiple_masks, masks)
        return answer

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def asset_id(self) -> UUID:
        """The id of the asset."""
        return self._inner.asset_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> AnnotationRecord:
        """What was last read of it."""
        return self._inner.record


class MultiAnnotation(Many[AsyncMultiAnnotation, Annotation]):
    """Many annotations of one version."""

    __slots__ = ()

    def load(
        self, chunk_size: int = 100, max_workers: int | None = None, skip_error: bool = False
    ) -> dict[str, list[dict[str, Any]]]:
        """These annotations with their shapes: asset id to annotations, in the order of this list.

        ``chunk_size`` annotations are asked for in one call, ``max_workers`` calls are under way at a time. With
        ``skip_error`` a call that fails is left out and logged.
        """
        answer: dict[str, list[dict[str, Any]]] = self._call(
            self._inner.load, chunk_size, max_workers, skip_error
        )
        return answer

    def delete(self) -> None:
        """Delete these annotations with all their shapes."""
        self._call(self._inner.delete)

    @property
    def ids(self) -> list[UUID]:
        """The ids, in order."""
        return self._inner.ids

    def copy(self) -> Self:
        """Another list of the same items."""
        answer: Self = wrap(self._inner.copy())
        return answer

    def split(self, ratio: float) -> tuple[Self, Self]:
        """Two lists drawn at random, ``ratio`` (0 to 1) of the items in the first; the order is drawn too."""
        answer: tuple[Self, Self] = wrap(self._inner.split(ratio))
        return answer

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def records(self) -> Records[AnnotationRecord]:
        """What was last read of them."""
        return self._inner.records


class Asset(Face[AsyncAsset]):
    """A data as a part of a dataset version."""

    __slots__ = ()

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return self._inner.ids

    @property
    def data_id(self) -> UUID:
        """The id of the data behind the asset."""
        return self._inner.data_id

    def sync(self) -> None:
        """Read the asset again."""
        self._call(self._inner.sync)

    def get_data(self) -> Data:
        """The data behind the asset."""
        answer: Data = self._call(self._inner.get_data)
        return answer

    def get_tags(self) -> list[Tag]:
        """The tags of the asset."""
        answer: list[Tag] = self._call(self._inner.get_tags)
        return answer

    def get_data_tags(self) -> list[Tag]:
        """The tags of the data behind the asset."""
        answer: list[Tag] = self._call(self._inner.get_data_tags)
        return answer

    def create_annotation(
        self, duration: float = 0.0, worker: Worker | UUID | str | None = None
    ) -> Annotation:
        """A new annotation without shapes; ``duration`` is seconds of work, ``worker`` whose it is, the caller's else."""
        answer: Annotation = self._call(self._inner.create_annotation, duration, worker)
        return answer

    def list_annotations(self) -> list[Annotation]:
        """The annotations of the asset, newest first."""
        answer: list[Annotation] = self._call(self._inner.list_annotations)
        return answer

    def get_annotation(self, worker: Worker | UUID | str | None = None) -> Annotation:
        """The annotation that was created last, by ``worker`` where given; NotFoundError where there is none."""
        answer: Annotation = self._call(self._inner.get_annotation, worker)
        return answer

    def delete_annotations(self, workers: Sequence[Worker | UUID | str] | None = None) -> None:
        """Delete all annotations of the asset, or those of ``workers``; BadRequestError where those are not told apart."""
        self._call(self._inner.delete_annotations, workers)

    def delete(self) -> None:
        """Take the asset out of its version, with its annotations; the data stays in the lake."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self._inner.filename

    @property
    def object_name(self) -> str:
        """The name of the file in the object storage."""
        return self._inner.object_name

    @property
    def type(self) -> DataType:
        """Image or video."""
        return self._inner.type

    @property
    def content_type(self) -> str:
        """The media type, as in ``image/png``."""
        return self._inner.content_type

    @property
    def width(self) -> int | None:
        """Width in pixels, None while the platform has not read it."""
        return self._inner.width

    @property
    def height(self) -> int | None:
        """Height in pixels, None while the platform has not read it."""
        return self._inner.height

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What is known of the picture: when, where and with what it was taken."""
        return self._inner.metadata

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """Keys of your own."""
        return self._inner.custom_metadata

    @property
    def id_with_extension(self) -> str:
        """The name of the local file of a download with ``use_id``."""
        return self._inner.id_with_extension

    @property
    def url(self) -> str | None:
        """The signed URL of the file as last read; anybody who has it can read the file until it expires."""
        return self._inner.url

    def reset_url(self) -> str:
        """A fresh signed URL of the file."""
        answer: str = self._call(self._inner.reset_url)
        return answer

    def download(
        self, target_path: str | Path = "./", force_replace: bool = False, use_id: bool = False
    ) -> TransferReport:
        """Download the file into the folder ``target_path``; a complete one there is not fetched again.

        Raises PartialTransferError where it could not be fetched or is not what was promised.
        """
        answer: TransferReport = self._call(
            self._inner.download, target_path, force_replace, use_id
        )
        return answer

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> AssetRecord:
        """What was last read of it."""
        return self._inner.record


class MultiAsset(Many[AsyncMultiAsset, Asset]):
    """Many assets of one version."""

    __slots__ = ()

    def as_list_of_data(self) -> list[Data]:
        """The data behind the assets, as last read."""
        answer: list[Data] = wrap(self._inner.as_list_of_data())
        return answer

    def as_multidata(self, force_refresh: bool = True) -> MultiData:
        """The data behind the assets, read again unless ``force_refresh`` is off."""
        answer: MultiData = self._call(self._inner.as_multidata, force_refresh)
        return answer

    def download(
        self,
        target_path: str | Path = "./",
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files into the folder ``target_path``; complete ones there are not fetched again.

        Raises PartialTransferError that names what could not be fetched; the rest is complete.
        """
        answer: TransferReport = self._call(
            self._inner.download, target_path, force_replace, max_workers, use_id, progress=progress
        )
        return answer

    def delete_annotations(self, workers: Sequence[Worker | UUID | str] | None = None) -> None:
        """Delete all annotations of these assets, or those of ``workers``; see :meth:`Asset.delete_annotations`."""
        self._call(self._inner.delete_annotations, workers)

    def delete(self) -> None:
        """Take the assets out of their version, with their annotations; the data stay in the lake."""
        self._call(self._inner.delete)

    @property
    def ids(self) -> list[UUID]:
        """The ids, in order."""
        return self._inner.ids

    def copy(self) -> Self:
        """Another list of the same items."""
        answer: Self = wrap(self._inner.copy())
        return answer

    def split(self, ratio: float) -> tuple[Self, Self]:
        """Two lists drawn at random, ``ratio`` (0 to 1) of the items in the first; the order is drawn too."""
        answer: tuple[Self, Self] = wrap(self._inner.split(ratio))
        return answer

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def records(self) -> Records[AssetRecord]:
        """What was last read of them."""
        return self._inner.records


class Datalake(Face[AsyncDatalake]):
    """A place for files, from which datasets are made."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the datalake."""
        return self._inner.name

    @property
    def connector_id(self) -> UUID | None:
        """The id of the storage behind the datalake."""
        return self._inner.connector_id

    def sync(self) -> None:
        """Read the datalake again."""
        self._call(self._inner.sync)

    @overload
    def upload_data(
        self,
        filepaths: str | Path,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> Data: ...
    @overload
    def upload_data(
        self,
        filepaths: Paths,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> MultiData: ...
    def upload_data(
        self,
        filepaths: str | Path | Paths,
        tags: Sequence[str | Tag] | None = None,
        source: str | DataSource | None = None,
        max_workers: int | None = None,
        *,
        metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        custom_metadata: dict[str, Any] | Sequence[dict[str, Any]] | None = None,
        upload_dir: str | None = None,
        progress: OnProgress | None = None,
    ) -> Data | MultiData:
        """Upload files: one path gives a Data, several give a MultiData in the order of the paths.

        ``tags`` given by name are created where missing, so is ``source``. ``metadata`` and ``custom_metadata`` are
        for all files, or a list with one for each. At most ``max_workers`` files are under way at a time.

        A file is sent once, however often it is named; and not at all where the lake has it already, by the same name and
        with the same metadata: it then gains the tags. With a ``source`` all are sent. A large file that an earlier run sent in part is gone on with.

        Raises FileNotFoundError before anything is sent where a path is no file, and PartialTransferError where some
        files failed; its report names them, the others are in the lake.
        """
        answer: Data | MultiData = self._call(
            self._inner.upload_data,
            filepaths,
            tags,
            source,
            max_workers,
            metadata=metadata,
            custom_metadata=custom_metadata,
            upload_dir=upload_dir,
            progress=progress,
        )
        return answer

    def list_data(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: str | Tag | Sequence[str | Tag] | None = None,
        filenames: Sequence[str] | None = None,
        intersect_tags: bool = False,
        object_names: Sequence[str] | None = None,
        q: str | None = None,
        ids: Sequence[str | UUID] | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> MultiData:
        """The data of the lake, newest first unless ``order_by`` names fields (``-`` for descending).

        ``tags``: those that carry one of these tags, every one with ``intersect_tags``. At most one of ``filenames``,
        ``object_names`` and ``ids`` may be given. ``q`` is a condition in the query language. ``page_size`` is
        accepted and has no effect. An empty answer is an empty MultiData.
        """
        answer: MultiData = self._call(
            self._inner.list_data,
            limit,
            offset,
            page_size,
            order_by,
            tags,
            filenames,
            intersect_tags,
            object_names,
            q,
            ids,
            custom_metadata,
        )
        return answer

    def iter_data(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: str | Tag | Sequence[str | Tag] | None = None,
        filenames: Sequence[str] | None = None,
        intersect_tags: bool = False,
        object_names: Sequence[str] | None = None,
        q: str | None = None,
        ids: Sequence[str | UUID] | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> Iterator[Data]:
        """The same as :meth:`list_data`, one data after another; one page is held at a time."""
        return self._iterate(
            self._inner.iter_data,
            limit,
            offset,
            page_size,
            order_by,
            tags,
            filenames,
            intersect_tags,
            object_names,
            q,
            ids,
            custom_metadata,
        )

    def find_data(
        self,
        filename: str | None = None,
        object_name: str | None = None,
        id: str | UUID | None = None,
    ) -> Data:
        """The one data that matches all that is given.

        Raises NotFoundError where there is none, ConflictError that names the candidates where there are several.
        """
        answer: Data = self._call(self._inner.find_data, filename, object_name, id)
        return answer

    def list_data_tags(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> list[Tag]:
        """The tags of the lake's data."""
        answer: list[Tag] = self._call(self._inner.list_data_tags, limit, offset, order_by)
        return answer

    def create_data_tag(self, name: str) -> Tag:
        """A new tag for the lake's data; ConflictError where there is one of that name."""
        answer: Tag = self._call(self._inner.create_data_tag, name)
        return answer

    def get_data_tag(self, name: str) -> Tag:
        """The tag of that name; NotFoundError where there is none."""
        answer: Tag = self._call(self._inner.get_data_tag, name)
        return answer

    def get_or_create_data_tag(self, name: str) -> Tag:
        """The tag of that name, made where there is none."""
        answer: Tag = self._call(self._inner.get_or_create_data_tag, name)
        return answer

    def launch_processing(
        self,
        processing: Processing,
        data: MultiData | Iterable[Data],
        *,
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> Job:
        """Run a processing on these data, as a job in a process of its own; see ``DatasetVersion.launch_processing``.

        Raises BadRequestError for what does not fit, InsufficientResourcesError for more processors than there are.
        """
        answer: Job = self._call(
            self._inner.launch_processing,
            processing,
            data,
            parameters=parameters,
            cpu=cpu,
            gpu=gpu,
            inputs=inputs,
        )
        return answer

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> DatalakeRecord:
        """What was last read of it."""
        return self._inner.record


class User(Face[AsyncUser]):
    """Somebody who may use the organization."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The name of the user."""
        return self._inner.username

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> UserRecord:
        """What was last read of it."""
        return self._inner.record


class Worker(Face[AsyncWorker]):
    """A user as the one who works on a dataset; the ids are the user's."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The name of the user."""
        return self._inner.username

    @property
    def user_id(self) -> UUID:
        """The id of the user."""
        return self._inner.user_id

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> UserRecord:
        """What was last read of it."""
        return self._inner.record


class AnnotationCampaignStep(Face[AsyncAnnotationCampaignStep]):
    """A step of a campaign's workflow."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The name of the step."""
        return self._inner.name

    @property
    def order(self) -> int:
        """The place of the step in the workflow, from 0."""
        return self._inner.order

    @property
    def type(self) -> CampaignStepType:
        """Whether the step annotates or reviews."""
        return self._inner.type

    def sync(self) -> None:
        """Read the step again."""
        self._call(self._inner.sync)

    def update(
        self,
        name: str | None = None,
        assignees: Sequence[tuple[Worker | User | UUID | str, float]] | None = None,
        sample_rate: float | None = None,
    ) -> None:
        """Rename the step, or say who gets its tasks from now on and which share of all it takes (0 to 1).

        ``assignees`` are users, workers or ids of users with their weights: with 1.0 and 2.0 the first gets one task in three.
        """
        self._call(self._inner.update, name, assignees, sample_rate)

    def redistribute_assignments(self) -> None:
        """Deal the tasks that are still to do in this step among its assignees again, by their weights."""
        self._call(self._inner.redistribute_assignments)

    def delete(
        self, pending_assignments_destination_step_id: AnnotationCampaignStep | UUID | str
    ) -> None:
        """Delete the step; its tasks go to another one, those that are still to do are dealt among its assignees."""
        self._call(self._inner.delete, pending_assignments_destination_step_id)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def campaign_id(self) -> UUID:
        """The id of the version."""
        return self._inner.campaign_id

    @property
    def record(self) -> CampaignStepRecord:
        """What was last read of it."""
        return self._inner.record


class AnnotationCampaignAssignment(Face[AsyncAnnotationCampaignAssignment]):
    """The task of one asset in a campaign. Whoever has it, and nobody else, may annotate the asset."""

    __slots__ = ()

    @property
    def asset_id(self) -> UUID:
        """The id of the asset."""
        return self._inner.asset_id

    @property
    def data_id(self) -> UUID:
        """The id of the data behind the asset."""
        return self._inner.data_id

    @property
    def step_id(self) -> UUID:
        """The id of the step that the task is in."""
        return self._inner.step_id

    @property
    def user_id(self) -> UUID | None:
        """The id of the user who has the task; None where nobody has it."""
        return self._inner.user_id

    @property
    def status(self) -> AssignmentStatus:
        """How far the task was in its step when it was last read."""
        return self._inner.status

    def sync(self) -> None:
        """Read the task again."""
        self._call(self._inner.sync)

    def get_asset(self) -> Asset:
        """The asset to annotate."""
        answer: Asset = self._call(self._inner.get_asset)
        return answer

    def submit(
        self, status: AnnotationStatus | str = AnnotationStatus.ACCEPTED
    ) -> AssignmentStatus:
        """Say that the work is done: the task moves, and the status of the newest annotation with it.

        ACCEPTED hands it to the next step, or ends it as DONE. REFUSED, in a review, gives it back to whoever did the
        step before, as TO_REWORK. SKIPPED ends it where it is. A task that nobody has is taken first.

        Raises ConflictError where somebody else has the task, it has ended, or its campaign is closed.
        """
        answer: AssignmentStatus = self._call(self._inner.submit, status)
        return answer

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self._inner.filename

    @property
    def object_name(self) -> str:
        """The name of the file in the object storage."""
        return self._inner.object_name

    @property
    def type(self) -> DataType:
        """Image or video."""
        return self._inner.type

    @property
    def content_type(self) -> str:
        """The media type, as in ``image/png``."""
        return self._inner.content_type

    @property
    def width(self) -> int | None:
        """Width in pixels, None while the platform has not read it."""
        return self._inner.width

    @property
    def height(self) -> int | None:
        """Height in pixels, None while the platform has not read it."""
        return self._inner.height

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What is known of the picture: when, where and with what it was taken."""
        return self._inner.metadata

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """Keys of your own."""
        return self._inner.custom_metadata

    @property
    def id_with_extension(self) -> str:
        """The name of the local file of a download with ``use_id``."""
        return self._inner.id_with_extension

    @property
    def url(self) -> str | None:
        """The signed URL of the file as last read; anybody who has it can read the file until it expires."""
        return self._inner.url

    def reset_url(self) -> str:
        """A fresh signed URL of the file."""
        answer: str = self._call(self._inner.reset_url)
        return answer

    def download(
        self, target_path: str | Path = "./", force_replace: bool = False, use_id: bool = False
    ) -> TransferReport:
        """Download the file into the folder ``target_path``; a complete one there is not fetched again.

        Raises PartialTransferError where it could not be fetched or is not what was promised.
        """
        answer: TransferReport = self._call(
            self._inner.download, target_path, force_replace, use_id
        )
        return answer

    @property
    def campaign_id(self) -> UUID:
        """The id of the version."""
        return self._inner.campaign_id

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version."""
        return self._inner.dataset_version_id

    @property
    def record(self) -> AssignmentRecord:
        """What was last read of it."""
        return self._inner.record


class AnnotationCampaign(Face[AsyncAnnotationCampaign]):
    """The annotation campaign of a dataset version."""

    __slots__ = ()

    @property
    def dataset_version_id(self) -> UUID:
        """The id of the version whose assets are annotated."""
        return self._inner.dataset_version_id

    @property
    def closed(self) -> bool:
        """Whether the campaign was closed when it was last read."""
        return self._inner.closed

    def sync(self) -> None:
        """Read the campaign again."""
        self._call(self._inner.sync)

    def update(
        self,
        name: str | None = None,
        description: str | None = None,
        instructions_object_name: str | None = None,
        instructions_text: str | None = None,
        end_date: date | None = None,
        auto_add_new_assets: bool | None = None,
        auto_close_on_completion: bool | None = None,
        default_entry_step: AnnotationCampaignStep | UUID | str | None = None,
        annotated_entry_step: AnnotationCampaignStep | UUID | str | None = None,
    ) -> None:
        """Change what is given. ``name`` has no effect: campaigns have none.

        Tasks of assets without annotation begin in ``default_entry_step``, those of annotated ones in
        ``annotated_entry_step``, or are done at once where that is ``"DONE"``.
        """
        self._call(
            self._inner.update,
            name,
            description,
            instructions_object_name,
            instructions_text,
            end_date,
            auto_add_new_assets,
            auto_close_on_completion,
            default_entry_step,
            annotated_entry_step,
        )

    def upload_instructions_file(self, path: str | Path) -> None:
        """Give the campaign a file of instructions."""
        self._call(self._inner.upload_instructions_file, path)

    def download_instructions_file(self, target_path: str | Path = "./") -> str:
        """Download the file of instructions into a folder; its path. NotFoundError where there is none."""
        answer: str = self._call(self._inner.download_instructions_file, target_path)
        return answer

    def add_step(
        self,
        name: str,
        type: CampaignStepType | str,
        description: str | None = None,
        assignees: Sequence[tuple[Worker | User | UUID | str, float]] | None = None,
        order: int | None = None,
        sample_rate: float | None = None,
    ) -> AnnotationCampaignStep:
        """A new step, ANNOTATION or REVIEW, at the end of the workflow or at the place ``order``, from 0.

        ``assignees`` are users, workers or ids of users with their weights: with 1.0 and 2.0 the first gets one task in three.
        Tasks of a step without assignees are whoever's takes them. ``sample_rate`` is the share of all tasks, 0 to 1,
        that pass through the step.
        """
        answer: AnnotationCampaignStep = self._call(
            self._inner.add_step, name, type, description, assignees, order, sample_rate
        )
        return answer

    def list_steps(self) -> list[AnnotationCampaignStep]:
        """The steps in the order of the workflow."""
        answer: list[AnnotationCampaignStep] = self._call(self._inner.list_steps)
        return answer

    def sync_assets(
        self, existing_annotations_step_id: AnnotationCampaignStep | UUID | str | None = None
    ) -> Job:
        """Make a task of every asset that has none yet; the job that does it.

        Annotated assets begin in ``existing_annotations_step_id`` this time, or are done at once where that is
        ``"DONE"``. Raises ConflictError where the campaign is closed, has no step, or has all assets already.
        """
        answer: Job = self._call(self._inner.sync_assets, existing_annotations_step_id)
        return answer

    def launch(
        self, existing_annotations_step_id: AnnotationCampaignStep | UUID | str | None = None
    ) -> Job:
        """The older name of :meth:`sync_assets`."""
        answer: Job = self._call(self._inner.launch, existing_annotations_step_id)
        return answer

    def list_assignments(
        self,
        step_id: AnnotationCampaignStep | UUID | str | None = None,
        status: AssignmentStatus | str | None = None,
        user: Worker | User | UUID | str | None = None,
        custom_metadata: dict[str, Any] | None = None,
        query: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
    ) -> list[AnnotationCampaignAssignment]:
        """The tasks, newest asset first unless ``order_by`` names fields (``-`` for descending).

        ``user`` is a user, a worker, the id of a user, or ``"unassigned"``. ``query`` is a condition on the assets in the query
        language.
        """
        answer: list[AnnotationCampaignAssignment] = self._call(
            self._inner.list_assignments,
            step_id,
            status,
            user,
            custom_metadata,
            query,
            limit,
            offset,
            order_by,
        )
        return answer

    def reassign(
        self,
        assignments: Sequence[AnnotationCampaignAssignment],
        user: Worker | User | UUID | str | None = None,
    ) -> list[UUID]:
        """Give tasks that are still to do to a user, or to nobody; the ids of those that were still to do."""
        answer: list[UUID] = self._call(self._inner.reassign, assignments, user)
        return answer

    def get_progress(self) -> list[ProgressRecord]:
        """How many tasks are in which step and status, and whose they are, in the order of the workflow."""
        answer: list[ProgressRecord] = self._call(self._inner.get_progress)
        return answer

    def get_campaign_issue_counts(
        self,
        users: Sequence[Worker | User | UUID | str] | None = None,
        steps: Sequence[AnnotationCampaignStep | UUID | str] | None = None,
    ) -> list[dict[str, Any]]:
        """Refusals in reviews by whose work it was: ``user_id``, ``opened`` (to be reworked) and ``closed``."""
        answer: list[dict[str, Any]] = self._call(
            self._inner.get_campaign_issue_counts, users, steps
        )
        return answer

    def close(self) -> None:
        """Close the campaign for good: neither its tasks nor the annotations of its assets change any more."""
        self._call(self._inner.close)

    def delete(self) -> None:
        """Delete the campaign with its steps and tasks; annotations and assets stay."""
        self._call(self._inner.delete)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    @property
    def record(self) -> CampaignRecord:
        """What was last read of it."""
        return self._inner.record


class DatasetVersion(Face[AsyncDatasetVersion]):
    """One version of a dataset: its assets, labels and annotations."""

    __slots__ = ()

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return self._inner.ids

    @property
    def origin_id(self) -> UUID:
        """The id of the dataset."""
        return self._inner.origin_id

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self._inner.name

    @property
    def version(self) -> str:
        """The name of this version."""
        return self._inner.version

    @property
    def type(self) -> InferenceType:
        """What the annotations are for."""
        return self._inner.type

    def sync(self) -> None:
        """Read the version again."""
        self._call(self._inner.sync)

    def get_tags(self) -> list[Tag]:
        """The tags of the version."""
        answer: list[Tag] = self._call(self._inner.get_tags)
        return answer

    def set_type(self, type: str | InferenceType) -> None:
        """Say what the annotations are for."""
        self._call(self._inner.set_type, type)

    def update(
        self,
        version: str | None = None,
        description: str | None = None,
        type: str | InferenceType | None = None,
    ) -> None:
        """Rename, describe or type the version; ConflictError where the name is taken."""
        self._call(self._inner.update, version, description, type)

    def delete(self) -> None:
        """Delete the version with its assets and annotations; the data stay in the lake."""
        self._call(self._inner.delete)

    def train_test_split(
        self, prop: float = 0.8, random_seed: Any = None, load_asset_page_size: int = 100
    ) -> tuple[MultiAsset, MultiAsset, dict[str, list[Any]], dict[str, list[Any]], list[Label]]:
        """Two parts, ``prop`` (0 to 1) of the annotated assets in the first.

        Returns both parts, for each its labels as ``{"x": names, "y": numbers of shapes}``, and the labels of the
        version. See :meth:`split_into_multi_assets`.
        """
        answer: tuple[
            MultiAsset, MultiAsset, dict[str, list[Any]], dict[str, list[Any]], list[Label]
        ] = self._call(self._inner.train_test_split, prop, random_seed, load_asset_page_size)
        return answer

    def train_test_val_split(
        self,
        ratios: Sequence[float] | None = None,
        random_seed: Any = None,
        load_asset_page_size: int = 100,
    ) -> tuple[
        MultiAsset,
        MultiAsset,
        MultiAsset,
        dict[str, list[Any]],
        dict[str, list[Any]],
        dict[str, list[Any]],
        list[Label],
    ]:
        """Three parts, by default 0.64, 0.16 and 0.20 of the annotated assets.

        Returns the parts, for each its labels as ``{"x": names, "y": numbers of shapes}``, and the labels of the
        version. See :meth:`split_into_multi_assets`.
        """
        answer: tuple[
            MultiAsset,
            MultiAsset,
            MultiAsset,
            dict[str, list[Any]],
            dict[str, list[Any]],
            dict[str, list[Any]],
            list[Label],
        ] = self._call(self._inner.train_test_val_split, ratios, random_seed, load_asset_page_size)
        return answer

    def split_into_multi_assets(
        self, ratios: Sequence[float], random_seed: Any = None, load_asset_page_size: int = 100
    ) -> tuple[list[MultiAsset], list[dict[str, int]], list[Label]]:
        """One part for each ratio, drawn at random; ratios are divided by their sum.

        Every annotated asset lands in exactly one part, and the sizes are the ratios by largest remainder, so a part
        may be empty. The same ``random_seed`` (a number, a text or bytes) gives the same split of the same version,
        on any backend; no other random numbers are touched.

        Returns the parts, for each the number of shapes by label, and the labels of the version. Raises
        BadRequestError for ratios or a seed that make no sense, NoDataError where no asset is annotated.
        """
        answer: tuple[list[MultiAsset], list[dict[str, int]], list[Label]] = self._call(
            self._inner.split_into_multi_assets, ratios, random_seed, load_asset_page_size
        )
        return answer

    def iter_split(
        self, ratios: Sequence[float], random_seed: Any = None, load_asset_page_size: int = 1000
    ) -> Iterator[tuple[int, Asset]]:
        """The annotated assets one after another, each with the number of its part, counted from 0.

        The parts are those of :meth:`split_into_multi_assets` with the same seed, for versions of any size: the
        listing is walked over twice, and one page is held at a time. Raises ConflictError where the number of
        annotated assets changes meanwhile.
        """
        return self._iterate(self._inner.iter_split, ratios, random_seed, load_asset_page_size)

    def add_data(
        self,
        data: Data | Sequence[Data] | MultiData,
        tags: Sequence[str | Tag] | None = None,
        wait: bool = True,
    ) -> Job:
        """Make data of a datalake assets of this version.

        A data that is in already is not added twice but gains the ``tags``, which are asset tags, created where
        missing. With ``wait``, the end of the work is waited for: JobFailedError where it failed.

        Returns the job of the last of the calls, each of which carries up to 10,000 data.
        """
        answer: Job = self._call(self._inner.add_data, data, tags, wait)
        return answer

    def find_asset(
        self,
        data: Data | None = None,
        filename: str | None = None,
        object_name: str | None = None,
        id: str | UUID | None = None,
    ) -> Asset:
        """The one asset that matches all that is given.

        Raises NotFoundError where there is none, ConflictError that names the candidates where there are several.
        """
        answer: Asset = self._call(self._inner.find_asset, data, filename, object_name, id)
        return answer

    def list_assets(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: Tag | str | Sequence[Tag | str] | None = None,
        data_tags: Tag | str | Sequence[Tag | str] | None = None,
        intersect_tags: bool = False,
        intersect_data_tags: bool = False,
        filenames: Sequence[str] | None = None,
        object_names: Sequence[str] | None = None,
        ids: Sequence[str | UUID] | None = None,
        filenames_startswith: Sequence[str] | None = None,
        q: str | None = None,
        data_ids: Sequence[str | UUID] | None = None,
        assignment_status: AssignmentStatus | str | None = None,
        assignment_step_id: str | UUID | None = None,
        assignment_user_id: str | UUID | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> MultiAsset:
        """The assets, newest first unless ``order_by`` names fields (``-`` for descending).

        ``tags``: those that carry one of these asset tags, every one with ``intersect_tags``; ``data_tags`` the same
        for tags of the data behind them. At most one of ``filenames``, ``object_names``, ``ids``,
        ``filenames_startswith`` and ``data_ids`` may be given. ``q`` is a condition in the query language.
        ``page_size`` is accepted and has no effect. An empty answer is an empty MultiAsset.
        """
        answer: MultiAsset = self._call(
            self._inner.list_assets,
            limit,
            offset,
            page_size,
            order_by,
            tags,
            data_tags,
            intersect_tags,
            intersect_data_tags,
            filenames,
            object_names,
            ids,
            filenames_startswith,
            q,
            data_ids,
            assignment_status,
            assignment_step_id,
            assignment_user_id,
            custom_metadata,
        )
        return answer

    def iter_assets(
        self,
        limit: int | None = None,
        offset: int | None = None,
        page_size: int | None = None,
        order_by: list[str] | None = None,
        tags: Tag | str | Sequence[Tag | str] | None = None,
        data_tags: Tag | str | Sequence[Tag | str] | None = None,
        intersect_tags: bool = False,
        intersect_data_tags: bool = False,
        filenames: Sequence[str] | None = None,
        object_names: Sequence[str] | None = None,
        ids: Sequence[str | UUID] | None = None,
        filenames_startswith: Sequence[str] | None = None,
        q: str | None = None,
        data_ids: Sequence[str | UUID] | None = None,
        assignment_status: AssignmentStatus | str | None = None,
        assignment_step_id: str | UUID | None = None,
        assignment_user_id: str | UUID | None = None,
        custom_metadata: dict[str, Any] | None = None,
    ) -> Iterator[Asset]:
        """The same as :meth:`list_assets`, one asset after another; one page is held at a time."""
        return self._iterate(
            self._inner.iter_assets,
            limit,
            offset,
            page_size,
            order_by,
            tags,
            data_tags,
            intersect_tags,
            intersect_data_tags,
            filenames,
            object_names,
            ids,
            filenames_startswith,
            q,
            data_ids,
            assignment_status,
            assignment_step_id,
            assignment_user_id,
            custom_metadata,
        )

    def delete_assets(self, assets: Asset | Sequence[Asset] | MultiAsset) -> None:
        """Take assets out of this version, with their annotations; the data stay in the lake."""
        self._call(self._inner.delete_assets, assets)

    def download(
        self,
        target_path: str | Path | None = None,
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        layout: Layout | str = Layout.NAMES,
        durable: bool = False,
        retry_failed: bool = False,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files of all assets into a folder, by default ``./<dataset>/<version>``.

        Files that are there already and complete are not fetched again, unless ``force_replace``; a good file gives
        way only to a verified one. At most ``max_workers`` files are under way at a time. With ``use_id`` files are
        called ``<asset id>.<extension>``, with ``layout="tree"`` as the storage calls them, in its folders. What is
        done is noted in the folder's ``.headrace``; with ``durable`` each file is on the disk before it is seen.
        With ``retry_failed`` only what the last run into the folder could not fetch is taken up.

        Raises PartialTransferError that names what could not be fetched; the rest is complete, and the same call
        goes on from there.
        """
        answer: TransferReport = self._call(
            self._inner.download,
            target_path,
            force_replace,
            max_workers,
            use_id,
            layout=layout,
            durable=durable,
            retry_failed=retry_failed,
            progress=progress,
        )
        return answer

    def synchronize(self, target_dir: str | Path, do_download: bool = False) -> MultiAsset:
        """Compare the version with a folder: the assets whose file is not there, or is not complete.

        With ``do_download`` they are downloaded into it. Files of the folder that no asset has are named in the log.
        Raises NotADirectoryError where there is no such folder, PartialTransferError as :meth:`download` does.
        """
        answer: MultiAsset = self._call(self._inner.synchronize, target_dir, do_download)
        return answer

    def list_asset_tags(self) -> list[Tag]:
        """The asset tags of this version."""
        answer: list[Tag] = self._call(self._inner.list_asset_tags)
        return answer

    def create_asset_tag(self, name: str) -> Tag:
        """A new tag for the assets of this version; ConflictError where there is one of that name."""
        answer: Tag = self._call(self._inner.create_asset_tag, name)
        return answer

    def get_asset_tag(self, name: str) -> Tag:
        """The asset tag of that name; NotFoundError where there is none."""
        answer: Tag = self._call(self._inner.get_asset_tag, name)
        return answer

    def convert_tags_to_classification(
        self, tag_type: TagTarget | str, tags: Sequence[Tag], wait: bool = True
    ) -> Job:
        """Classify the assets that carry these tags, with labels of the tags' names.

        ``tag_type`` is ASSET, or DATA for tags of the data behind the assets. Assets that are classified so already
        get nothing. Raises BadRequestError unless the version's type is CLASSIFICATION or MULTI; with ``wait``,
        JobFailedError where the work failed.
        """
        answer: Job = self._call(self._inner.convert_tags_to_classification, tag_type, tags, wait)
        return answer

    def get_or_create_asset_tag(self, name: str) -> Tag:
        """The asset tag of that name, made where there is none."""
        answer: Tag = self._call(self._inner.get_or_create_asset_tag, name)
        return answer

    def list_labels(self) -> list[Label]:
        """The labels of this version, in order of creation."""
        answer: list[Label] = self._call(self._inner.list_labels)
        return answer

    def create_label(self, name: str) -> Label:
        """A new label; ConflictError where the version has one of that name."""
        answer: Label = self._call(self._inner.create_label, name)
        return answer

    def get_label(self, name: str) -> Label:
        """The label of that name; NotFoundError where there is none."""
        answer: Label = self._call(self._inner.get_label, name)
        return answer

    def get_or_create_label(self, name: str) -> Label:
        """The label of that name, made where there is none."""
        answer: Label = self._call(self._inner.get_or_create_label, name)
        return answer

    def list_label_groups(self) -> list[LabelGroup]:
        """The label groups of this version."""
        answer: list[LabelGroup] = self._call(self._inner.list_label_groups)
        return answer

    def create_label_group(self, name: str, parent: LabelGroup | None = None) -> LabelGroup:
        """A new label group; ConflictError where the version has one of that name."""
        answer: LabelGroup = self._call(self._inner.create_label_group, name, parent)
        return answer

    def get_skeletons(self) -> dict[str, dict[str, Any]]:
        """The skeletons of the labels that have one, by the labels' ids."""
        answer: dict[str, dict[str, Any]] = self._call(self._inner.get_skeletons)
        return answer

    def get_attributes(self) -> dict[str, Any] | None:
        """The kinds of attributes that the annotations have, by name; None where none are said."""
        answer: dict[str, Any] | None = self._call(self._inner.get_attributes)
        return answer

    def set_attributes(self, attributes: dict[str, Any] | None) -> None:
        """Say which attributes the annotations have, as :meth:`headrace.Label.set_attributes` does for shapes."""
        self._call(self._inner.set_attributes, attributes)

    def list_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        order_by: list[str] | None = None,
        page_size: int | None = None,
    ) -> MultiAnnotation:
        """The annotations without their shapes, newest first unless ``order_by`` names fields (``-`` for descending).

        With ``worker`` those of one user alone. ``page_size`` is accepted and has no effect. Awaited whole, an empty
        answer is NoDataError; walked over, it is no items.
        """
        answer: MultiAnnotation = self._call(
            self._inner.list_annotations, worker, status, limit, offset, order_by, page_size
        )
        return answer

    def delete_all_annotations(self, workers: Sequence[Worker | UUID | str] | None = None) -> None:
        """Delete all annotations of this version with their shapes, or those of ``workers``.

        Annotations that are made while this runs stay. Where the platform does not tell annotations by worker, it
        deletes nothing and raises BadRequestError for ``workers``.
        """
        self._call(self._inner.delete_all_annotations, workers)

    def load_annotations(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        chunk_size: int = 100,
        max_workers: int | None = None,
        skip_error: bool = False,
    ) -> dict[str, list[dict[str, Any]]]:
        """All annotations with their shapes: asset id to annotations, newest first.

        ``chunk_size`` annotations are asked for in one call, ``max_workers`` calls are under way at a time. With
        ``skip_error`` a call that fails is left out and logged. With ``worker`` those of one user alone.
        """
        answer: dict[str, list[dict[str, Any]]] = self._call(
            self._inner.load_annotations,
            worker,
            status,
            assets,
            chunk_size,
            max_workers,
            skip_error,
        )
        return answer

    def iter_annotations(
        self,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        worker: Worker | UUID | str | None = None,
    ) -> Iterator[LoadedAnnotation]:
        """Annotations with their shapes, one after another in the order of their assets; one page is held at a time."""
        return self._iterate(self._inner.iter_annotations, status, assets, worker)

    def retrieve_stats(self) -> VersionStats:
        """Shapes under each label, shapes and annotations in all."""
        answer: VersionStats = self._call(self._inner.retrieve_stats)
        return answer

    def import_annotations(
        self,
        path: str | Path,
        format: str | None = None,
        *,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        status: AnnotationStatus | str | None = None,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        worker: Worker | UUID | str | None = None,
        on_error: OnError = "raise",
        progress: OnProgress | None = None,
        **read_options: Any,
    ) -> ImportReport:
        """Import an annotation file or folder of any format that headrace reads; the format is found by looking.

        ``mode`` says what happens to an asset that is annotated already: REPLACE, KEEP or CONCATENATE. Images are
        matched to assets by their whole name, then by its last part; by what ``export_key`` says, or by asset id with
        ``use_id``. Of a version's type depends what is taken of each object: its box (OBJECT_DETECTION), its outline
        (SEGMENTATION), its keypoints (KEYPOINT), its class alone (CLASSIFICATION), else all that is there. The annotations
        become those of ``worker``, the caller's where none is given. ``on_error`` is ``raise``, ``skip`` or ``collect``
        (all faults first, then the error). ``read_options`` are those of
        :class:`headrace.formats.ReadOptions`.

        An import that was interrupted goes on where it was when the same is called again. Nothing is written where
        an image is no asset of this version (NotFoundError, unless ``fail_on_asset_not_found`` is off), where an
        image could be several assets (ConflictError), or where a label is unknown and may not be created
        (NotFoundError). A file that is not what its format demands ends in ParseError.
        """
        answer: ImportReport = self._call(
            self._inner.import_annotations,
            path,
            format,
            mode=mode,
            status=status,
            force_create_label=force_create_label,
            fail_on_asset_not_found=fail_on_asset_not_found,
            use_id=use_id,
            export_key=export_key,
            worker=worker,
            on_error=on_error,
            progress=progress,
            **read_options,
        )
        return answer

    def import_annotations_coco_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> dict[str, int]:
        """Import a COCO file; see :meth:`import_annotations` for what is checked and raised.

        The annotations become those of ``worker``, the caller's where none is given.

        Returns the number of shapes that were written under each annotation id.
        """
        answer: dict[str, int] = self._call(
            self._inner.import_annotations_coco_file,
            file_path,
            worker,
            mode,
            force_create_label,
            fail_on_asset_not_found,
            status,
            use_id,
            export_key,
        )
        return answer

    def import_annotations_coco_video_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> dict[str, int]:
        """Import a video COCO file: its videos are matched to assets; see :meth:`import_annotations_coco_file`."""
        answer: dict[str, int] = self._call(
            self._inner.import_annotations_coco_video_file,
            file_path,
            worker,
            mode,
            force_create_label,
            fail_on_asset_not_found,
            status,
            use_id,
            export_key,
        )
        return answer

    def import_annotation_voc_file(
        self,
        file_path: str | Path,
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        status: AnnotationStatus | str | None = None,
    ) -> dict[str, int]:
        """Import one Pascal VOC file, of one image; see :meth:`import_annotations_coco_file`."""
        answer: dict[str, int] = self._call(
            self._inner.import_annotation_voc_file,
            file_path,
            worker,
            mode,
            force_create_label,
            status,
        )
        return answer

    def import_annotations_yolo_files(
        self,
        configuration_yaml_path: str | Path,
        file_paths: Sequence[str | Path],
        worker: Worker | UUID | str | None = None,
        mode: ImportAnnotationMode | str = ImportAnnotationMode.REPLACE,
        force_create_label: bool = True,
        fail_on_asset_not_found: bool = True,
        status: AnnotationStatus | str | None = None,
    ) -> dict[str, int]:
        """Import YOLO label files, with the classes of a description (``data.yaml``).

        ``a.txt`` is of the asset called ``a`` with any extension; its size is the asset's, so no image is needed
        here. For a version of type CLASSIFICATION the first number of a row is a class and the rest is left aside.
        See :meth:`import_annotations_coco_file`; two label files of one name are refused (BadRequestError).
        """
        answer: dict[str, int] = self._call(
            self._inner.import_annotations_yolo_files,
            configuration_yaml_path,
            file_paths,
            worker,
            mode,
            force_create_label,
            fail_on_asset_not_found,
            status,
        )
        return answer

    def export(
        self,
        target: str | Path,
        format: str = "coco",
        *,
        status: AnnotationStatus | str | None = None,
        assets: Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        overwrite: bool = False,
        strict: bool = False,
        progress: OnProgress | None = None,
        **write_options: Any,
    ) -> ExportReport:
        """Write the annotations as a file or folder of any format that headrace writes.

        The target appears complete or not at all. Assets without annotation are in it too. Only the newest
        annotation of an asset is written, among those of ``status`` where that is given. ``export_key`` says what the
        file calls an asset: FILENAME unless given, ASSET_ID with ``use_id``. What the format cannot say
        is counted in the report's findings, and raises LossyWriteError where ``strict``. ``write_options`` are those
        of :class:`headrace.formats.WriteOptions`. In a folder, a file whose name is unsafe on some system is called as
        a download calls it, and ``.headrace/names.jsonl`` tells.

        Raises FormatError where the target exists, unless ``overwrite``.
        """
        answer: ExportReport = self._call(
            self._inner.export,
            target,
            format,
            status=status,
            assets=assets,
            use_id=use_id,
            export_key=export_key,
            overwrite=overwrite,
            strict=strict,
            progress=progress,
            **write_options,
        )
        return answer

    def export_annotation_file(
        self,
        annotation_file_type: AnnotationFileType | str,
        target_path: str | Path = "./",
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        force_replace: bool = True,
        export_video: bool = False,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
    ) -> str:
        """Have the platform write an annotation file, and download it into a folder: COCO, YOLO or PASCAL_VOC.

        The newest annotation of each asset is in it, among those of ``status`` where that is given. ``export_key``
        says what the file calls an asset: FILENAME unless given, ASSET_ID with ``use_id``. COCO comes as JSON, the
        others as a zip, with a ``names.jsonl`` where names were not safe. With ``export_video`` the COCO file holds the tracks of videos, and nothing else. Without
        ``force_replace`` a file that is there stays. With ``worker`` the newest annotation is that of one user.

        Returns the path of the file, ``<target_path>/<object name>``.
        """
        answer: str = self._call(
            self._inner.export_annotation_file,
            annotation_file_type,
            target_path,
            assets,
            worker,
            status,
            force_replace,
            export_video,
            use_id,
            export_key,
        )
        return answer

    def build_coco_file_locally(
        self,
        worker: Worker | UUID | str | None = None,
        status: AnnotationStatus | str | None = None,
        enforced_ordered_categories: Sequence[str] | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        use_id: bool = False,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> CocoFile:
        """A COCO file in memory, of the newest annotation of each asset that has one, among those of ``status``.

        Images stand as the version lists them, or as ``assets`` are given; images and categories are counted from 0
        and annotations from 1, the same in every run. ``enforced_ordered_categories`` are the first categories; the
        other labels follow in order of creation. ``export_key`` says what the file calls an asset: FILENAME unless
        given, ASSET_ID with ``use_id``. What COCO has no words for (lines, points, tracks) is told in ``findings``,
        and logged. With ``worker`` the newest annotation is that of one user. ``chunk_size`` is accepted and has no
        effect.

        Raises NotFoundError for a category that is no label of the version.
        """
        answer: CocoFile = self._call(
            self._inner.build_coco_file_locally,
            worker,
            status,
            enforced_ordered_categories,
            assets,
            use_id,
            export_key,
            chunk_size,
        )
        return answer

    def build_pascal_voc_locally(
        self,
        target_path: str | Path,
        status: AnnotationStatus | str | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> str:
        """Write ``<stem>.xml`` into a folder for every asset that has an annotation; the folder's path.

        Of equal stems the later one gets ``-2``. See :meth:`build_coco_file_locally`.
        """
        answer: str = self._call(
            self._inner.build_pascal_voc_locally,
            target_path,
            status,
            assets,
            export_key,
            chunk_size,
        )
        return answer

    def build_yolo_files_locally(
        self,
        target_path: str | Path,
        status: AnnotationStatus | str | None = None,
        enforced_ordered_categories: Sequence[str] | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        export_key: AnnotationExportKey | str | None = None,
        chunk_size: int | None = None,
    ) -> str:
        """Write ``data.yaml`` and ``<stem>.txt`` into a folder for every asset that has an annotation; its path.

        Rows are polygons where the version's type is SEGMENTATION or MASK, keypoints where it is KEYPOINT, else
        boxes. Of equal stems the later one gets ``-2``, and ``renamed.jsonl`` tells. BadRequestError where the type is
        CLASSIFICATION. See :meth:`build_coco_file_locally`.
        """
        answer: str = self._call(
            self._inner.build_yolo_files_locally,
            target_path,
            status,
            enforced_ordered_categories,
            assets,
            export_key,
            chunk_size,
        )
        return answer

    def fork(
        self,
        version: str,
        description: str | None = None,
        assets: Asset | Sequence[Asset] | MultiAsset | None = None,
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
        with_tags: bool = False,
        with_labels: bool = False,
        with_annotations: bool = False,
        wait: bool = True,
    ) -> tuple[Self, Job]:
        """Make a new version of this dataset with the assets of this one, or with some of them.

        ``with_annotations`` brings the annotations of all accounts, and the labels. No file is copied. The type is
        not inherited. Until its job has ended the new version can be read but not changed.

        Raises ConflictError where the name is taken; with ``wait``, JobFailedError where the work failed.

        Returns the new version and the job that fills it.
        """
        answer: tuple[Self, Job] = self._call(
            self._inner.fork,
            version,
            description,
            assets,
            type,
            with_tags,
            with_labels,
            with_annotations,
            wait,
        )
        return answer

    def copy_assets_to(
        self,
        destination: Self,
        assets: Asset | Sequence[Asset] | MultiAsset,
        with_tags: bool = False,
        with_annotations: bool = False,
        wait: bool = True,
    ) -> Job:
        """Copy assets of this version into another one of the same dataset.

        Data that are there already keep their annotations and gain the tags. Labels are matched by name.

        Raises BadRequestError where the destination is of another dataset or this very version; with ``wait``,
        JobFailedError where the work failed.

        Returns the job of the last of the calls, each of which carries up to 10,000 assets.
        """
        answer: Job = self._call(
            self._inner.copy_assets_to, destination, assets, with_tags, with_annotations, wait
        )
        return answer

    def create_campaign(
        self,
        name: str | None = None,
        description: str | None = None,
        instructions_file_path: str | Path | None = None,
        instructions_text: str | None = None,
        end_date: date | None = None,
        auto_add_new_assets: bool | None = False,
        auto_close_on_completion: bool | None = False,
    ) -> AnnotationCampaign:
        """The annotation campaign of this version, without steps and tasks yet. ``name`` has no effect.

        With ``auto_add_new_assets`` every asset that is added becomes a task as soon as the campaign has a step; with
        ``auto_close_on_completion`` the campaign closes when its last task is done.

        Raises ConflictError where the version has a campaign already.
        """
        answer: AnnotationCampaign = self._call(
            self._inner.create_campaign,
            name,
            description,
            instructions_file_path,
            instructions_text,
            end_date,
            auto_add_new_assets,
            auto_close_on_completion,
        )
        return answer

    def get_campaign(self) -> AnnotationCampaign:
        """The annotation campaign of this version; NoDataError where there is none."""
        answer: AnnotationCampaign = self._call(self._inner.get_campaign)
        return answer

    def launch_processing(
        self,
        processing: Processing,
        parameters: dict[str, Any] | None = None,
        cpu: int | None = None,
        gpu: int | None = None,
        *,
        assets: MultiAsset | Iterable[Asset] | None = None,
        inputs: dict[str, Any] | None = None,
    ) -> Job:
        """Run a processing on this version, or on some of its ``assets``, as a job in a process of its own.

        What is not given is the processing's default. The program runs on the lake's machine and belongs to the
        process that has the lake open: the server, or this one, whose end is the program's end too.

        Raises before anything runs: BadRequestError for parameters that the processing does not take, a version of a
        type that it is not for, or one without assets; InsufficientResourcesError for more processors than there are.
        """
        answer: Job = self._call(
            self._inner.launch_processing,
            processing,
            parameters,
            cpu,
            gpu,
            assets=assets,
            inputs=inputs,
        )
        return answer

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def record(self) -> DatasetVersionRecord:
        """What was last read of it."""
        return self._inner.record


class Dataset(Face[AsyncDataset]):
    """A dataset, of which there may be many versions."""

    __slots__ = ()

    @property
    def ids(self) -> list[UUID]:
        """The id, as a list of one."""
        return self._inner.ids

    @property
    def name(self) -> str:
        """The name of the dataset."""
        return self._inner.name

    def sync(self) -> None:
        """Read the dataset again."""
        self._call(self._inner.sync)

    def list_users(self) -> list[User]:
        """Those who may use the dataset."""
        answer: list[User] = self._call(self._inner.list_users)
        return answer

    def add_user(self, user: User, role: str | None = None) -> None:
        """Let a user of the organization use the dataset; NotFoundError for somebody else.

        On headrace whoever is in the organization may use all of its datasets, with whatever ``role``.
        """
        self._call(self._inner.add_user, user, role)

    def list_workers(self) -> list[Worker]:
        """Those who may work on the dataset."""
        answer: list[Worker] = self._call(self._inner.list_workers)
        return answer

    def find_worker(self, username: str) -> Worker:
        """The worker of that name; NotFoundError where there is none."""
        answer: Worker = self._call(self._inner.find_worker, username)
        return answer

    def get_tags(self) -> list[Tag]:
        """The tags of the dataset."""
        answer: list[Tag] = self._call(self._inner.get_tags)
        return answer

    def update(
        self, name: str | None = None, private: bool | None = None, description: str | None = None
    ) -> None:
        """Rename or describe the dataset; ConflictError where the name is taken.

        ``private`` is accepted and has no effect: a dataset is its organization's.
        """
        self._call(self._inner.update, name, private, description)

    def delete(self) -> None:
        """Delete the dataset with all its versions, their assets and annotations; the data stay in the lake."""
        self._call(self._inner.delete)

    def create_version(
        self,
        version: str,
        description: str = "",
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
    ) -> DatasetVersion:
        """A new, empty version; ConflictError where the dataset has one of that name."""
        answer: DatasetVersion = self._call(self._inner.create_version, version, description, type)
        return answer

    def get_version(self, version: str) -> DatasetVersion:
        """The version of that name; NotFoundError where there is none."""
        answer: DatasetVersion = self._call(self._inner.get_version, version)
        return answer

    def get_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """The version of that id; NotFoundError where this dataset has none such."""
        answer: DatasetVersion = self._call(self._inner.get_version_by_id, id)
        return answer

    def list_versions(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> list[DatasetVersion]:
        """The versions, newest first unless ``order_by`` names fields (``-`` for descending)."""
        answer: list[DatasetVersion] = self._call(
            self._inner.list_versions, limit, offset, order_by
        )
        return answer

    def iter_versions(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> Iterator[DatasetVersion]:
        """The same as :meth:`list_versions`, one after another."""
        return self._iterate(self._inner.iter_versions, limit, offset, order_by)

    @property
    def id(self) -> UUID:
        """The id of this object."""
        return self._inner.id

    def add_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Attach a tag or several; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.add_tags, tags)

    def remove_tags(self, tags: Tag | Sequence[Tag]) -> None:
        """Take a tag or several off; BadRequestError where a tag is for another kind of thing."""
        self._call(self._inner.remove_tags, tags)

    @property
    def record(self) -> DatasetRecord:
        """What was last read of it."""
        return self._inner.record


class Client(Face[AsyncClient]):
    """An organization's datalakes and datasets, in a lake or on a server.

    Get one from :func:`headrace.blocking.connect`, and close it, or use it with ``with``.
    """

    __slots__ = ()

    @property
    def id(self) -> UUID:
        """The id of the organization."""
        return self._inner.id

    @property
    def name(self) -> str:
        """The name of the organization."""
        return self._inner.name

    @property
    def username(self) -> str:
        """Who the calls are made for."""
        return self._inner.username

    def close(self) -> None:
        """Close connections; the client cannot be used afterwards."""
        self._call(self._inner.aclose)
        portal().forget(self._session)

    def sync(self) -> None:
        """Read the organization again."""
        self._call(self._inner.sync)

    def list_users(self, username: str | None = None) -> list[User]:
        """The users of the organization, or the one of a name."""
        answer: list[User] = self._call(self._inner.list_users, username)
        return answer

    def get_datalake(self, id: str | UUID | None = None, name: str | None = None) -> Datalake:
        """The datalake of that id or name, the default one where neither is given; NotFoundError where there is none."""
        answer: Datalake = self._call(self._inner.get_datalake, id, name)
        return answer

    def list_datalakes(self) -> list[Datalake]:
        """All datalakes of the organization."""
        answer: list[Datalake] = self._call(self._inner.list_datalakes)
        return answer

    def create_datasource(self, name: str) -> DataSource:
        """A new data source; ConflictError where there is one of that name."""
        answer: DataSource = self._call(self._inner.create_datasource, name)
        return answer

    def get_datasource(self, name: str) -> DataSource:
        """The data source of that name; NotFoundError where there is none."""
        answer: DataSource = self._call(self._inner.get_datasource, name)
        return answer

    def get_or_create_datasource(self, name: str) -> DataSource:
        """The data source of that name, made where there is none."""
        answer: DataSource = self._call(self._inner.get_or_create_datasource, name)
        return answer

    def list_datasources(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> list[DataSource]:
        """The data sources of the organization."""
        answer: list[DataSource] = self._call(self._inner.list_datasources, limit, offset, order_by)
        return answer

    def create_dataset(
        self, name: str, description: str = "", private: bool | None = None
    ) -> Dataset:
        """A new dataset; ConflictError where the organization has one of that name.

        ``private`` is accepted and has no effect: a dataset is its organization's.
        """
        answer: Dataset = self._call(self._inner.create_dataset, name, description, private)
        return answer

    def get_dataset(self, name: str) -> Dataset:
        """The dataset of that name; NotFoundError where there is none."""
        answer: Dataset = self._call(self._inner.get_dataset, name)
        return answer

    def get_dataset_by_id(self, id: str | UUID) -> Dataset:
        """The dataset of that id; NotFoundError where there is none."""
        answer: Dataset = self._call(self._inner.get_dataset_by_id, id)
        return answer

    def list_datasets(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> list[Dataset]:
        """The datasets, newest first unless ``order_by`` names fields (``-`` for descending)."""
        answer: list[Dataset] = self._call(self._inner.list_datasets, limit, offset, order_by)
        return answer

    def iter_datasets(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> Iterator[Dataset]:
        """The same as :meth:`list_datasets`, one after another."""
        return self._iterate(self._inner.iter_datasets, limit, offset, order_by)

    def get_dataset_version_by_id(self, id: str | UUID) -> DatasetVersion:
        """The version of that id; NotFoundError where there is none."""
        answer: DatasetVersion = self._call(self._inner.get_dataset_version_by_id, id)
        return answer

    def version(self, name: str) -> DatasetVersion:
        """The version ``"dataset/version"``; NotFoundError where there is none."""
        answer: DatasetVersion = self._call(self._inner.version, name)
        return answer

    def push(
        self,
        name: str,
        paths: str | Path | Iterable[str | Path],
        *,
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
        tags: Iterable[str] = (),
        max_workers: int | None = None,
        retry_failed: bool = False,
        progress: OnProgress | None = None,
    ) -> PushReport:
        """Bring files, or whole folders of images and videos, into the version ``"dataset/version"``.

        The dataset and the version are made where they are missing (with ``type``). A file of the same name and
        content that the default datalake has already is not uploaded again, so a push that was interrupted goes on
        when it is called again. ``tags`` are data tags for what is uploaded. With ``retry_failed`` only
        those of the files are taken up that failed in the last push into the version.

        Raises PartialTransferError where some files failed; its report names them, the others are in the version.
        """
        answer: PushReport = self._call(
            self._inner.push,
            name,
            paths,
            type=type,
            tags=tags,
            max_workers=max_workers,
            retry_failed=retry_failed,
            progress=progress,
        )
        return answer

    def sync_folder(
        self,
        name: str,
        folder: str | Path,
        *,
        direction: Direction | str = Direction.BOTH,
        delete: bool = False,
        prefer: Side | str | None = None,
        dry_run: bool = False,
        max_workers: int | None = None,
        progress: OnProgress | None = None,
    ) -> SyncReport:
        """Make a folder and the version ``"dataset/version"`` hold the same files; the report tells of each step.

        What one side changed since the last time goes to the other one: ``"both"`` ways, only ``"down"`` into the folder,
        or only ``"up"`` into the version. What both changed is in ``report.conflicts`` and stays as it is on both sides,
        unless ``prefer`` says which wins, ``"local"`` or ``"remote"``. Deletions follow only with ``delete``. Nothing is
        done with ``dry_run``.

        A changed picture is a new asset in the place of the old one, which leaves the version; one whose annotations would
        go with it is a conflict. Of the folder's files images and videos count, hidden ones do not.

        Raises NotADirectoryError where there is no such folder, and PartialTransferError where files could not be
        moved; the rest is done, and the same call goes on.
        """
        answer: SyncReport = self._call(
            self._inner.sync_folder,
            name,
            folder,
            direction=direction,
            delete=delete,
            prefer=prefer,
            dry_run=dry_run,
            max_workers=max_workers,
            progress=progress,
        )
        return answer

    def list_annotation_campaigns(self, is_closed: bool | None = None) -> list[AnnotationCampaign]:
        """The annotation campaigns of all versions, newest first: all, or only the closed or the open ones."""
        answer: list[AnnotationCampaign] = self._call(
            self._inner.list_annotation_campaigns, is_closed
        )
        return answer

    def get_job_by_id(self, id: str | UUID) -> Job:
        """The job of that id, of either kind; NotFoundError where there is none."""
        answer: Job = self._call(self._inner.get_job_by_id, id)
        return answer

    def request(self, operation: str, /, **fields: Any) -> Any:
        """Answer any operation of the table by its name; the record of the answer.

        ``fields`` are those of the operation's request, with ids as UUIDs or text; this organization's id is filled
        in. Raises BadRequestError that names what is wrong, and what the operation raises.
        """
        answer: Any = self._call(self._inner.request, operation, **fields)
        return answer

    def create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """A new tag for ``target_type`` (DATASET, DATASET_VERSION …); ConflictError where there is one of that name."""
        answer: Tag = self._call(self._inner.create_tag, name, target_type)
        return answer

    def get_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """The tag of that name for ``target_type``; NotFoundError where there is none."""
        answer: Tag = self._call(self._inner.get_tag, name, target_type)
        return answer

    def get_or_create_tag(self, name: str, target_type: TagTarget | str) -> Tag:
        """The tag of that name for ``target_type``, made where there is none."""
        answer: Tag = self._call(self._inner.get_or_create_tag, name, target_type)
        return answer

    def list_tags(self, target_type: TagTarget | str) -> list[Tag]:
        """The organization's tags for ``target_type``."""
        answer: list[Tag] = self._call(self._inner.list_tags, target_type)
        return answer

    def create_dataset_tag(self, name: str) -> Tag:
        """A new tag for datasets; ConflictError where there is one of that name."""
        answer: Tag = self._call(self._inner.create_dataset_tag, name)
        return answer

    def find_dataset_tag(self, name: str) -> Tag:
        """The tag for datasets of that name; NotFoundError where there is none."""
        answer: Tag = self._call(self._inner.find_dataset_tag, name)
        return answer

    def list_dataset_tags(self) -> list[Tag]:
        """The tags for datasets."""
        answer: list[Tag] = self._call(self._inner.list_dataset_tags)
        return answer

    def create_dataset_version_tag(self, name: str) -> Tag:
        """A new tag for dataset versions; ConflictError where there is one of that name."""
        answer: Tag = self._call(self._inner.create_dataset_version_tag, name)
        return answer

    def find_dataset_version_tag(self, name: str) -> Tag:
        """The tag for dataset versions of that name; NotFoundError where there is none."""
        answer: Tag = self._call(self._inner.find_dataset_version_tag, name)
        return answer

    def list_dataset_version_tags(self) -> list[Tag]:
        """The tags for dataset versions."""
        answer: list[Tag] = self._call(self._inner.list_dataset_version_tags)
        return answer

    def list_processings(
        self, limit: int | None = None, offset: int | None = None, order_by: list[str] | None = None
    ) -> list[Processing]:
        """The processings, shipped ones first unless ``order_by`` names fields (``-`` for descending)."""
        answer: list[Processing] = self._call(self._inner.list_processings, limit, offset, order_by)
        return answer

    def get_processing(self, name: str) -> Processing:
        """The processing of that name; NotFoundError where there is none."""
        answer: Processing = self._call(self._inner.get_processing, name)
        return answer

    def create_processing(
        self,
        name: str,
        target: str | ProcessingTargetType,
        default_cpu: int,
        default_gpu: int,
        default_parameters: dict[str, Any],
        docker_image: str,
        docker_tag: str,
        docker_flags: list[str] | None = None,
        type: str | ProcessingType | None = None,
        description: str | None = None,
    ) -> Processing:
        """Register an image with a platform that runs images.

        PermissionDeniedError on headrace, which runs programs of the lake's machine: they are registered there, with
        ``headrace processing add``.
        """
        answer: Processing = self._call(
            self._inner.create_processing,
            name,
            target,
            default_cpu,
            default_gpu,
            default_parameters,
            docker_image,
            docker_tag,
            docker_flags,
            type,
            description,
        )
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


FACES[AsyncTag] = Tag
FACES[AsyncLabel] = Label
FACES[AsyncLabelGroup] = LabelGroup
FACES[AsyncJob] = Job
FACES[AsyncProcessing] = Processing
FACES[AsyncDataSource] = DataSource
FACES[AsyncData] = Data
FACES[AsyncMultiData] = MultiData
FACES[AsyncRectangle] = Rectangle
FACES[AsyncPolygon] = Polygon
FACES[AsyncLine] = Line
FACES[AsyncPoint] = Point
FACES[AsyncClassification] = Classification
FACES[AsyncMask] = Mask
FACES[AsyncAnnotation] = Annotation
FACES[AsyncMultiAnnotation] = MultiAnnotation
FACES[AsyncAsset] = Asset
FACES[AsyncMultiAsset] = MultiAsset
FACES[AsyncDatalake] = Datalake
FACES[AsyncUser] = User
FACES[AsyncWorker] = Worker
FACES[AsyncAnnotationCampaignStep] = AnnotationCampaignStep
FACES[AsyncAnnotationCampaignAssignment] = AnnotationCampaignAssignment
FACES[AsyncAnnotationCampaign] = AnnotationCampaign
FACES[AsyncDatasetVersion] = DatasetVersion
FACES[AsyncDataset] = Dataset
FACES[AsyncClient] = Client
