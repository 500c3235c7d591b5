"""The schema names of the official client, as aliases of the records of headrace."""

from headrace.model.records import AnnotationRecord as AnnotationSchema
from headrace.model.records import AssetRecord as AssetSchema
from headrace.model.records import DatalakeRecord as DatalakeSchema
from headrace.model.records import DataRecord as DataSchema
from headrace.model.records import DatasetRecord as DatasetSchema
from headrace.model.records import DatasetVersionRecord as DatasetVersionSchema
from headrace.model.records import JobRecord as JobSchema
from headrace.model.records import JobRunRecord as JobRunSchema
from headrace.model.records import LabelGroupRecord as LabelGroupSchema
from headrace.model.records import LabelRecord as LabelSchema
from headrace.model.records import Meta as ImageMetaSchema
from headrace.model.records import OrganizationRecord as OrganizationSchema
from headrace.model.records import SourceRecord as DataSourceSchema
from headrace.model.records import TagRecord as TagSchema
from headrace.model.records import UserRecord as UserSchema
from headrace.model.records import UserRecord as WorkerSchema
from headrace.model.records import VersionStats as DatasetVersionStats

__all__ = [
    "AnnotationSchema",
    "AssetSchema",
    "DataSchema",
    "DataSourceSchema",
    "DatalakeSchema",
    "DatasetSchema",
    "DatasetVersionSchema",
    "DatasetVersionStats",
    "ImageMetaSchema",
    "JobRunSchema",
    "JobSchema",
    "LabelGroupSchema",
    "LabelSchema",
    "OrganizationSchema",
    "TagSchema",
    "UserSchema",
    "WorkerSchema",
]
