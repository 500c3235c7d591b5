"""List, get, reassign, submit and count the tasks of campaigns. The API calls tasks assignments."""

from __future__ import annotations

from typing import Any

import msgspec

from headrace.errors import BadRequestError, ConflictError
from headrace.model.enums import AnnotationStatus, AssignmentStatus
from headrace.model.ids import MAX_SEQ, Kind
from headrace.model.records import (
    AssignmentDataRecord,
    AssignmentRecord,
    DataRecord,
    IssueCountRecord,
    Items,
    Page,
    ProcessedAnswer,
    ProgressRecord,
)
from headrace.platform.accounts.users import account_of
from headrace.platform.campaigns.scopes import (
    Campaign,
    campaign_of_part,
    campaign_scope,
    step_key,
    steps_of,
    user_id,
)
from headrace.platform.campaigns.transitions import annotation_status, claim, move_task
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.asset_rows import RANGE
from headrace.platform.core.identifiers import missing
from headrace.platform.core.listing import json_text, order_clause, page_limit, page_offset
from headrace.platform.core.locking import version_locks
from headrace.platform.core.scopes import touch
from headrace.platform.datalake.data_records import data_records
from headrace.platform.dispatch import handles
from headrace.platform.filters import compile_assignment_filters
from headrace.protocol.operations.assignments import (
    CAMPAIGN_PROGRESS,
    GET_ASSIGNMENT,
    ISSUE_COUNTS,
    LIST_ASSIGNMENTS,
    REASSIGN,
    SUBMIT_ASSIGNMENT,
    AssignmentId,
    IssueCounts,
    ListAssignments,
    Reassign,
    SubmitAssignment,
)
from headrace.protocol.operations.campaigns import CampaignId
from headrace.protocol.operations.listing import IDS_PER_CALL
from headrace.protocol.paging import decode_cursor, encode_cursor
from headrace.storage.database.base import Row, Statements, Transaction

_ORDERS = {
    "created_at": "t.asset",
    "filename": "a.filename",
    "status": "t.status",
}


@handles(LIST_ASSIGNMENTS)
async def list_assignments(
    context: Context, access: Access, request: ListAssignments
) -> Page[AssignmentRecord]:
    """List tasks: newest asset first by cursor, or by offset in a requested order."""
    campaign = await campaign_scope(context.database, access, request.campaign_id)
    filters, about_assets = compile_assignment_filters(request, context.database.dialect)
    params = {**campaign.params, "version": campaign.version.no, **filters.params}
    limit, offset = page_limit(request), page_offset(request)

    async def count() -> int:
        counted = {**campaign.params, **filters.params}
        statement = "assignments.count"
        if about_assets:
            statement, counted = "assignments.count_matching", params
        row = await context.database.fetch_one(statement, filters=filters.sql, **counted)
        assert row is not None
        return int(row[0])

    if request.order_by:
        order = order_clause(request.order_by, _ORDERS, "t.asset desc", context.database.dialect)
        rows = await context.database.fetch(
            "assignments.ordered", filters=filters.sql + order, limit=limit, offset=offset, **params
        )
        return Page(items=_records(access, campaign, rows), count=await count())
    listing = msgspec.structs.replace(request, limit=None, offset=None, cursor=None)
    before, total = MAX_SEQ + 1, None
    if request.cursor:
        before, total = decode_cursor(request.cursor, listing)
    rows = await context.database.fetch(
        "assignments.page",
        filters=filters.sql,
        before=before,
        limit=limit + 1,
        offset=0 if request.cursor else offset,
        **params,
    )
    if total is None:
        total = await count()
    following = None
    if len(rows) > limit:
        following = encode_cursor([rows[limit - 1][0], total], listing)
    return Page(items=_records(access, campaign, rows[:limit]), count=total, next_cursor=following)


@handles(GET_ASSIGNMENT)
async def get_assignment(
    context: Context, access: Access, request: AssignmentId
) -> AssignmentRecord:
    """Get a task by id."""
    campaign, asset = await campaign_of_part(
        context.database, access, request.assignment_id, Kind.ASSIGNMENT
    )
    return await _one(context.database, access, campaign, asset)


@handles(REASSIGN)
async def reassign_assignments(
    context: Context, access: Access, request: Reassign
) -> ProcessedAnswer:
    """Assign open tasks to a user, or to none; returns the ids of the tasks that were open."""
    if len(request.assignment_ids) > IDS_PER_CALL:
        raise BadRequestError(
            f"{len(request.assignment_ids)} tasks in one call", hint=f"send at most {IDS_PER_CALL}"
        )
    campaign = await campaign_scope(context.database, access, request.campaign_id, change=True)
    account = None
    if request.user_id is not None:
        account = await account_of(context.database, access, request.user_id)
    ids = campaign.ids(Kind.ASSIGNMENT)
    assets: dict[int, None] = {}
    for each in request.assignment_ids:
        asset = ids.seq(each)
        if asset is None:
            raise missing(Kind.ASSIGNMENT, each)
        assets[asset] = None
    wanted, processed = list(assets), []
    for start in range(0, len(wanted), RANGE):
        locks = await version_locks(context, request.campaign_id, Kind.CAMPAIGN)
        async with context.database.transaction(*locks) as tx:
            await campaign_scope(tx, access, request.campaign_id, change=True)
            processed += await _assign(tx, campaign, wanted[start : start + RANGE], account)
    return ProcessedAnswer(processed_ids=[ids.id(asset) for asset in processed])


