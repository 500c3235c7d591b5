"""A group of small files: one call for their names and URLs, the bytes, one call that registers them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from headrace.backend.base import Backend, Parcel, Sent
from headrace.engine.uploadfile import UploadFile, content_type
from headrace.engine.uploadtarget import Target, checked, description
from headrace.errors import AuthenticationError, HeadraceError
from headrace.model.records import DataRecord
from headrace.protocol.operations.uploading import (
    PREPARE_UPLOADS,
    REGISTER_MANY_DATA,
    PrepareUploads,
    RegisteredData,
    RegisterManyData,
)

Outcome = DataRecord | HeadraceError | OSError


async def upload_group(
    backend: Backend, target: Target, files: Sequence[UploadFile], *, workers: int
) -> list[Outcome]:
    """For each file in its order the data, or why there is none; AuthenticationError ends everything."""
    try:
        return await _upload(backend, target, files, workers)
    except AuthenticationError:
        raise
    except HeadraceError as error:
        return [error] * len(files)


async def _upload(
    backend: Backend, target: Target, files: Sequence[UploadFile], workers: int
) -> list[Outcome]:
    prepared = await backend.call(
        PREPARE_UPLOADS,
        PrepareUploads(
            organization_id=target.organization_id,
            connector_id=target.connector,
            filenames=[file.path.name for file in files],
            upload_dir=target.upload_dir or UNSET,
        ),
    )
    parcels = [
        Parcel(file.path, content_type(file.filename), upload)
        for file, upload in zip(files, prepared.items, strict=True)
    ]
    sent = await backend.send_many(parcels, connector_id=target.connector, workers=workers)
    there = [place for place, each in enumerate(sent) if isinstance(each, Sent)]
    described = [
        description(target, files[place], parcels[place].prepared.object_name) for place in there
    ]
    registered: dict[int, RegisteredData] = {}
    if there:
        answer = await backend.call(
            REGISTER_MANY_DATA, RegisterManyData(datalake_id=target.lake.id, files=described)
        )
        registered = dict(zip(there, answer.items, strict=True))
    return [
        await _outcome(backend, file, each, registered[place]) if isinstance(each, Sent) else each
        for place, (file, each) in enumerate(zip(files, sent, strict=True))
    ]


async def _outcome(
    backend: Backend, file: UploadFile, sent: Sent, registered: RegisteredData
) -> Outcome:
    if registered.refusal is not None:
        return registered.refusal.error()
    assert registered.data is not None
    try:
        return await checked(backend, file, sent, registered.data)
    except AuthenticationError:
        raise
    except (HeadraceError, OSError) as error:
        return error
