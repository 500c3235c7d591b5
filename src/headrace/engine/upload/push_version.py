"""The version that files are pushed into."""

from __future__ import annotations

import contextlib
from uuid import UUID

from headrace.backend.base import Backend
from headrace.engine.upload.push_batch import PushReport
from headrace.errors import (
    ConflictError,
    NotFoundError,
)
from headrace.model.enums import InferenceType
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    CREATE_VERSION,
    FIND_DATASET,
    FIND_VERSION,
    CreateDataset,
    CreateVersion,
    FindDataset,
    FindVersion,
)


async def find_version(
    backend: Backend, organization_id: UUID, dataset: str, version: str, report: PushReport
) -> DatasetVersionRecord | None:
    """Return the version; None, and what would be created in the report, if it does not exist."""
    report.created_dataset = report.created_version = True
    with contextlib.suppress(NotFoundError):
        found = await backend.call(
            FIND_DATASET, FindDataset(organization_id=organization_id, name=dataset)
        )
        report.created_dataset = False
        record = await backend.call(FIND_VERSION, FindVersion(dataset_id=found.id, version=version))
        report.created_version = False
        return record
    return None


async def ensure_version(
    backend: Backend,
    organization_id: UUID,
    dataset: str,
    version: str,
    type: InferenceType,
    report: PushReport,
) -> DatasetVersionRecord:
    """Return the version; it and its dataset are created if they do not exist, also by others at this moment."""
    find = FindDataset(organization_id=organization_id, name=dataset)
    try:
        found = await backend.call(FIND_DATASET, find)
    except NotFoundError:
        try:
            create = CreateDataset(organization_id=organization_id, name=dataset)
            found = await backend.call(CREATE_DATASET, create)
            report.created_dataset = True
        except ConflictError:
            found = await backend.call(FIND_DATASET, find)
    wanted = FindVersion(dataset_id=found.id, version=version)
    try:
        return await backend.call(FIND_VERSION, wanted)
    except NotFoundError:
        try:
            request = CreateVersion(dataset_id=found.id, version=version, type=type)
            created = await backend.call(CREATE_VERSION, request)
        except ConflictError:
            return await backend.call(FIND_VERSION, wanted)
        report.created_version = True
        return created