@handles(SUBMIT_ASSIGNMENT)
async def submit_assignment(
    context: Context, access: Access, request: SubmitAssignment
) -> AssignmentRecord:
    """Move a task by the submitted status, and update the status of its newest annotation."""
    submitted = request.status
    if submitted is AnnotationStatus.PENDING:
        raise BadRequestError(
            "a task cannot be submitted as PENDING", hint="use ACCEPTED, REFUSED or SKIPPED"
        )
    locks = await version_locks(context, request.assignment_id, Kind.ASSIGNMENT)
    async with context.database.transaction(*locks) as tx:
        campaign, asset = await campaign_of_part(
            tx, access, request.assignment_id, Kind.ASSIGNMENT, change=True
        )
        scope = campaign.version
        task = await claim(tx, access, scope, asset)
        if task is None:
            raise missing(Kind.ASSIGNMENT, request.assignment_id)
        if task.status is AssignmentStatus.SKIPPED:
            raise ConflictError(
                f"task {request.assignment_id} was skipped", hint="annotate the asset first"
            )
        status = await annotation_status(tx, task, submitted)
        await touch(tx, scope)
        await move_task(tx, access, task, submitted)
        if status is not None:
            await _set_annotation_status(tx, campaign, asset, status)
        return await _one(tx, access, campaign, asset)


@handles(CAMPAIGN_PROGRESS)
async def campaign_progress(
    context: Context, access: Access, request: CampaignId
) -> Items[ProgressRecord]:
    """Count the tasks by step, status and user, in the order of the workflow."""
    campaign = await campaign_scope(context.database, access, request.campaign_id)
    order = {step.key: step.position for step in await steps_of(context.database, campaign.no)}
    statuses = list(AssignmentStatus)
    rows = await context.database.fetch("assignments.progress", **campaign.params)
    rows.sort(key=lambda row: (order.get(row[0], 0), statuses.index(row[1]), row[2] or 0))
    ids = campaign.ids(Kind.STEP)
    return Items(
        items=[
            ProgressRecord(
                step_id=ids.id(step),
                status=AssignmentStatus(status),
                user_id=None if account is None else user_id(account, created),
                count=count,
            )
            for step, status, account, created, count in rows
        ]
    )


@handles(ISSUE_COUNTS)
async def campaign_issue_counts(
    context: Context, access: Access, request: IssueCounts
) -> list[IssueCountRecord]:
    """Count the refusals in reviews by annotator: open until the task is reworked, then closed."""
    campaign = await campaign_scope(context.database, access, request.campaign_id)
    chosen = None
    if request.step_ids is not None:
        steps = await steps_of(context.database, campaign.no)
        chosen = json_text([step_key(campaign, steps, each) for each in request.step_ids])
    users = None
    if request.user_ids is not None:
        users = {await account_of(context.database, access, each) for each in request.user_ids}
    rows = await context.database.fetch("assignments.issues", **campaign.params, steps=chosen)
    return [
        IssueCountRecord(
            user_id=None if account is None else user_id(account, created),
            opened=opened,
            closed=closed,
        )
        for account, created, opened, closed in rows
        if users is None or account in users
    ]


async def _assign(
    tx: Transaction, campaign: Campaign, assets: list[int], account: int | None
) -> list[int]:
    rows = await tx.fetch("assignments.open_of", **campaign.params, assets=json_text(assets))
    key = (campaign.version.bucket, campaign.no)
    await tx.insert_many("assignments.deal", [(step, account, *key, asset) for asset, step in rows])
    return [asset for asset, _ in rows]


async def _set_annotation_status(
    tx: Transaction, campaign: Campaign, asset: int, status: AnnotationStatus
) -> None:
    params: dict[str, Any] = {
        "bucket": campaign.version.bucket,
        "version": campaign.version.no,
        "asset": asset,
    }
    row = await tx.fetch_one("assignments.newest_annotation", **params)
    if row is not None:
        await tx.execute("assignments.set_status", **params, no=row[0], status=str(status))


async def _one(
    statements: Statements, access: Access, campaign: Campaign, asset: int
) -> AssignmentRecord:
    row = await statements.fetch_one(
        "assignments.one", **campaign.params, version=campaign.version.no, asset=asset
    )
    if row is None:
        raise missing(Kind.ASSIGNMENT, campaign.ids(Kind.ASSIGNMENT).id(asset))
    return _records(access, campaign, [row])[0]


def _records(access: Access, campaign: Campaign, rows: list[Row]) -> list[AssignmentRecord]:
    tasks, steps = campaign.ids(Kind.ASSIGNMENT), campaign.ids(Kind.STEP)
    assets = campaign.version.ids(Kind.ASSET)
    data_of = data_records(access)
    return [
        AssignmentRecord(
            id=tasks.id(asset),
            asset_id=assets.id(asset),
            step_id=steps.id(step),
            status=AssignmentStatus(status),
            assigned_user_id=None if account is None else user_id(account, created),
            data=_file(data_of(tuple(data))),
        )
        for asset, step, status, account, created, *data in rows
    ]


def _file(data: DataRecord) -> AssignmentDataRecord:
    return msgspec.convert(data, AssignmentDataRecord, from_attributes=True)
