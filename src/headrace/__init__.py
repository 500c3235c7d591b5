"""An async engine for vision datasets: versions, annotations, files, formats.

::

    import headrace

    async with headrace.connect("lake/") as client:
        version = await client.version("bccd/v1")
        await version.export("bccd.json", format="coco")

:mod:`headrace.blocking` offers the same without ``async``. Public are the names in ``__all__`` here, those of
:mod:`headrace.formats`, :mod:`headrace.blocking`, :mod:`headrace.processing` and :mod:`headrace.errors`, and the modules
of :mod:`headrace.testing`. Everything else is private and may change in any release.

Names are loaded on first use, so ``import headrace`` costs little.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from headrace._version import __version__ as __version__

if TYPE_CHECKING:  # The table below once more, for type checkers; a test compares the two.
    from headrace import blocking as blocking
    from headrace import errors as errors
    from headrace import formats as formats
    from headrace.engine.convert.report import ConversionReport as ConversionReport
    from headrace.engine.convert.run import convert as convert
    from headrace.engine.copy.report import CopyLoss as CopyLoss
    from headrace.engine.copy.report import CopyReport as CopyReport
    from headrace.engine.digest.run import VersionDigest as VersionDigest
    from headrace.engine.download.verify import VerifyReport as VerifyReport
    from headrace.engine.exports.run import ExportReport as ExportReport
    from headrace.engine.imports.report import ImportReport as ImportReport
    from headrace.engine.name_filter import NameFilter as NameFilter
    from headrace.engine.sync.report import SyncReport as SyncReport
    from headrace.engine.upload.push_batch import PushReport as PushReport
    from headrace.errors import HeadraceError as HeadraceError
    from headrace.model.enums import AnnotationStatus as AnnotationStatus
    from headrace.model.enums import AssignmentStatus as AssignmentStatus
    from headrace.model.enums import CampaignStepType as CampaignStepType
    from headrace.model.enums import DataType as DataType
    from headrace.model.enums import DataUploadStatus as DataUploadStatus
    from headrace.model.enums import ImportAnnotationMode as ImportAnnotationMode
    from headrace.model.enums import InferenceType as InferenceType
    from headrace.model.enums import JobRunStatus as JobRunStatus
    from headrace.model.enums import JobStatus as JobStatus
    from headrace.model.enums import ProcessingTargetType as ProcessingTargetType
    from headrace.model.enums import ProcessingType as ProcessingType
    from headrace.model.enums import TagTarget as TagTarget
    from headrace.model.sample import LabelInfo as LabelInfo
    from headrace.model.sample import Sample as Sample
    from headrace.net.timeout import Timeout as Timeout
    from headrace.platform.care.backups.backup import BackupReport as BackupReport
    from headrace.platform.care.backups.files import SnapshotRecord as SnapshotRecord
    from headrace.platform.care.backups.restore import RestoreReport as RestoreReport
    from headrace.platform.care.check_report import CheckFault as CheckFault
    from headrace.platform.care.check_report import CheckReport as CheckReport
    from headrace.platform.care.gc import GarbageReport as GarbageReport
    from headrace.platform.care.usage import LakeUsage as LakeUsage
    from headrace.platform.migration.report import MigrationReport as MigrationReport
    from headrace.sdk.annotation import Annotation as Annotation
    from headrace.sdk.annotation import MultiAnnotation as MultiAnnotation
    from headrace.sdk.asset import Asset as Asset
    from headrace.sdk.asset import MultiAsset as MultiAsset
    from headrace.sdk.campaign.assignment import (
        AnnotationCampaignAssignment as AnnotationCampaignAssignment,
    )
    from headrace.sdk.campaign.campaign import AnnotationCampaign as AnnotationCampaign
    from headrace.sdk.campaign.step import AnnotationCampaignStep as AnnotationCampaignStep
    from headrace.sdk.client.client import Client as Client
    from headrace.sdk.client.connect import connect as connect
    from headrace.sdk.client.connect import create_lake as create_lake
    from headrace.sdk.client.copies import copy_version as copy_version
    from headrace.sdk.client.lake_care import check_lake as check_lake
    from headrace.sdk.client.lakes import backup_lake as backup_lake
    from headrace.sdk.client.lakes import collect_garbage as collect_garbage
    from headrace.sdk.client.lakes import lake_usage as lake_usage
    from headrace.sdk.client.lakes import list_snapshots as list_snapshots
    from headrace.sdk.client.lakes import restore_lake as restore_lake
    from headrace.sdk.client.migrations import migrate_lake as migrate_lake
    from headrace.sdk.client.migrations import reopen_lake as reopen_lake
    from headrace.sdk.data import Data as Data
    from headrace.sdk.data import MultiData as MultiData
    from headrace.sdk.datalake import Datalake as Datalake
    from headrace.sdk.dataset import Dataset as Dataset
    from headrace.sdk.datasource import DataSource as DataSource
    from headrace.sdk.job import Job as Job
    from headrace.sdk.label import Label as Label
    from headrace.sdk.label import LabelGroup as LabelGroup
    from headrace.sdk.processing import Processing as Processing
    from headrace.sdk.removal import Removal as Removal
    from headrace.sdk.shape import Classification as Classification
    from headrace.sdk.shape import Line as Line
    from headrace.sdk.shape import Mask as Mask
    from headrace.sdk.shape import Point as Point
    from headrace.sdk.shape import Polygon as Polygon
    from headrace.sdk.shape import Rectangle as Rectangle
    from headrace.sdk.tag import Tag as Tag
    from headrace.sdk.user import User as User
    from headrace.sdk.user import Worker as Worker
    from headrace.sdk.version.dataset_version import DatasetVersion as DatasetVersion
    from headrace.transfer.progress_event import ProgressEvent as ProgressEvent
    from headrace.transfer.report import TransferReport as TransferReport

# The program that imports headrace decides what becomes of its log. Unless it adds a handler, nothing is printed.
logging.getLogger("headrace").addHandler(logging.NullHandler())

_PUBLIC: dict[str, tuple[str, ...]] = {
    "headrace": ("blocking", "errors", "formats"),
    "headrace._version": ("__version__",),
    "headrace.engine.convert.report": ("ConversionReport",),
    "headrace.engine.convert.run": ("convert",),
    "headrace.engine.copy.report": ("CopyLoss", "CopyReport"),
    "headrace.engine.digest.run": ("VersionDigest",),
    "headrace.engine.download.verify": ("VerifyReport",),
    "headrace.engine.exports.run": ("ExportReport",),
    "headrace.engine.imports.report": ("ImportReport",),
    "headrace.engine.name_filter": ("NameFilter",),
    "headrace.engine.sync.report": ("SyncReport",),
    "headrace.engine.upload.push_batch": ("PushReport",),
    "headrace.errors": ("HeadraceError",),
    "headrace.model.enums": (
        "AnnotationStatus",
        "AssignmentStatus",
        "CampaignStepType",
        "DataType",
        "DataUploadStatus",
        "ImportAnnotationMode",
        "InferenceType",
        "JobRunStatus",
        "JobStatus",
        "ProcessingTargetType",
        "ProcessingType",
        "TagTarget",
    ),
    "headrace.model.sample": ("LabelInfo", "Sample"),
    "headrace.net.timeout": ("Timeout",),
    "headrace.platform.care.check_report": ("CheckFault", "CheckReport"),
    "headrace.platform.care.backups.backup": ("BackupReport",),
    "headrace.platform.care.backups.files": ("SnapshotRecord",),
    "headrace.platform.care.gc": ("GarbageReport",),
    "headrace.platform.care.backups.restore": ("RestoreReport",),
    "headrace.platform.care.usage": ("LakeUsage",),
    "headrace.platform.migration.report": ("MigrationReport",),
    "headrace.sdk.annotation": ("Annotation", "MultiAnnotation"),
    "headrace.sdk.asset": ("Asset", "MultiAsset"),
    "headrace.sdk.campaign.assignment": ("AnnotationCampaignAssignment",),
    "headrace.sdk.campaign.campaign": ("AnnotationCampaign",),
    "headrace.sdk.campaign.step": ("AnnotationCampaignStep",),
    "headrace.sdk.client.client": ("Client",),
    "headrace.sdk.client.copies": ("copy_version",),
    "headrace.sdk.client.connect": ("connect", "create_lake"),
    "headrace.sdk.client.lake_care": ("check_lake",),
    "headrace.sdk.client.lakes": (
        "backup_lake",
        "collect_garbage",
        "lake_usage",
        "list_snapshots",
        "restore_lake",
    ),
    "headrace.sdk.client.migrations": ("migrate_lake", "reopen_lake"),
    "headrace.sdk.data": ("Data", "MultiData"),
    "headrace.sdk.datalake": ("Datalake",),
    "headrace.sdk.dataset": ("Dataset",),
    "headrace.sdk.datasource": ("DataSource",),
    "headrace.sdk.job": ("Job",),
    "headrace.sdk.label": ("Label", "LabelGroup"),
    "headrace.sdk.processing": ("Processing",),
    "headrace.sdk.removal": ("Removal",),
    "headrace.sdk.shape": ("Classification", "Line", "Mask", "Point", "Polygon", "Rectangle"),
    "headrace.sdk.tag": ("Tag",),
    "headrace.sdk.user": ("User", "Worker"),
    "headrace.sdk.version.dataset_version": ("DatasetVersion",),
    "headrace.transfer.progress_event": ("ProgressEvent",),
    "headrace.transfer.report": ("TransferReport",),
}
"""The public names by the module that defines them."""

_HOMES = dict(sorted((name, module) for module, names in _PUBLIC.items() for name in names))

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module 'headrace' has no attribute {name!r}")
    if module == "headrace":
        return import_module(f"headrace.{name}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
