"""Tasks of campaigns: who gets them, where they go, and what ends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, ConflictError, LockedError, NotFoundError
from headrace.model.enums import AnnotationStatus, AssignmentStatus, InferenceType, TagTarget
from headrace.model.ids import Kind
from headrace.model.records import JobRunRecord
from headrace.platform.core.identifiers import key_of
from headrace.protocol.operation import Operation
from headrace.protocol.operations import (
    annotating,
    annotations,
    assets,
    assignments,
    campaigns,
    datasets,
    jobs,
    tags,
)
from tests.support.lakes.campaigns import Run, campaign, submit, user_ids
from tests.support.lakes.forks import fork, rows
from tests.support.lakes.stocked_lake import Filled, Stocked, colleague, stocked
from tests.support.processes.waiting import until

pytestmark = pytest.mark.every_storage

TO_DO, REWORK = AssignmentStatus.TO_DO, AssignmentStatus.TO_REWORK
DONE, SKIPPED = AssignmentStatus.DONE, AssignmentStatus.SKIPPED
ACCEPTED, REFUSED = AnnotationStatus.ACCEPTED, AnnotationStatus.REFUSED


@pytest.fixture
async def lake(tmp_path: Path) -> AsyncIterator[Stocked]:
    async with stocked(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
async def other(lake: Stocked) -> Stocked:
    return await colleague(lake)


@pytest.fixture
async def filled(lake: Stocked) -> Filled:
    return await lake.filled(12)


async def test_every_stretch_of_tasks_is_shared_by_weight(
    lake: Stocked, other: Stocked, filled: Filled
) -> None:
    users = await user_ids(lake)
    run = await campaign(lake, filled.id, auto_add_new_assets=True)
    step = await run.step("draw", "ANNOTATION", (users["local"], 1), (users["colleague"], 2))
    await run.launch()
    owners = [task.assigned_user_id for task in await run.tasks()]
    for start in range(0, 12, 3):
        assert Counter(owners[start : start + 3])[users["local"]] == 1
    # What comes later goes on where the shares were, also in many small calls.
    for _ in range(3):
        await lake.call(
            assets.ADD_DATA, version_id=filled.id, data_ids=await lake.add_data(1, name="late")
        )
    owners = [task.assigned_user_id for task in await run.tasks()]
    assert Counter(owners) == {users["local"]: 5, users["colleague"]: 10}
    for weight in (0, -1, float("nan"), float("inf")):
        with pytest.raises(BadRequestError, match="weight"):
            await run.step("x", "REVIEW", (users["local"], weight))
    with pytest.raises(BadRequestError, match="twice"):
        await run.step("x", "REVIEW", (users["local"], 1), (users["local"], 1))
    assert len((await lake.call(campaigns.LIST_STEPS, campaign_id=run.id)).items) == 1
    shown = await lake.call(campaigns.GET_STEP, step_id=step)
    assert [(a.user_id, a.weight) for a in shown.assignees] == [
        (users["local"], 1),
        (users["colleague"], 2),
    ]


async def test_a_share_of_the_tasks_passes_through_a_sampled_step(
    lake: Stocked, filled: Filled
) -> None:
    run = await campaign(lake, filled.id)
    draw = await run.step("draw")
    look = await run.step("look", "REVIEW", sample_rate=0.25)
    last = await run.step("last", "REVIEW", sample_rate=0.0)
    await run.launch()
    for task in await run.tasks():
        await submit(lake, task)
    there = [(task.step_id, task.status) for task in await run.tasks()]
    assert Counter(there) == {(look, TO_DO): 3, (draw, DONE): 9}
    # Spread evenly: one in every four.
    places = [index for index, (step, _) in enumerate(there) if step == look]
    assert [place // 4 for place in places] == [0, 1, 2]
    (task, *_) = await run.tasks(step_id=look)
    assert (await submit(lake, task)).status is DONE
    assert await run.tasks(step_id=last) == []


async def test_refused_work_goes_back_to_who_did_it(
    lake: Stocked, other: Stocked, filled: Filled
) -> None:
    users = await user_ids(lake)
    run = await campaign(lake, filled.id)
    draw = await run.step("draw")
    look = await run.step("look", "REVIEW", (users["local"], 1))
    sure = await run.step("sure", "REVIEW")
    await run.launch()
    task = (await run.tasks())[0]
    handed = await submit(other, task)
    assert (handed.step_id, handed.assigned_user_id) == (look, users["local"])
    handed = await submit(lake, task)
    assert (handed.step_id, handed.assigned_user_id) == (sure, None)
    back = await submit(other, task, status=REFUSED)
    assert (back.step_id, back.status, back.assigned_user_id) == (look, REWORK, users["local"])
    back = await submit(lake, task, status=REFUSED)
    assert (back.step_id, back.assigned_user_id) == (draw, users["colleague"])
    with pytest.raises(BadRequestError, match="not a review"):
        await submit(other, task, status=REFUSED)
    counts = await lake.call(assignments.ISSUE_COUNTS, campaign_id=run.id)
    assert {(c.user_id, c.opened, c.closed) for c in counts} == {
        (users["local"], 0, 1),
        (users["colleague"], 1, 0),
    }
    # Whoever gets the task gets the issue.
    await lake.call(
        assignments.REASSIGN,
        campaign_id=run.id,
        assignment_ids=[task.id],
        user_id=users["local"],
    )
    counts = await lake.call(assignments.ISSUE_COUNTS, campaign_id=run.id, step_ids=[draw])
    assert [(c.user_id, c.opened, c.closed) for c in counts] == [(users["local"], 1, 0)]


async def test_what_enters_in_a_review_is_sent_to_be_annotated(
    lake: Stocked, filled: Filled
) -> None:
    await filled.send(*(filled.item(asset, 1) for asset in range(3)))
    run = await campaign(lake, filled.id)
    draw = await run.step("draw")
    look = await run.step("look", "REVIEW")
    await run.launch(existing_annotations_step_id=str(look))
    (task, *_) = await run.tasks(step_id=look)
    back = await submit(lake, task, status=REFUSED)
    assert (back.step_id, back.status, back.assigned_user_id) == (draw, REWORK, None)
    found = await lake.call(annotating.FIND_ANNOTATION, asset_id=task.asset_id)
    assert found.status is REFUSED
    await submit(lake, task)
    found = await lake.call(annotating.FIND_ANNOTATION, asset_id=task.asset_id)
    assert found.status is AnnotationStatus.PENDING


async def test_a_review_without_a_step_before_reworks_itself(lake: Stocked, filled: Filled) -> None:
    run = await campaign(lake, filled.id)
    look = await run.step("look", "REVIEW")
    await run.launch()
    task = (await run.tasks())[0]
    back = await submit(lake, task, status=REFUSED)
    assert (back.step_id, back.status) == (look, REWORK)
    assert (await submit(lake, task)).status is DONE
    with pytest.raises(ConflictError, match="done"):
        await submit(lake, task)
    with pytest.raises(BadRequestError, match="PENDING"):
        await submit(lake, task, status=AnnotationStatus.PENDING)


async def test_the_last_task_closes_a_campaign_that_wants_it(lake: Stocked, filled: Filled) -> None:
    run = await campaign(lake, filled.id, auto_close_on_completion=True)
    await run.step("draw")
    await run.launch()
    *most, last = await run.tasks()
    for index, task in enumerate(most):
        await submit(lake, task, status=ACCEPTED if index % 2 else AnnotationStatus.SKIPPED)
    assert not (await run.record()).is_closed
    with pytest.raises(ConflictError, match="skipped"):
        await submit(lake, most[0])
    await submit(lake, last)
    assert (await run.record()).is_closed
    await lake.call(campaigns.DELETE_CAMPAIGN, campaign_id=run.id)
    done = await campaign(lake, filled.id, auto_close_on_completion=True)
    await done.step("draw")
    await filled.send(*(filled.item(asset, 1) for asset in range(12)))
    answer = await done.launch(existing_annotations_step_id="DONE")
    assert answer.campaign.is_closed
    assert {task.status for task in await done.tasks()} == {DONE}


async def test_copies_and_forks_and_new_data(lake: Stocked, filled: Filled) -> None:
    await filled.send(*(filled.item(asset, 1) for asset in range(6)))
    origin = (await lake.call(datasets.GET_VERSION, version_id=filled.id)).origin_id
    target = await lake.version("second", dataset=origin)
    run = await campaign(lake, target.id, auto_add_new_assets=True)
    draw = await run.step("draw")
    look = await run.step("look", "REVIEW")
    await lake.call(
        campaigns.UPDATE_CAMPAIGN, campaign_id=run.id, annotated_entry_step_id=str(look)
    )
    copy: dict[str, Any] = {
        "version_id": filled.id,
        "destination_id": target.id,
        "asset_ids": [UUID(asset) for asset in filled.assets[3:9]],
        "with_annotations": True,
    }
    await lake.call(assets.COPY_ASSETS, **copy)
    await lake.call(assets.COPY_ASSETS, **copy)
    assert Counter(task.step_id for task in await run.tasks()) == {draw: 3, look: 3}
    made = await fork(lake, target.id, with_annotations=True)
    assert made.dataset_version.annotation_campaign_id is None
    await lake.call(campaigns.CLOSE_CAMPAIGN, campaign_id=run.id)
    await lake.call(assets.ADD_DATA, version_id=target.id, data_ids=await lake.add_data(2))
    assert len(await run.tasks()) == 6
    shown = await lake.call(assignments.SYNC_AVAILABLE, campaign_id=run.id)
    assert (shown.is_sync_available, shown.unsynced_item_count) == (False, 2)
    assert shown.reason == "the campaign is closed"


async def test_conversions_and_imports_pass_tasks_over(lake: Stocked, filled: Filled) -> None:
    version = {"version_id": filled.id}
    await lake.call(datasets.UPDATE_VERSION, **version, type=InferenceType.MULTI)
    run = await campaign(lake, filled.id)
    await run.step("draw")
    await run.launch()
    late = await lake.add_data(1, name="late")
    await lake.call(assets.ADD_DATA, **version, data_ids=late)
    page = await lake.call(assets.LIST_ASSETS, **version)
    tag = await lake.call(tags.CREATE_ASSET_TAG, **version, name="sunny")
    await lake.call(tags.ATTACH_TAG, tag_id=tag.id, ids=[asset.id for asset in page.items])
    await lake.call(tags.CONVERT_TAGS, **version, tag_ids=[tag.id], tag_type=TagTarget.ASSET)
    assert len(await filled.ids()) == 1
    free = annotations.ImportItem(asset_id=str(page.items[0].id))
    for mode in ("REPLACE", "KEEP", "CONCATENATE"):
        answer = await filled.send(filled.item(0, 1), filled.item(1, 2), free, mode=mode)
        assert len(answer) == 1
    assert len(await filled.ids()) == 1


async def test_a_deleted_step_hands_its_tasks_on(
    lake: Stocked, other: Stocked, filled: Filled
) -> None:
    users = await user_ids(lake)
    run = await campaign(lake, filled.id)
    draw = await run.step("draw")
    more = await run.step("more", "ANNOTATION", (users["colleague"], 1))
    await run.launch()
    first, second, *_ = await run.tasks()
    await submit(lake, first)
    await submit(lake, second, status=AnnotationStatus.SKIPPED)
    await lake.call(
        campaigns.DELETE_STEP, step_id=draw, destination_step_id_for_pending_assignments=more
    )
    counted = Counter((t.step_id, t.status, t.assigned_user_id) for t in await run.tasks())
    assert counted == {
        (more, TO_DO, users["colleague"]): 11,
        (more, SKIPPED, users["local"]): 1,
    }
    with pytest.raises(BadRequestError, match="another"):
        await lake.call(
            campaigns.DELETE_STEP, step_id=more, destination_step_id_for_pending_assignments=more
        )


async def test_what_is_deleted_leaves_no_rows(lake: Stocked, filled: Filled) -> None:
    tables = ("campaign", "campaign_step", "step_assignee", "assignment", "assignment_trail")
    users = await user_ids(lake)

    async def worked_on() -> Run:
        run = await campaign(lake, filled.id)
        await run.step("draw", "ANNOTATION", (users["local"], 1))
        await run.step("look", "REVIEW")
        await run.launch()
        for task in await run.tasks():
            await submit(lake, task)
        return run

    run = await worked_on()
    gone = [UUID(asset) for asset in filled.assets[:5]]
    await lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=gone)
    assert len(await run.tasks()) == rows(lake, "assignment") == 7
    assert rows(lake, "assignment_trail") == 7
    await lake.call(campaigns.DELETE_CAMPAIGN, campaign_id=run.id)
    await until(lambda: all(rows(lake, table) == 0 for table in tables))
    again = await worked_on()
    assert again.id != run.id
    with pytest.raises(NotFoundError):
        await run.record()
    await lake.call(datasets.DELETE_VERSION, version_id=filled.id, undo=False)
    await until(lambda: all(rows(lake, table) == 0 for table in tables))


async def test_a_locked_version_refuses_every_change(lake: Stocked, filled: Filled) -> None:
    run = await campaign(lake, filled.id)
    step = await run.step("draw")
    more = await run.step("more", "REVIEW")
    await run.launch()
    task = (await run.tasks())[0]
    with lake.raw() as connection:
        connection.execute("update version set locked = 1")
    named = {"campaign_id": run.id}
    writes: list[tuple[Operation[Any, Any], dict[str, Any]]] = [
        (campaigns.CREATE_CAMPAIGN, {"version_id": filled.id}),
        (campaigns.UPDATE_CAMPAIGN, {"description": "x", **named}),
        (campaigns.CLOSE_CAMPAIGN, named),
        (campaigns.DELETE_CAMPAIGN, named),
        (campaigns.UPDATE_STEP, {"step_id": step, "name": "x"}),
        (
            campaigns.DELETE_STEP,
            {"step_id": step, "destination_step_id_for_pending_assignments": more},
        ),
        (campaigns.REDISTRIBUTE, {"step_id": step}),
        (assignments.SYNC_ASSETS, named),
        (assignments.REASSIGN, {"assignment_ids": [task.id], **named}),
        (assignments.SUBMIT_ASSIGNMENT, {"assignment_id": task.id}),
    ]
    for operation, fields in writes:
        with pytest.raises(LockedError, match="locked"):
            await lake.call(operation, **fields)
    with pytest.raises(LockedError):
        await run.step("x")
    assert (await run.tasks())[0] == task
    assert len((await lake.call(campaigns.LIST_STEPS, **named)).items) == 2


async def test_a_launch_that_is_asked_for_twice_is_one(lake: Stocked, filled: Filled) -> None:
    run = await campaign(lake, filled.id)
    await run.step("draw")
    first = await run.launch()
    assert (first.job.done, first.job.total) == (12, 12)
    with pytest.raises(ConflictError, match="every asset"):
        await run.launch()
    cancelled = await lake.call(jobs.CANCEL_JOB_RUN, job_id=first.job.id)
    assert cancelled.status == "SUCCEEDED"
    with pytest.raises(NotFoundError):
        await lake.call(jobs.GET_JOB, job_id=first.job.id)
    with pytest.raises(NotFoundError):
        await lake.call(jobs.CANCEL_JOB, job_id=first.job.id)


@pytest.mark.parametrize("waits", [True, False])
async def test_a_launch_whose_answer_was_lost_is_answered_with_its_job(
    lake: Stocked, filled: Filled, monkeypatch: pytest.MonkeyPatch, waits: bool
) -> None:
    """The job of the first call, still running or ended by then; another call is refused as ever."""
    if not waits:
        monkeypatch.setattr("headrace.platform.jobs.records.ANSWER_SECONDS", 0)
    run = await campaign(lake, filled.id)
    await run.step("draw")
    request = assignments.SyncAssets(campaign_id=run.id)

    async def launch(key: str) -> JobRunRecord:
        found = await lake.platform.call(lake.access, assignments.SYNC_ASSETS, request, key=key)
        return found.job

    first = await launch("key")
    assert (first.status == "SUCCEEDED") == waits
    await lake.platform.context.jobs.wait(key_of(first.id, Kind.JOB).number, 30)
    again = await launch("key")
    assert (again.id, again.status, again.done) == (first.id, "SUCCEEDED", 12)
    with pytest.raises(ConflictError, match="every asset"):
        await launch("other")
    assert len(await run.tasks()) == 12
