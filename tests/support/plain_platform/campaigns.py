"""Annotation campaigns and the steps of their workflow (reference 16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.plain_platform.kinds import (
    BOOL,
    DATE,
    INT,
    NAME,
    NUMBER,
    TEXT,
    UUID,
    Kind,
    WrongValueError,
    between,
    list_of,
    needed,
    one_of,
    or_null,
    record,
)
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.records import Campaign, Step
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.store import refuse_locked
from tests.support.plain_platform.versions import VERSION

CAMPAIGNS = "/api/campaigns/annotation"
CAMPAIGN = f"{CAMPAIGNS}/{{camp}}"
STEP = f"{CAMPAIGNS}/steps/{{step}}"
DONE = "DONE"
OPEN = ("TO_DO", "TO_REWORK")
"""The statuses of an assignment that waits for work."""


def campaign_of(call: Call, *, change: bool = False) -> Campaign:
    """The campaign that the path names; refused for a change of a closed one, or below a locked version."""
    campaign = call.at(call.store.campaigns, "camp")
    return _may_change(call, campaign) if change else campaign


def step_of(call: Call, *, change: bool = False) -> Step:
    """The step that the path names; refused as in `campaign_of`."""
    step = call.at(call.store.steps, "step")
    if change:
        _may_change(call, call.store.campaigns[step.campaign_id])
    return step


def _may_change(call: Call, campaign: Campaign) -> Campaign:
    refuse_locked(call.store.versions[campaign.version_id])
    if campaign.closed:
        raise RefusedError(409, "The campaign is closed.")
    return campaign


def workflow(call: Call, campaign: Campaign) -> list[Step]:
    """The steps in their order."""
    steps = [step for step in call.store.steps.values() if step.campaign_id == campaign.id]
    return sorted(steps, key=lambda step: step.place)


def show_campaign(campaign: Campaign) -> dict[str, Any]:
    return {"id": campaign.id, "dataset_version_id": campaign.version_id}


def _show_step(step: Step) -> dict[str, Any]:
    return {"id": step.id, "name": step.name, "order": step.place, "type": step.type}


# --- campaigns ----------------------------------------------------------------------------------------


def _create(call: Call) -> dict[str, Any]:
    version = version_of(call, change=True)
    if version.campaign_id is not None:
        raise RefusedError(409, "The version has a campaign.")
    _check_instructions(call)
    campaign = Campaign(version.id, dict(call.body))
    call.store.campaigns[campaign.id] = campaign
    version.campaign_id = campaign.id
    return show_campaign(campaign)


def _check_instructions(call: Call) -> None:
    name = call.key("instructions_object_name")
    if name is not None and name not in call.store.files:
        raise RefusedError(400, "There are no such instructions.")


def _list(call: Call) -> dict[str, Any]:
    in_organization(call)
    wanted = call.query.get("is_closed")
    campaigns = call.store.campaigns.values()
    return {"items": [show_campaign(each) for each in campaigns if wanted in (None, each.closed)]}


def _get(call: Call) -> dict[str, Any]:
    return show_campaign(campaign_of(call))


def _update(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call, change=True)
    _check_instructions(call)
    known = {DONE, *(step.id for step in workflow(call, campaign))}
    for key in ("default_entry_step_id", "annotated_entry_step_id"):
        if call.key(key) is not None and call.body[key] not in known:
            raise RefusedError(400, "The step is not one of this campaign.")
    campaign.settings |= call.body
    return show_campaign(campaign)


def _close(call: Call) -> None:
    refuse_locked(call.store.versions[campaign_of(call).version_id])
    campaign_of(call).closed = True


def _delete(call: Call) -> None:
    campaign = campaign_of(call)
    refuse_locked(call.store.versions[campaign.version_id])
    call.store.remove_campaign(campaign)


# --- steps --------------------------------------------------------------------------------------------


def _add_step(call: Call) -> dict[str, Any]:
    campaign = campaign_of(call, change=True)
    steps = workflow(call, campaign)
    place = call.body["order"]
    place = len(steps) if place is None else min(place, len(steps))
    for step in steps[place:]:
        step.place += 1
    made = Step(
        campaign.id,
        call.body["name"],
        call.body["type"],
        place,
        sample_rate=call.body["sample_rate"],
        assignees=_assignees(call),
    )
    call.store.steps[made.id] = made
    return _show_step(made)


def _assignees(call: Call) -> list[tuple[str, float]]:
    given = call.key("assignees") or []
    if any(each["user_id"] not in call.store.users for each in given):
        raise RefusedError(400, "There is no such user.")
    return [(each["user_id"], float(each["weight"])) for each in given]


def _list_steps(call: Call) -> dict[str, Any]:
    return {"items": [_show_step(step) for step in workflow(call, campaign_of(call))]}


def _get_step(call: Call) -> dict[str, Any]:
    return _show_step(step_of(call))


def _update_step(call: Call) -> dict[str, Any]:
    step = step_of(call, change=True)
    step.name = call.key("name", step.name)
    step.sample_rate = call.key("sample_rate", step.sample_rate)
    if "assignees" in call.body:
        step.assignees = _assignees(call)
    return _show_step(step)


def _delete_step(call: Call) -> None:
    step = step_of(call, change=True)
    campaign = call.store.campaigns[step.campaign_id]
    target = call.store.steps.get(call.body["destination_step_id_for_pending_assignments"])
    if target is None or target is step or target.campaign_id != campaign.id:
        raise RefusedError(400, "The destination is not another step of this campaign.")
    for assignment in call.store.assignments.values():
        if assignment.step_id == step.id:
            assignment.step_id = target.id
            if assignment.status in OPEN:
                assignment.assigned_user_id = next_assignee(call, target)
    del call.store.steps[step.id]
    for place, each in enumerate(workflow(call, campaign)):
        each.place = place


def _redistribute(call: Call) -> None:
    step = step_of(call, change=True)
    waiting = [
        each
        for each in call.store.assignments.values()
        if each.step_id == step.id and each.status in OPEN
    ]
    for assignment in waiting:
        assignment.assigned_user_id = None
    for assignment in waiting:
        assignment.assigned_user_id = next_assignee(call, step)


def next_assignee(call: Call, step: Step) -> str | None:
    """The user of the step who has fewest of its assignments for their weight."""
    shares = [(user, weight) for user, weight in step.assignees if weight > 0]
    if not shares:
        return None
    has = {user: 0 for user, _ in shares}
    for each in call.store.assignments.values():
        if each.step_id == step.id and each.assigned_user_id in has:
            has[each.assigned_user_id] += 1
    return min(shares, key=lambda share: (has[share[0]] + 1) / share[1])[0]


# --- what the requests hold ---------------------------------------------------------------------------


def _check_entry(value: Any, where: str) -> None:
    if value != DONE:
        UUID.check(value, where)


def _check_weight(value: Any, where: str) -> None:
    NUMBER.check(value, where)
    if value <= 0:
        raise WrongValueError(f"{where} must be above 0")


ENTRY = Kind("a step or DONE", _check_entry, DONE, "x")
_SETTINGS: Mapping[str, Kind] = {
    "description": TEXT,
    "instructions_text": TEXT,
    "end_date": DATE,
    "auto_add_new_assets": BOOL,
    "auto_close_on_completion": BOOL,
}
_ASSIGNEES = list_of(
    record({"user_id": needed(UUID), "weight": needed(Kind("a weight", _check_weight, 1, 0))})
)
_RATE = or_null(between(NUMBER, 0, 1))
_STEP_TYPES = one_of("ANNOTATION", "REVIEW")

ROUTES = [
    Route(
        "POST",
        f"{VERSION}/campaigns",
        _create,
        body=record(
            {
                **{key: needed(or_null(kind)) for key, kind in _SETTINGS.items()},
                "instructions_object_name": NAME,
            }
        ),
    ),
    Route(
        "GET",
        f"{ORGANIZATION}/annotationcampaigns",
        _list,
        query={"is_closed": BOOL},
    ),
    Route("GET", CAMPAIGN, _get),
    Route(
        "PATCH",
        CAMPAIGN,
        _update,
        body=record(
            {
                **_SETTINGS,
                "instructions_object_name": NAME,
                "default_entry_step_id": UUID,
                "annotated_entry_step_id": ENTRY,
            }
        ),
    ),
    Route("POST", f"{CAMPAIGN}/close", _close),
    Route("DELETE", CAMPAIGN, _delete),
    Route(
        "POST",
        f"{CAMPAIGN}/steps",
        _add_step,
        body=record(
            {
                "name": needed(NAME),
                "type": needed(_STEP_TYPES),
                "description": needed(or_null(TEXT)),
                "order": needed(or_null(between(INT, 0, 1000))),
                "sample_rate": needed(_RATE),
                "assignees": _ASSIGNEES,
            }
        ),
    ),
    Route("GET", f"{CAMPAIGN}/steps", _list_steps),
    Route("GET", STEP, _get_step),
    Route(
        "PATCH",
        STEP,
        _update_step,
        body=record({"name": NAME, "sample_rate": between(NUMBER, 0, 1), "assignees": _ASSIGNEES}),
    ),
    Route(
        "DELETE",
        STEP,
        _delete_step,
        body=record({"destination_step_id_for_pending_assignments": needed(UUID)}),
    ),
    Route("POST", f"{STEP}/assignments/redistribute", _redistribute),
]
