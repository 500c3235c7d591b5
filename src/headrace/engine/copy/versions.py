"""Find or create the version that is copied into."""

from __future__ import annotations

from headrace.backend.base import Backend
from headrace.engine.copy.report import CopyReport
from headrace.errors import ConflictError, NotFoundError
from headrace.model.records import DatasetRecord, DatasetVersionRecord, OrganizationRecord
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    CREATE_VERSION,
    FIND_DATASET,
    FIND_VERSION,
    GET_DATASET,
    CreateDataset,
    CreateVersion,
    DatasetId,
    FindDataset,
    FindVersion,
)


async def find_target(
    backend: Backend, organization: OrganizationRecord, dataset: str, version: str
) -> tuple[DatasetRecord | None, DatasetVersionRecord | None]:
    """Return the dataset and the version, None for what does not exist."""
    try:
        found = await backend.call(
            FIND_DATASET, FindDataset(organization_id=organization.id, name=dataset)
        )
    except NotFoundError:
        return None, None
    try:
        request = FindVersion(dataset_id=found.id, version=version)
        return found, await backend.call(FIND_VERSION, request)
    except NotFoundError:
        return found, None


async def ensure_target(
    backend: Backend,
    organization: OrganizationRecord,
    dataset: str,
    version: str,
    source: DatasetVersionRecord,
    description: str,
    report: CopyReport,
) -> DatasetVersionRecord:
    """Return the version; create it, with the type and the description of the source, if it does not exist.

    Args:
        backend: Backend of the target.
        organization: Organization of the target.
        dataset: Name of the dataset.
        version: Name of the version.
        source: The version that is copied.
        description: Description of a new dataset.
        report: Says what was created.
    """
    found, there = await find_target(backend, organization, dataset, version)
    if there is not None:
        if there.type is not source.type:
            report.notes.append(
                f"the target keeps its type {there.type}; that of the source is {source.type}"
            )
        return there
    if found is None:
        try:
            create = CreateDataset(
                organization_id=organization.id, name=dataset, description=description
            )
            found = await backend.call(CREATE_DATASET, create)
            report.created_dataset = True
        except ConflictError:
            found, there = await find_target(backend, organization, dataset, version)
            if found is None:
                raise
            if there is not None:
                return there
    request = CreateVersion(
        dataset_id=found.id,
        version=version,
        type=source.type,
        description=source.description if isinstance(source.description, str) else "",
    )
    created = await backend.call(CREATE_VERSION, request)
    report.created_version = True
    return created


async def description_of(backend: Backend, version: DatasetVersionRecord) -> str:
    """Return the description of the dataset of a version; empty where the platform does not tell it."""
    found = await backend.call(GET_DATASET, DatasetId(dataset_id=version.origin_id))
    return found.description if isinstance(found.description, str) else ""
