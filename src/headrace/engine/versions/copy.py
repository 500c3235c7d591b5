"""Forks and copies of any number of assets, in the calls that the platform takes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from msgspec.structs import replace

from headrace.backend.base import Backend
from headrace.engine.paging import pieces
from headrace.engine.versions.add_assets import wait_for
from headrace.model.records import ForkAnswer, JobRecord
from headrace.protocol.operations.assets import COPY_ASSETS, CopyAssets
from headrace.protocol.operations.datasets import FORK_VERSION, Fork
from headrace.protocol.operations.listing import IDS_PER_CALL


async def fork(
    backend: Backend, request: Fork, assets: Sequence[UUID] | None, *, wait: bool
) -> ForkAnswer:
    """Fork a version with all of its assets, or with some: more than one call takes are copied afterwards.

    The job in the answer is the last one. Raises JobFailedError where ``wait`` and a job failed.
    """
    ids = None if assets is None else list(dict.fromkeys(assets))
    if ids is not None:
        request = replace(request, asset_ids=ids if len(ids) <= IDS_PER_CALL else [])
    answer = await backend.call(FORK_VERSION, request)
    if ids is None or len(ids) <= IDS_PER_CALL:
        if wait:
            job = await wait_for(backend, answer.job)
            answer = replace(answer, job=job)
        return answer
    # A version that still fills takes no copies.
    await wait_for(backend, answer.job)
    copying = CopyAssets(
        version_id=request.parent_id,
        destination_id=answer.dataset_version.id,
        asset_ids=ids,
        with_tags=request.with_tags,
        with_annotations=request.with_annotations,
    )
    return replace(answer, job=await copy(backend, copying, wait=wait))


async def copy(backend: Backend, request: CopyAssets, *, wait: bool) -> JobRecord:
    """Copy any number of assets; the last of the jobs. Raises JobFailedError where ``wait`` and one failed."""
    jobs = [job async for job in _copies(backend, request)]
    if wait:
        jobs = [await wait_for(backend, job) for job in jobs]
    return jobs[-1]


async def _copies(backend: Backend, request: CopyAssets) -> AsyncIterator[JobRecord]:
    for piece in pieces(dict.fromkeys(request.asset_ids), IDS_PER_CALL):
        yield (await backend.call(COPY_ASSETS, replace(request, asset_ids=piece))).job
