"""headrace moves vision-dataset versions: it reads, writes, keeps and carries them.

::

    import headrace

    async with headrace.connect("lake/") as client:
        version = await client.version("bccd/v1")
        await version.export("bccd.json", format="coco")

Without ``async``: :mod:`headrace.blocking`. All names are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace._version import __version__

if TYPE_CHECKING:
    from headrace import blocking, errors, formats
    from headrace.engine.convert.conversion import ConversionReport, convert
    from headrace.engine.exports.exporting import ExportReport
    from headrace.engine.imports.report import ImportReport
    from headrace.engine.sync.syncing import SyncReport
    from headrace.engine.upload.push import PushReport
    from headrace.errors import HeadraceError
    from headrace.model.enums import (
        AnnotationStatus,
        AssignmentStatus,
        CampaignStepType,
        DataType,
        DataUploadStatus,
        ImportAnnotationMode,
        InferenceType,
        JobRunStatus,
        JobStatus,
        ProcessingTargetType,
        ProcessingType,
        TagTarget,
    )
    from headrace.model.sample import LabelInfo, Sample
    from headrace.sdk.annotation import Annotation, MultiAnnotation
    from headrace.sdk.asset import Asset, MultiAsset
    from headrace.sdk.campaign.assignment import AnnotationCampaignAssignment
    from headrace.sdk.campaign.campaign import AnnotationCampaign
    from headrace.sdk.campaign.step import AnnotationCampaignStep
    from headrace.sdk.client.client import Client
    from headrace.sdk.client.connect import connect, create_lake
    from headrace.sdk.data import Data, MultiData
    from headrace.sdk.datalake import Datalake
    from headrace.sdk.dataset import Dataset
    from headrace.sdk.datasource import DataSource
    from headrace.sdk.job import Job
    from headrace.sdk.label import Label, LabelGroup
    from headrace.sdk.processing import Processing
    from headrace.sdk.shape import Classification, Line, Mask, Point, Polygon, Rectangle
    from headrace.sdk.tag import Tag
    from headrace.sdk.user import User, Worker
    from headrace.sdk.version.dataset_version import DatasetVersion
    from headrace.transfer.progress import ProgressEvent
    from headrace.transfer.report import TransferReport

_HOMES = {
    "Annotation": "headrace.sdk.annotation",
    "AnnotationCampaign": "headrace.sdk.campaign.campaign",
    "AnnotationCampaignAssignment": "headrace.sdk.campaign.assignment",
    "AnnotationCampaignStep": "headrace.sdk.campaign.step",
    "AnnotationStatus": "headrace.model.enums",
    "AssignmentStatus": "headrace.model.enums",
    "Asset": "headrace.sdk.asset",
    "CampaignStepType": "headrace.model.enums",
    "Classification": "headrace.sdk.shape",
    "Client": "headrace.sdk.client.client",
    "ConversionReport": "headrace.engine.convert.conversion",
    "Data": "headrace.sdk.data",
    "DataSource": "headrace.sdk.datasource",
    "DataType": "headrace.model.enums",
    "DataUploadStatus": "headrace.model.enums",
    "Datalake": "headrace.sdk.datalake",
    "Dataset": "headrace.sdk.dataset",
    "DatasetVersion": "headrace.sdk.version.dataset_version",
    "ExportReport": "headrace.engine.exports.exporting",
    "HeadraceError": "headrace.errors",
    "ImportAnnotationMode": "headrace.model.enums",
    "ImportReport": "headrace.engine.imports.report",
    "InferenceType": "headrace.model.enums",
    "Job": "headrace.sdk.job",
    "JobRunStatus": "headrace.model.enums",
    "JobStatus": "headrace.model.enums",
    "Label": "headrace.sdk.label",
    "LabelGroup": "headrace.sdk.label",
    "LabelInfo": "headrace.model.sample",
    "Line": "headrace.sdk.shape",
    "Mask": "headrace.sdk.shape",
    "MultiAnnotation": "headrace.sdk.annotation",
    "MultiAsset": "headrace.sdk.asset",
    "MultiData": "headrace.sdk.data",
    "Point": "headrace.sdk.shape",
    "Polygon": "headrace.sdk.shape",
    "Processing": "headrace.sdk.processing",
    "ProcessingTargetType": "headrace.model.enums",
    "ProcessingType": "headrace.model.enums",
    "ProgressEvent": "headrace.transfer.progress",
    "PushReport": "headrace.engine.upload.push",
    "Rectangle": "headrace.sdk.shape",
    "SyncReport": "headrace.engine.sync.syncing",
    "Sample": "headrace.model.sample",
    "Tag": "headrace.sdk.tag",
    "TagTarget": "headrace.model.enums",
    "TransferReport": "headrace.transfer.report",
    "User": "headrace.sdk.user",
    "Worker": "headrace.sdk.user",
    "connect": "headrace.sdk.client.connect",
    "convert": "headrace.engine.convert.conversion",
    "create_lake": "headrace.sdk.client.connect",
}
_MODULES = ("blocking", "errors", "formats")

__all__ = [
    "Annotation",
    "AnnotationCampaign",
    "AnnotationCampaignAssignment",
    "AnnotationCampaignStep",
    "AnnotationStatus",
    "Asset",
    "AssignmentStatus",
    "CampaignStepType",
    "Classification",
    "Client",
    "ConversionReport",
    "Data",
    "DataSource",
    "DataType",
    "DataUploadStatus",
    "Datalake",
    "Dataset",
    "DatasetVersion",
    "ExportReport",
    "HeadraceError",
    "ImportAnnotationMode",
    "ImportReport",
    "InferenceType",
    "Job",
    "JobRunStatus",
    "JobStatus",
    "Label",
    "LabelGroup",
    "LabelInfo",
    "Line",
    "Mask",
    "MultiAnnotation",
    "MultiAsset",
    "MultiData",
    "Point",
    "Polygon",
    "Processing",
    "ProcessingTargetType",
    "ProcessingType",
    "ProgressEvent",
    "PushReport",
    "Rectangle",
    "Sample",
    "SyncReport",
    "Tag",
    "TagTarget",
    "TransferReport",
    "User",
    "Worker",
    "__version__",
    "blocking",
    "connect",
    "convert",
    "create_lake",
    "errors",
    "formats",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"headrace.{name}")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
