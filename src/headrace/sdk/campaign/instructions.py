"""The file with instructions of a campaign."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from headrace.engine.upload.file import content_type
from headrace.errors import BadRequestError
from headrace.model.enums import DataType, DataUploadStatus, ObjectDataType
from headrace.model.names import safe_parts
from headrace.model.records import DataRecord
from headrace.protocol.operations.storage import (
    GENERATE_OBJECT_NAME,
    PRESIGN_DOWNLOAD,
    GenerateObjectName,
    PresignDownload,
)
from headrace.sdk.base.arguments import as_path
from headrace.sdk.base.file import download_all
from headrace.sdk.base.session import Session


async def upload_instructions(session: Session, version_id: UUID, path: str | Path) -> str:
    """Upload a file with instructions and return its object name."""
    file, connector = as_path(path), _connector(session)
    named = await session.call(
        GENERATE_OBJECT_NAME,
        GenerateObjectName(
            organization_id=session.organization.id,
            connector_id=connector,
            filename=file.name,
            type=ObjectDataType.CAMPAIGN_FILE,
            context={"dataset_version_id": str(version_id)},
        ),
    )
    async with session.backend.upload(file, connector_id=connector) as upload:
        await upload.send(named.object_name, content_type(file.name))
        await upload.finish()
    return named.object_name


async def download_instructions(
    session: Session, campaign_id: UUID, object_name: str, target_path: str | Path
) -> Path:
    """Download a file with instructions into a folder and return its path."""
    request = PresignDownload(connector_id=_connector(session), object_name=object_name)
    answer = await session.call(PRESIGN_DOWNLOAD, request)
    name = safe_parts(object_name)[-1]
    file = DataRecord(
        id=campaign_id,
        object_name=object_name,
        filename=name,
        type=DataType.IMAGE,
        content_type=content_type(name),
        upload_status=DataUploadStatus.DONE,
        presigned_url=answer.presigned_url,
    )
    await download_all(session, [(campaign_id, file)], target_path, force_replace=True)
    return as_path(target_path) / name


def _connector(session: Session) -> UUID:
    connector = session.organization.default_connector_id
    if connector is None:
        raise BadRequestError(f"organization {session.organization.name!r} has no storage")
    return connector
