"""A group of small files: one call for their names and URLs, the bytes, one call that registers them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import anyio
from msgspec import UNSET

from headrace.backend.base import Backend, Parcel, Sent
from headrace.engine.upload.file import UploadFile, content_type
from headrace.engine.upload.reuse import digests_of
from headrace.engine.upload.target import UploadTarget, checked, description
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

KEEPING_SECONDS = 5.0
"""How long a cancelled group may go on, to register what it has sent."""

UploadOutcome = DataRecord | HeadraceError | OSError


async def upload_group(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile], *, workers: int
) -> list[UploadOutcome]:
    """For each file in its order the data, or why there is none; AuthenticationError ends everything."""
    try:
        return await _upload(backend, target, files, workers)
    except AuthenticationError:
        raise
    except HeadraceError as error:
        return [error] * len(files)


async def _upload(
    backend: Backend, target: UploadTarget, files: Sequence[UploadFile], workers: int
) -> list[UploadOutcome]:
    prepared = await _prepared(backend, target, [file.path.name for file in files])
    parcels = [
        Parcel(file.path, content_type(file.filename), upload)
        for file, upload in zip(files, prepared, strict=True)
    ]
    described = [
        description(target, file, parcel.prepared.object_name)
        for file, parcel in zip(files, parcels, strict=True)
    ]
    try:
        sent = await backend.send_many(parcels, connector_id=target.connector, workers=workers)
        there = [place for place, each in enumerate(sent) if isinstance(each, Sent)]
        answers = await _registered(backend, target, [described[place] for place in there])
    except anyio.get_cancelled_exc_class():
        with anyio.move_on_after(KEEPING_SECONDS, shield=True):
            await _keep(backend, target, files, described)
        raise
    registered = dict(zip(there, answers, strict=True))
    return [
        await _outcome(backend, file, each, registered[place]) if isinstance(each, Sent) else each
        for place, (file, each) in enumerate(zip(files, sent, strict=True))
    ]


async def _keep(
    backend: Backend,
    target: UploadTarget,
    files: Sequence[UploadFile],
    described: list[DataDescription],
) -> None:
    """Register what a cancelled group has sent, whatever that is: else these objects were nobody's for ever."""
    with suppress(HeadraceError):
        registered = await _registered(backend, target, described)
        digests = await in_thread(digests_of, files)
        for file, digest, each in zip(files, digests, registered, strict=True):
            await _outcome(backend, file, Sent(file.size, digest), each)


async def _prepared(
    backend: Backend, target: UploadTarget, names: list[str]
) -> list[PreparedUpload]:
    """Names and URLs; what is too large for a proxy on the way is asked for in halves."""
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
    first = await _prepared(backend, target, names[:half])
    return first + await _prepared(backend, target, names[half:])


async def _registered(
    backend: Backend, target: UploadTarget, files: list[DataDescription]
) -> list[RegisteredData]:
    """For each file its data, or why there is none; in halves like :func:`_prepared`."""
    if not files:
        return []
    request = RegisterManyData(datalake_id=target.lake.id, files=files)
    try:
        return (await backend.call(REGISTER_MANY_DATA, request)).items
    except RequestTooLargeError as error:
        if len(files) < 2:
            return [RegisteredData(refusal=Refusal.of(error))]
    half = len(files) // 2
    first = await _registered(backend, target, files[:half])
    return first + await _registered(backend, target, files[half:])


async def _outcome(
    backend: Backend, file: UploadFile, sent: Sent, registered: RegisteredData
) -> UploadOutcome:
    if registered.refusal is not None:
        return registered.refusal.error()
    assert registered.data is not None
    try:
        return await checked(backend, file, sent, registered.data)
    except AuthenticationError:
        raise
    except (HeadraceError, OSError) as error:
        return error
