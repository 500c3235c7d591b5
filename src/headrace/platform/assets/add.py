"""Add data of a lake to a version as assets."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from headrace.errors import BadRequestError, NotFoundError
from headrace.model.enums import DataType, DataUploadStatus, JobStatus
from headrace.model.ids import Kind
from headrace.model.records import JobAnswer
from headrace.platform.assets.selectors import data_keys
from headrace.platform.campaigns.sync import add_new_assets
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.counters import CounterDelta
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import json_text
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import VersionChange, VersionScope, touch, version_scope
from headrace.platform.datalake.data_records import data_id
from headrace.platform.dispatch import handles
from headrace.platform.jobs.maintenance import fold_if_due
from headrace.platform.jobs.records import add_job
from headrace.protocol.operations.assets import ADD_DATA, AddData
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.storage.database.base import Statements, Transaction
from headrace.storage.database.locks import ONE_STATEMENT

_ROWS = 10_000
"""Maximum number of rows (assets and their tags) added in one transaction."""

_SLICE = 2_000


class Candidate(NamedTuple):
    """A data to be added as an asset."""

    lake_bucket: int
    no: int
    lake_created: int
    filename: str
    status: str
    width: int | None
    kind: str


@handles(ADD_DATA)
async def add_data(context: Context, access: Access, request: AddData) -> JobAnswer:
    """Add data as assets, in the order given, and attach the tags to all of them.

    Data that the version already has only get the tags. All data are checked before anything is written.
    """
    if len(request.data_ids) > IDS_PER_CALL:
        raise BadRequestError(
            f"{len(request.data_ids)} data in one call", hint=f"send at most {IDS_PER_CALL}"
        )
    scope = await version_scope(context.database, access, request.version_id, change=True)
    tags = await _tags(context, scope, request.asset_tag_ids)
    ids = list(dict.fromkeys(request.data_ids))
    await _candidates(context.database, access, ids)
    size = max(1, _ROWS // (1 + len(tags)))
    added = 0
    for start in range(0, len(ids), size):
        locks = await version_locks(context, request.version_id)
        async with context.database.transaction(*locks) as tx:
            scope = await version_scope(tx, access, request.version_id, change=True)
            candidates = await _candidates(tx, access, ids[start : start + size])
            change, fresh = await _add(tx, access, scope, candidates, tags)
        added += fresh
        fold_if_due(context, scope, change)
    async with context.database.transaction(ONE_STATEMENT) as tx:
        job = await add_job(
            context,
            tx,
            access,
            kind="ADD_DATA",
            subject=scope.no,
            state=JobStatus.SUCCESS,
            done=added,
            total=added,
        )
    return JobAnswer(job=job)


async def _tags(context: Context, scope: VersionScope, tag_ids: list[UUID]) -> list[int]:
    ids = scope.ids(Kind.ASSET_TAG)
    keys = {tag_id: ids.seq(tag_id) for tag_id in tag_ids}
    rows = await context.database.fetch(
        "assets.known_tags", keys=json_text(list(keys.values())), version=scope.no
    )
    known = {key for (key,) in rows}
    for tag_id, key in keys.items():
        if key not in known:
            raise missing(Kind.ASSET_TAG, tag_id)
    return sorted(known)


async def _candidates(statements: Statements, access: Access, ids: list[UUID]) -> list[Candidate]:
    """Read the data of these distinct ids, in their order.

    Raises:
        NotFoundError: A data does not exist.
        BadRequestError: A data is not ready or has no known size.
    """
    found: dict[tuple[int, int, int], Candidate] = {}
    keys: list[tuple[int, int, int]] = []
    for start in range(0, len(ids), _SLICE):
        wanted = data_keys(ids[start : start + _SLICE])
        rows = await statements.fetch(
            "assets.candidates", keys=json_text(wanted), organization=access.organization
        )
        for candidate in map(Candidate._make, rows):
            found[candidate.lake_bucket, candidate.no, candidate.lake_created] = candidate
        keys += wanted
    if len(keys) < len(ids) or any(key not in found for key in keys):
        known = {data_id(key[2], key[0], key[1]) for key in found}
        unknown = [each for each in ids if each not in known]
        more = f" and {len(unknown) - 1} more of {len(ids)}" if len(unknown) > 1 else ""
        raise NotFoundError(f"there is no data {unknown[0]}{more}", hint="nothing was added")
    candidates = [found[key] for key in keys]
    for each, candidate in zip(ids, candidates, strict=True):
        sized = candidate.width is not None or candidate.kind == DataType.VIDEO
        if candidate.status != DataUploadStatus.DONE or not sized:
            raise BadRequestError(
                f"data {candidate.filename!r} ({each}) is {candidate.status}"
                + (" and of unknown size" if candidate.width is None else ""),
                hint="only data that are DONE, images with a known width and height, become assets",
            )
    return candidates


async def _add(
    tx: Transaction,
    access: Access,
    scope: VersionScope,
    candidates: list[Candidate],
    tags: list[int],
) -> tuple[VersionChange, int]:
    """Add the candidates that the version lacks; return the change of the version and the number of new assets."""
    keys = json_text([(candidate.lake_bucket, candidate.no) for candidate in candidates])
    rows = await tx.fetch("assets.present", keys=keys, bucket=scope.bucket, version=scope.no)
    present = {(lake_bucket, data): seq for lake_bucket, data, seq in rows}
    fresh = [c for c in candidates if (c.lake_bucket, c.no) not in present]
    change = await touch(tx, scope, assets=len(fresh))
    seqs = range(change.asset, change.asset + len(fresh))
    await tx.insert_many(
        "assets.add",
        [
            (scope.bucket, scope.no, seq, c.lake_bucket, c.no, c.filename)
            for seq, c in zip(seqs, fresh, strict=True)
        ],
    )
    all_seqs = [*present.values(), *seqs]
    await tx.insert_many(
        "assets.add_tag",
        [(scope.bucket, scope.no, tag, seq) for tag in tags for seq in all_seqs],
    )
    await CounterDelta(assets=len(fresh)).write(tx, scope.bucket, scope.no)
    await add_new_assets(tx, access.organization, scope.campaign, seqs)
    return change, len(fresh)
