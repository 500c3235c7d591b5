"""Wait until the platform has read what was uploaded: all files together, outside of the slots of uploads."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.paging import KeyListing
from headrace.errors import (
    HeadraceError,
    NotFoundError,
    UnprocessableEntityError,
    WaitTimeoutError,
)
from headrace.model.enums import DataUploadStatus
from headrace.model.records import DataRecord
from headrace.protocol.operations.datalake import (
    DELETE_DATA,
    LIST_DATA_BY_KEY,
    DataId,
    ListDataByKey,
)

FIRST_SECONDS, POLL_SECONDS, WAIT_SECONDS = 0.25, 5.0, 150.0
"""The first wait, the longest one between two looks, and all of them together."""

_READING = (DataUploadStatus.PENDING, DataUploadStatus.COMPUTING)


def is_unread(data: DataRecord) -> bool:
    """Return whether the platform is still to read a file."""
    return data.upload_status in _READING


async def settle(
    backend: Backend, lake_id: UUID, unread: Mapping[UUID, DataRecord]
) -> dict[UUID, DataRecord | HeadraceError]:
    """Wait until the platform has read files; look at all of them with one listing per round.

    Args:
        backend: Backend of the lake.
        lake_id: The datalake.
        unread: The data, by id.

    Returns:
        For each data its record, or the error: UnprocessableEntityError if the platform cannot read it (the data is
        then deleted), NotFoundError if it was deleted meanwhile, WaitTimeoutError after 150 seconds.
    """
    waiting = dict(unread)
    settled: dict[UUID, DataRecord | HeadraceError] = {}
    for seconds in _waits():
        if not waiting:
            break
        await anyio.sleep(seconds)
        query = ListDataByKey(datalake_id=lake_id)
        seen: dict[UUID, DataRecord] = {}
        async for page in KeyListing(backend, LIST_DATA_BY_KEY, query, "ids", waiting).pages():
            seen.update((data.id, data) for data in page)
        for data_id, known in list(waiting.items()):
            data = seen.get(data_id)
            if data is not None and is_unread(data):
                continue
            del waiting[data_id]
            if data is None:
                settled[data_id] = NotFoundError(f"{known.filename!r} was deleted meanwhile")
                continue
            settled[data_id] = data
            try:
                await refuse_unreadable(backend, data)
            except HeadraceError as error:
                settled[data_id] = error
    for data_id, data in waiting.items():
        settled[data_id] = WaitTimeoutError(
            f"the platform has not read {data.filename!r} yet", hint="check again later"
        )
    return settled


async def refuse_unreadable(backend: Backend, data: DataRecord) -> None:
    """Delete a data that the platform cannot read, and raise UnprocessableEntityError."""
    if data.upload_status == DataUploadStatus.ERROR:
        await backend.call(DELETE_DATA, DataId(data_id=data.id))
        raise UnprocessableEntityError(f"{data.filename!r} cannot be read as {data.content_type}")


def _waits() -> list[float]:
    """Return the seconds before each look: few at first, since small files are read at once."""
    waits: list[float] = []
    seconds = FIRST_SECONDS
    while sum(waits) + seconds <= WAIT_SECONDS:
        waits.append(seconds)
        seconds = min(2 * seconds, POLL_SECONDS)
    return waits
