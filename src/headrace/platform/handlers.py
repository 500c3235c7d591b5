"""Who answers which operation: one dict a room, joined into :data:`HANDLERS` by operation name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from headrace.platform.accounts import session as platform_session
from headrace.platform.accounts import users as platform_users
from headrace.platform.annotations import delete as platform_annotation_removal
from headrace.platform.annotations import load as platform_annotations
from headrace.platform.annotations import shapes as platform_shapes
from headrace.platform.annotations import single as platform_annotating
from headrace.platform.annotations import tag_conversion as platform_converting
from headrace.platform.annotations.exports import handler as platform_exports
from headrace.platform.annotations.imports import handler as platform_imports
from headrace.platform.assets import add as platform_asset_adding
from headrace.platform.assets import assets as platform_assets
from headrace.platform.assets import extended as platform_extended
from headrace.platform.campaigns import campaigns as platform_campaigns
from headrace.platform.campaigns import steps as platform_campaign_steps
from headrace.platform.campaigns import sync as platform_campaign_sync
from headrace.platform.campaigns import tasks as platform_assignments
from headrace.platform.core.access import Access
from headrace.platform.datalake import data as platform_data
from headrace.platform.datalake import datalakes as platform_datalake
from headrace.platform.datalake import register as platform_registering
from headrace.platform.datalake import sources as platform_sources
from headrace.platform.datalake import uploads as platform_uploads
from headrace.platform.jobs import maintenance as platform_purge
from headrace.platform.jobs import records as platform_jobs
from headrace.platform.labels import attributes as platform_attributes
from headrace.platform.labels import delete as platform_label_removal
from headrace.platform.labels import groups as platform_label_groups
from headrace.platform.labels import labels as platform_labels
from headrace.platform.labels import skeletons as platform_skeletons
from headrace.platform.processings import launch as platform_launching
from headrace.platform.processings import logs as platform_job_logs
from headrace.platform.processings import registry as platform_processings
from headrace.platform.tags import attach as platform_tagging
from headrace.platform.tags import tags as platform_tags
from headrace.platform.versions import copy as platform_copying
from headrace.platform.versions import datasets as platform_datasets
from headrace.platform.versions import fork as platform_forking
from headrace.platform.versions import stats as platform_stats
from headrace.platform.versions import versions as platform_versions
from headrace.protocol.operation import Operation
from headrace.protocol.operations import (
    annotating,
    assets,
    assignments,
    campaigns,
    datalake,
    datasets,
    extended,
    jobs,
    label_details,
    labels,
    processings,
    session,
    shapes,
    storage,
    tags,
    uploading,
    users,
)
from headrace.protocol.operations import annotations as annotation_operations

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

Handler = Callable[["Platform", Access, Any], Awaitable[Any]]
Room = dict[Operation[Any, Any], Handler]

_SESSION: Room = {
    session.PING: platform_session.ping,
    session.FIND_ORGANIZATION: platform_session.find_organization,
    session.GET_ORGANIZATION: platform_session.get_organization,
    users.LIST_ORGANIZATION_USERS: platform_users.list_organization_users,
    users.LIST_DATASET_USERS: platform_users.list_dataset_users,
    users.ADD_DATASET_USER: platform_users.add_dataset_user,
}

_UPLOADS: Room = {
    storage.GENERATE_OBJECT_NAME: platform_uploads.generate_object_name,
    storage.PRESIGN_UPLOAD: platform_uploads.presign_upload,
    storage.INIT_MULTIPART: platform_uploads.init_multipart,
    storage.PRESIGN_PART: platform_uploads.presign_part,
    storage.COMPLETE_MULTIPART: platform_uploads.complete_multipart,
    storage.PRESIGN_DOWNLOAD: platform_uploads.presign_download,
    uploading.PREPARE_UPLOADS: platform_uploads.prepare_uploads,
}

_DATALAKE: Room = {
    datalake.FIND_DATALAKE: platform_datalake.find_datalake,
    datalake.LIST_DATALAKES: platform_datalake.list_datalakes,
    datalake.GET_DATALAKE: platform_datalake.get_datalake,
    datalake.REGISTER_DATA: platform_registering.register_data,
    uploading.REGISTER_MANY_DATA: platform_registering.register_many_data,
    datalake.LIST_DATA: platform_datalake.list_data,
    datalake.LIST_DATA_BY_KEY: platform_datalake.list_data_by_key,
    datalake.FIND_DATA: platform_datalake.find_data,
    datalake.GET_DATA: platform_data.get_data,
    datalake.GET_DATA_URL: platform_data.get_data_url,
    datalake.UPDATE_DATA: platform_data.update_data,
    datalake.UPDATE_CUSTOM_METADATA: platform_data.update_custom_metadata,
    datalake.DELETE_DATA: platform_data.delete_data,
    datalake.DELETE_MANY_DATA: platform_data.delete_many_data,
    datalake.CREATE_SOURCE: platform_sources.create_source,
    datalake.FIND_SOURCE: platform_sources.find_source,
    datalake.LIST_SOURCES: platform_sources.list_sources,
}

_TAGS: Room = {
    tags.CREATE_DATA_TAG: platform_tags.create_data_tag,
    tags.FIND_DATA_TAG: platform_tags.find_data_tag,
    tags.LIST_DATA_TAGS: platform_tags.list_data_tags,
    tags.CREATE_ASSET_TAG: platform_tags.create_asset_tag,
    tags.FIND_ASSET_TAG: platform_tags.find_asset_tag,
    tags.LIST_ASSET_TAGS: platform_tags.list_asset_tags,
    tags.CREATE_TAG: platform_tags.create_tag,
    tags.FIND_TAG: platform_tags.find_tag,
    tags.LIST_TAGS: platform_tags.list_tags,
    tags.GET_TAG: platform_tags.get_tag,
    tags.UPDATE_TAG: platform_tags.update_tag,
    tags.DELETE_TAG: platform_tags.delete_tag,
    tags.CONVERT_TAGS: platform_converting.convert_tags,
    tags.ATTACH_TAG: platform_tagging.attach_tag,
    tags.DETACH_TAG: platform_tagging.detach_tag,
}

_DATASETS: Room = {
    datasets.CREATE_DATASET: platform_datasets.create_dataset,
    datasets.LIST_DATASETS: platform_datasets.list_datasets,
    datasets.FIND_DATASET: platform_datasets.find_dataset,
    datasets.GET_DATASET: platform_datasets.get_dataset,
    datasets.UPDATE_DATASET: platform_datasets.update_dataset,
    datasets.DELETE_DATASET: platform_datasets.delete_dataset,
    datasets.LIST_VERSIONS: platform_versions.list_versions,
    datasets.FIND_VERSION: platform_versions.find_version,
    datasets.CREATE_VERSION: platform_versions.create_version,
    datasets.FORK_VERSION: platform_forking.fork_version,
    datasets.FIND_VERSION_BY_ID: platform_versions.find_version_by_id,
    datasets.GET_VERSION: platform_versions.get_version,
    datasets.UPDATE_VERSION: platform_versions.update_version,
    datasets.DELETE_VERSION: platform_versions.delete_version,
    datasets.GET_STATS: platform_stats.get_stats,
}

_ASSETS: Room = {
    assets.ADD_DATA: platform_asset_adding.add_data,
    assets.COPY_ASSETS: platform_copying.copy_assets_to,
    assets.LIST_ASSETS: platform_assets.list_assets,
    assets.LIST_ASSETS_BY_KEY: platform_assets.list_assets_by_key,
    assets.FIND_ASSET: platform_assets.find_asset,
    extended.LIST_EXTENDED_ASSETS: platform_extended.list_extended_assets,
    assets.DELETE_ASSETS: platform_assets.delete_assets,
    assets.GET_ASSET: platform_assets.get_asset,
    assets.DELETE_ASSET: platform_assets.delete_asset,
}

_LABELS: Room = {
    labels.LIST_LABELS: platform_labels.list_labels,
    labels.CREATE_LABEL: platform_labels.create_label,
    labels.FIND_LABEL: platform_labels.find_label,
    labels.ENSURE_LABELS: platform_labels.ensure_labels,
    labels.GET_LABEL: platform_labels.get_label,
    labels.UPDATE_LABEL: platform_labels.update_label,
    labels.LIST_LABEL_GROUPS: platform_label_groups.list_label_groups,
    labels.CREATE_LABEL_GROUP: platform_label_groups.create_label_group,
    labels.GET_LABEL_GROUP: platform_label_groups.get_label_group,
    labels.UPDATE_LABEL_GROUP: platform_label_groups.update_label_group,
    labels.DELETE_LABEL: platform_label_removal.delete_label,
    labels.DELETE_LABEL_GROUP: platform_label_removal.delete_label_group,
    label_details.LIST_SKELETONS: platform_skeletons.list_skeletons,
    label_details.GET_SKELETON: platform_skeletons.get_skeleton,
    label_details.SET_SKELETON: platform_skeletons.set_skeleton,
    label_details.GET_LABEL_ATTRIBUTES: platform_attributes.get_label_attributes,
    label_details.SET_LABEL_ATTRIBUTES: platform_attributes.set_label_attributes,
    label_details.GET_VERSION_ATTRIBUTES: platform_attributes.get_version_attributes,
    label_details.SET_VERSION_ATTRIBUTES: platform_attributes.set_version_attributes,
}

_ANNOTATIONS: Room = {
    annotation_operations.IMPORT_ANNOTATIONS: platform_imports.import_annotations,
    annotation_operations.START_IMPORT: platform_imports.start_import,
    annotation_operations.FINISH_IMPORT: platform_imports.finish_import,
    annotation_operations.ANNOTATION_IDS: platform_annotations.annotation_ids,
    annotation_operations.EXPORT_ANNOTATIONS: platform_exports.export_annotations,
    annotation_operations.LOAD_ANNOTATIONS: platform_annotations.load_annotations,
}

_ANNOTATING: Room = {
    annotating.LIST_ANNOTATIONS: platform_annotating.list_annotations,
    annotating.DELETE_ANNOTATIONS: platform_annotation_removal.delete_annotations,
    annotating.LIST_ASSET_ANNOTATIONS: platform_annotating.list_asset_annotations,
    annotating.CREATE_ANNOTATION: platform_annotating.create_annotation,
    annotating.FIND_ANNOTATION: platform_annotating.find_annotation,
    annotating.GET_ANNOTATION: platform_annotating.get_annotation,
    annotating.UPDATE_ANNOTATION: platform_annotating.update_annotation,
    annotating.SAVE_ANNOTATION: platform_shapes.save_annotation,
    annotating.DELETE_ANNOTATION: platform_annotation_removal.delete_annotation,
}

_SHAPES: Room = {
    shapes.LIST_RECTANGLES: platform_shapes.RECTANGLES.list,
    shapes.CREATE_RECTANGLES: platform_shapes.RECTANGLES.create,
    shapes.GET_RECTANGLE: platform_shapes.RECTANGLES.get,
    shapes.UPDATE_RECTANGLE: platform_shapes.RECTANGLES.update,
    shapes.DELETE_RECTANGLE: platform_shapes.RECTANGLES.delete,
    shapes.LIST_POLYGONS: platform_shapes.POLYGONS.list,
    shapes.CREATE_POLYGONS: platform_shapes.POLYGONS.create,
    shapes.GET_POLYGON: platform_shapes.POLYGONS.get,
    shapes.UPDATE_POLYGON: platform_shapes.POLYGONS.update,
    shapes.DELETE_POLYGON: platform_shapes.POLYGONS.delete,
    shapes.LIST_LINES: platform_shapes.LINES.list,
    shapes.CREATE_LINES: platform_shapes.LINES.create,
    shapes.GET_LINE: platform_shapes.LINES.get,
    shapes.UPDATE_LINE: platform_shapes.LINES.update,
    shapes.DELETE_LINE: platform_shapes.LINES.delete,
    shapes.LIST_POINTS: platform_shapes.POINTS.list,
    shapes.CREATE_POINTS: platform_shapes.POINTS.create,
    shapes.GET_POINT: platform_shapes.POINTS.get,
    shapes.UPDATE_POINT: platform_shapes.POINTS.update,
    shapes.DELETE_POINT: platform_shapes.POINTS.delete,
    shapes.LIST_CLASSIFICATIONS: platform_shapes.CLASSIFICATIONS.list,
    shapes.CREATE_CLASSIFICATIONS: platform_shapes.CLASSIFICATIONS.create,
    shapes.GET_CLASSIFICATION: platform_shapes.CLASSIFICATIONS.get,
    shapes.UPDATE_CLASSIFICATION: platform_shapes.CLASSIFICATIONS.update,
    shapes.DELETE_CLASSIFICATION: platform_shapes.CLASSIFICATIONS.delete,
    shapes.LIST_MASKS: platform_shapes.MASKS.list,
    shapes.CREATE_MASKS: platform_shapes.MASKS.create,
    shapes.GET_MASK: platform_shapes.MASKS.get,
    shapes.DELETE_MASK: platform_shapes.MASKS.delete,
}

_CAMPAIGNS: Room = {
    campaigns.CREATE_CAMPAIGN: platform_campaigns.create_campaign,
    campaigns.LIST_CAMPAIGNS: platform_campaigns.list_campaigns,
    campaigns.GET_CAMPAIGN: platform_campaigns.get_campaign,
    campaigns.UPDATE_CAMPAIGN: platform_campaigns.update_campaign,
    campaigns.CLOSE_CAMPAIGN: platform_campaigns.close_campaign,
    campaigns.DELETE_CAMPAIGN: platform_campaigns.delete_campaign,
    campaigns.ADD_STEP: platform_campaign_steps.add_step,
    campaigns.LIST_STEPS: platform_campaign_steps.list_steps,
    campaigns.GET_STEP: platform_campaign_steps.get_step,
    campaigns.UPDATE_STEP: platform_campaign_steps.update_step,
    campaigns.DELETE_STEP: platform_campaign_steps.delete_step,
    campaigns.REDISTRIBUTE: platform_campaign_steps.redistribute_assignments,
    assignments.SYNC_AVAILABLE: platform_campaign_sync.sync_available,
    assignments.SYNC_ASSETS: platform_campaign_sync.sync_assets,
    assignments.LIST_ASSIGNMENTS: platform_assignments.list_assignments,
    assignments.GET_ASSIGNMENT: platform_assignments.get_assignment,
    assignments.REASSIGN: platform_assignments.reassign_assignments,
    assignments.SUBMIT_ASSIGNMENT: platform_assignments.submit_assignment,
    assignments.ISSUE_COUNTS: platform_assignments.campaign_issue_counts,
    assignments.CAMPAIGN_PROGRESS: platform_assignments.campaign_progress,
}

_JOBS: Room = {
    jobs.GET_JOB: platform_jobs.get_job,
    jobs.CANCEL_JOB: platform_jobs.cancel_job,
    jobs.CANCEL_JOB_RUN: platform_jobs.cancel_job_run,
    jobs.GET_JOB_RUN: platform_jobs.get_job_run,
    jobs.FIND_JOB_RUN: platform_jobs.find_job_run,
    jobs.READ_JOB_LOG: platform_job_logs.read_job_log,
}

_PROCESSINGS: Room = {
    processings.CREATE_PROCESSING: platform_processings.create_processing,
    processings.LIST_PROCESSINGS: platform_processings.list_processings,
    processings.FIND_PROCESSING: platform_processings.find_processing,
    processings.GET_PROCESSING: platform_processings.get_processing,
    processings.UPDATE_PROCESSING: platform_processings.update_processing,
    processings.DELETE_PROCESSING: platform_processings.delete_processing,
    processings.LAUNCH_ON_VERSION: platform_launching.launch_on_version,
    processings.LAUNCH_ON_DATALAKE: platform_launching.launch_on_datalake,
}

_ROOMS: tuple[Room, ...] = (
    _SESSION,
    _UPLOADS,
    _DATALAKE,
    _TAGS,
    _DATASETS,
    _ASSETS,
    _LABELS,
    _ANNOTATIONS,
    _ANNOTATING,
    _SHAPES,
    _CAMPAIGNS,
    _JOBS,
    _PROCESSINGS,
)

HANDLERS: dict[str, Handler] = {
    operation.name: handler for room in _ROOMS for operation, handler in room.items()
}

RESUMED: tuple[Callable[[Platform], Awaitable[None]], ...] = (platform_purge.purge,)
"""What runs in the background once a lake is open: work that an earlier stop or crash cut short."""
