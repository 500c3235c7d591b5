"""The assignments of campaigns, one an asset (reference 16)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.plain_platform.assets import fields_of_asset
from tests.support.plain_platform.campaigns import (
    CAMPAIGN,
    CAMPAIGNS,
    DONE,
    ENTRY,
    OPEN,
    campaign_of,
    next_assignee,
    show_campaign,
    workflow,
)
from tests.support.plain_platform.filters import QUERY, keeps
from tests.support.plain_platform.kinds import (
    UUID,
    Kind,
    list_of,
    many,
    needed,
    one_of,
    or_null,
    record,
)
from tests.support.plain_platform.paging import CURSOR, cursor_page
from tests.support.plain_platform.queries import read_query
from tests.support.plain_platform.records import Assignment, Campaign, Data
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.signing import file_url

UNASSIGNED = "unassigned"
STATUSES = one_of("TO_DO", "TO_REWORK", "DONE", "SKIPPED")
IDS_OF_A_CALL = 10_000


def _data(call: Call, assignment: Assignment) -> Data:
    return call.store.datas[call.store.assets[assignment.asset_id].data_id]


def _show(call: Call, assignment: Assignment) -> dict[str, Any]:
    data = _data(call, assignment)
    return {
        "id": assignment.id,
        "asset_id": assignment.asset_id,
        "step_id": assignment.step_id,
        "status": assignment.status,
        "assigned_user_id": assignment.assigned_user_id,
        "data": {
            "id": data.id,
            "filename": data.filename,
            "object_name": data.object_name,
            "presigned_url": file_url(call, data.object_name),
        },
    }


def _of(call: Call, campaign: Campaign) -> list[Assignment]:
    return [each for each in call.store.assignments.values() if each.campaign_id == campaign.id]


# --- synchronisation ----------------------------------------------------------------------------------


def _without(call: Call, campaign: Campaign) -> list[str]:
    has = {each.asset_id for each in _of(call, campaign)}
    return [asset.id for asset in call.store.assets_of(campaign.version_id) if asset.id not in has]


def _reason(call: Call, campaign: Campaign) -> str | None:
    if campaign.closed:
        return "The campaign is closed."
    if not workflow(call, campaign):
        return "The campaign has no step."
    if not _without(call, campaign):
        return "All assets are in the campaign."
    return None


def _available(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call)
    reason = _reason(call, campaign)
    return {
        "is_sync_available": reason is None,
        "reason": reason,
        "unsynced_item_count": len(_without(call, campaign)),
    }


def _sync(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call, change=True)
    reason = _reason(call, campaign)
    if reason is not None:
        raise RefusedError(409, reason)
    steps = workflow(call, campaign)
    first = campaign.settings.get("default_entry_step_id") or steps[0].id
    annotated = (
        call.key("existing_annotations_step_id")
        or campaign.settings.get("annotated_entry_step_id")
        or first
    )
    if annotated not in (DONE, *(step.id for step in steps)):
        raise RefusedError(400, "The step is not one of this campaign.")

    def work() -> None:
        for asset_id in _without(call, campaign):
            entry = annotated if call.store.annotations_of(asset_id) else first
            done = entry == DONE
            step = call.store.steps[steps[-1].id if done else entry]
            made = Assignment(campaign.id, asset_id, step.id, status=DONE if done else "TO_DO")
            made.assigned_user_id = None if done else next_assignee(call, step)
            call.store.assignments[made.id] = made

    job = call.store.start_job(call.switches, work, second=True)
    return {"campaign": show_campaign(campaign), "job": job.look()}


# --- listing, reassigning -----------------------------------------------------------------------------


def _list(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call)
    matches: Callable[[Any], bool] = lambda asset: True  # noqa: E731 (replaced where there is a query)
    if "q" in call.query:
        matches = read_query(call.query["q"], fields_of_asset(call.store))
    user = call.query.get("user_id")
    rows = [
        each
        for each in _of(call, campaign)
        if call.query.get("status") in (None, each.status)
        and call.query.get("step_id") in (None, each.step_id)
        and user in (None, each.assigned_user_id or UNASSIGNED)
        and keeps(call.query, _data(call, each))
        and matches(call.store.assets[each.asset_id])
    ]
    sorts = {
        "filename": lambda row: _data(call, row).filename,
        "status": lambda row: row.status,
    }
    return cursor_page(rows, call, lambda row: _show(call, row), sorts)


def _get(call: Call) -> dict[str, Any]:
    return _show(call, call.at(call.store.assignments, "assignment"))


def _reassign(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call, change=True)
    user = call.body["user_id"]
    if user is not None and user not in call.store.users:
        raise RefusedError(400, "There is no such user.")
    mine = {each.id: each for each in _of(call, campaign)}
    if any(each not in mine for each in call.body["assignment_ids"]):
        raise RefusedError(400, "An assignment is not one of this campaign.")
    processed = [each for each in call.body["assignment_ids"] if mine[each].status in OPEN]
    for each in processed:
        mine[each].assigned_user_id = user
    return {"processed_ids": processed}


def _issues(call: Call) -> list[dict[str, Any]]:
    """Nothing here opens issues, so everyone who has an assignment has none."""
    campaign = campaign_of(call)
    users, steps = call.query.get("user_ids"), call.query.get("step_ids")
    found = {
        each.assigned_user_id
        for each in _of(call, campaign)
        if (users is None or each.assigned_user_id in users)
        and (steps is None or each.step_id in steps)
    }
    return [{"user_id": user, "opened": 0, "closed": 0} for user in sorted(found, key=str)]


def _check_user(value: Any, where: str) -> None:
    if value != UNASSIGNED:
        UUID.check(value, where)


ROUTES = [
    Route("GET", f"{CAMPAIGN}/assignments/sync/available", _available),
    Route(
        "POST",
        f"{CAMPAIGN}/assignments/sync",
        _sync,
        body=record({"existing_annotations_step_id": ENTRY}),
    ),
    Route(
        "GET",
        f"{CAMPAIGN}/assignments",
        _list,
        query={
            **CURSOR,
            **QUERY,
            "status": STATUSES,
            "step_id": UUID,
            "user_id": Kind("a user or unassigned", _check_user, UNASSIGNED, "x"),
        },
    ),
    Route("GET", f"{CAMPAIGNS}/assignments/{{assignment}}", _get),
    Route(
        "POST",
        f"{CAMPAIGN}/assignments/reassign",
        _reassign,
        body=record(
            {
                "assignment_ids": needed(list_of(UUID, most=IDS_OF_A_CALL)),
                "user_id": needed(or_null(UUID)),
            }
        ),
    ),
    Route(
        "GET",
        f"{CAMPAIGNS}/analytics/{{camp}}/issues/counts/users",
        _issues,
        query={"user_ids": many(UUID), "step_ids": many(UUID)},
    ),
]
