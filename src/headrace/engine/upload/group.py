"""Upload a group of small files: one call for object names and URLs, the bytes, one call to register them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import anyio
from msgspec import UNSET

from headrace.backend.base import Backend, SmallUpload, UploadedFile
from headrace.engine.upload.file import UploadFile
from headrace.engine.upload.reuse import digests_of
from headrace.engine.upload.target import (
    ReusedData,
    UploadTarget,
    add_sizes,
    checked,
    description,
)
from headrace.errors import AuthenticationError, HeadraceError, RequestTooLargeError
from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import DataDescription
from headrace.protocol.operations.uploading import (
    PREPARE_UPLOADS,
    REGISTER_MANY_DATA,
    PreparedUpload,
    PrepareUploads,
    Refusal,
    RegisteredData,
    RegisterManyData,
)
from headrace.threads import in_thread

REGISTRATION_SECONDS = 5.0
"""Time that a cancelled group may take to register the files it has sent."""

UploadOutcome = DataRecord | ReusedData | HeadraceError | OSError


async def upload_group(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile], *, workers: int
) -> list[UploadOutcome]:
    """Upload files; return the data of each, or the error, in order. Raises AuthenticationError for the whole call."""
    try:
        return await _upload(backend, target, files, workers)
    except AuthenticationError:
        raise
    except HeadraceError as error:
        return [error] * len(files)


async def _upload(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile], workers: int
) -> list[UploadOutcome]:
    prepared = await _prepare(backend, target, [file.basename for file in files])
    parcels = [
        SmallUpload(file.path, file.media_type, upload)
        for file, upload in zip(files, prepared, strict=True)
    ]
    described = [
        description(backend, target, file, parcel.prepared.object_name)
        for file, parcel in zip(files, parcels, strict=True)
    ]
    try:
        sent = await backend.upload_many(parcels, connector_id=target.connector, workers=workers)
        arrived, direct = [], False
        for index, each in enumerate(sent):
            if isinstance(each, UploadedFile):
                described[index].sha256 = each.sha256 or UNSET  # grouped: a headrace server
                arrived.append(index)
                direct = direct or each.direct
        if direct:
            await in_thread(add_sizes, [(files[index], described[index]) for index in arrived])
        results = await _register(backend, target, [described[index] for index in arrived])
    except anyio.get_cancelled_exc_class():
        with anyio.move_on_after(REGISTRATION_SECONDS, shield=True):
            await _register_sent(backend, target, files, described)
        raise
    registered = dict(zip(arrived, results, strict=True))
    return [
        await _outcome(backend, file, each, described[index].object_name, registered[index])
        if isinstance(each, UploadedFile)
        else each
        for index, (file, each) in enumerate(zip(files, sent, strict=True))
    ]


async def _register_sent(
    backend: Backend,
    target: UploadTarget,
    files: Sequence[UploadFile],
    described: list[DataDescription],
) -> None:
    """Register what a cancelled group has sent; otherwise these objects would stay in the storage unused."""
    with suppress(HeadraceError):
        registered = await _register(backend, target, described)
        digests = await in_thread(digests_of, files)
        for file, digest, description, each in zip(
            files, digests, described, registered, strict=True
        ):
            uploaded = UploadedFile(file.size, digest)
            await _outcome(backend, file, uploaded, description.object_name, each)


async def _prepare(
    backend: Backend, target: UploadTarget, names: list[str]
) -> list[PreparedUpload]:
    """Request object names and URLs; a request that is too large for a proxy is split in halves."""
    request = PrepareUploads(
        organization_id=target.organization_id,
        connector_id=target.connector,
        filenames=names,
        upload_dir=target.upload_dir or UNSET,
    )
    try:
        return (await backend.call(PREPARE_UPLOADS, request)).items
    except RequestTooLargeError:
        if len(names) < 2:
            raise
    half = len(names) // 2
    first = await _prepare(backend, target, names[:half])
    return first + await _prepare(backend, target, names[half:])


async def _register(
    backend: Backend, target: UploadTarget, files: list[DataDescription]
) -> list[RegisteredData]:
    """Register files; return the data of each, or the error. Splits requests like :func:`_prepare`."""
    if not files:
        return []
    request = RegisterManyData(datalake_id=target.lake.id, files=files)
    try:
        return (await backend.call(REGISTER_MANY_DATA, request)).items
    except RequestTooLargeError as error:
        if len(files) < 2:
            return [RegisteredData(refusal=Refusal.of(error))]
    half = len(files) // 2
    first = await _register(backend, target, files[:half])
    return first + await _register(backend, target, files[half:])


async def _outcome(
    backend: Backend,
    file: UploadFile,
    sent: UploadedFile,
    object_name: str,
    registered: RegisteredData,
) -> UploadOutcome:
    if registered.refusal is not None:
        return registered.refusal.error()
    assert registered.data is not None
    try:
        return await checked(backend, file, sent, object_name, registered.data)
    except AuthenticationError:
        raise
    except (HeadraceError, OSError) as error:
        return error
