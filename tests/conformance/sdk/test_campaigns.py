"""Annotation campaigns by handles over both doors: made, worked on by two users, and closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest

from headrace.errors import BadRequestError, ConflictError, NoDataError, NotFoundError
from headrace.model.enums import AnnotationStatus, AssignmentStatus, CampaignStepType, JobRunStatus
from headrace.sdk.campaign.assignment import AnnotationCampaignAssignment
from headrace.sdk.campaign.campaign import AnnotationCampaign
from headrace.sdk.client.client import Client
from headrace.sdk.user import Worker
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.doors import Door

COUNT = 12
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]
TO_DO, DONE, SKIPPED = AssignmentStatus.TO_DO, AssignmentStatus.DONE, AssignmentStatus.SKIPPED


@pytest.fixture
async def ann(door: Door, version: DatasetVersion) -> AsyncIterator[Client]:
    async with await door.connect_as("ann") as opened:
        yield opened


@pytest.fixture
async def rob(door: Door, version: DatasetVersion) -> AsyncIterator[Client]:
    async with await door.connect_as("rob") as opened:
        yield opened


async def worker(client: Client, name: str) -> Worker:
    return await (await client.get_dataset("drawings")).find_worker(name)


async def reviewed(client: Client, version: DatasetVersion) -> AnnotationCampaign:
    """A launched campaign: ann annotates, rob reviews."""
    campaign = await version.create_campaign(auto_close_on_completion=True)
    await campaign.add_step("draw", "annotation", assignees=[(await worker(client, "ann"), 1)])
    await campaign.add_step("look", "REVIEW", assignees=[(await worker(client, "rob"), 1)])
    job = await campaign.launch()
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    return campaign


async def of(client: Client) -> AnnotationCampaign:
    """The campaign as a user's own client sees it."""
    return await (await client.version("drawings/first")).get_campaign()


async def mine(client: Client, status: AssignmentStatus) -> list[AnnotationCampaignAssignment]:
    user = await worker(client, client.username)
    return await (await of(client)).list_assignments(user=user, status=status)


@pytest.mark.lakes_only(
    "only headrace says that; tests/conformance/plain/test_plain_campaigns.py has what others say"
)
async def test_a_campaign_says_what_it_was_told(version: DatasetVersion, tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="create_campaign"):
        await version.get_campaign()
    rules = tmp_path / "rules.txt"
    rules.write_text("one box a bird")
    campaign = await version.create_campaign(
        description="birds",
        instructions_file_path=rules,
        instructions_text="see the file",
        end_date=date(2030, 1, 2),
    )
    assert campaign == await version.get_campaign()
    assert campaign.dataset_version_id == version.id
    assert (campaign.record.description, campaign.record.end_date) == ("birds", "2030-01-02")
    path = Path(await campaign.download_instructions_file(tmp_path / "got"))
    assert path.read_text() == "one box a bird"
    rules.write_text("two boxes")
    await campaign.upload_instructions_file(rules)
    assert Path(await campaign.download_instructions_file(tmp_path)).read_text() == "two boxes"
    await campaign.update(description="more birds", auto_add_new_assets=True)
    assert campaign.record.description == "more birds"
    assert campaign.record.instructions_text == "see the file"
    with pytest.raises(ConflictError, match="already"):
        await version.create_campaign()
    await campaign.delete()
    with pytest.raises(NotFoundError):
        await campaign.sync()
    other = await version.create_campaign()
    assert other != campaign
    with pytest.raises(NotFoundError, match="no file"):
        await other.download_instructions_file(tmp_path)


@pytest.mark.lakes_only("where a step may stand is the platform's affair")
async def test_steps_stand_where_they_are_put(version: DatasetVersion) -> None:
    campaign = await version.create_campaign()
    with pytest.raises(ConflictError, match="no step"):
        await campaign.launch()
    last = await campaign.add_step("review", "review", sample_rate=0.5)
    first = await campaign.add_step("draw", CampaignStepType.ANNOTATION, order=0)
    middle = await campaign.add_step("look", "REVIEW", order=1)
    assert [step.name for step in await campaign.list_steps()] == ["draw", "look", "review"]
    await last.sync()
    assert (last.order, last.type) == (2, CampaignStepType.REVIEW)
    await middle.update(name="glance")
    await first.delete(middle)
    assert [(step.name, step.order) for step in await campaign.list_steps()] == [
        ("glance", 0),
        ("review", 1),
    ]
    with pytest.raises(NotFoundError):
        await first.sync()
    with pytest.raises(BadRequestError):
        await campaign.add_step("x", "REVIEW", order=5)


@pytest.mark.lakes_only("assignments of other platforms are done on their pages")
async def test_the_loop_of_a_labelling_tool(
    client: Client, version: DatasetVersion, ann: Client, rob: Client
) -> None:
    label = await version.create_label("bird")
    await reviewed(client, version)
    tasks = await mine(ann, TO_DO)
    assert sorted(task.filename for task in tasks) == NAMES
    for task in tasks:
        annotation = await (await task.get_asset()).create_annotation()
        await annotation.overwrite(duration=1.5, rectangles=[(1, 2, 3, 4, label)])
        assert await task.submit() is TO_DO
    assert await mine(ann, TO_DO) == []
    reviews = await mine(rob, TO_DO)
    assert [task.id for task in reviews] == [task.id for task in tasks]
    refused, *good = reviews
    assert await refused.submit("REFUSED") is AssignmentStatus.TO_REWORK
    for task in good:
        assert await task.submit() is DONE
    assert {a.status async for a in version.list_annotations()} == {
        AnnotationStatus.ACCEPTED,
        AnnotationStatus.REFUSED,
    }
    (again,) = await mine(ann, AssignmentStatus.TO_REWORK)
    assert again.id == refused.id
    annotation = await (await again.get_asset()).get_annotation()
    await annotation.create_rectangle(5, 6, 7, 8, label)
    await again.submit()
    assert not (await of(client)).closed
    await refused.sync()
    assert await refused.submit() is DONE
    campaign = await of(client)
    assert campaign.closed
    look = (await campaign.list_steps())[1]
    rob_id = (await worker(client, "rob")).id
    assert [(p.step_id, p.status, p.user_id, p.count) for p in await campaign.get_progress()] == [
        (look.id, DONE, rob_id, COUNT)
    ]
    ann_id = (await worker(client, "ann")).id
    assert await campaign.get_campaign_issue_counts() == [
        {"user_id": ann_id, "opened": 0, "closed": 1}
    ]
    assert (await version.retrieve_stats()).nb_objects == COUNT + 1


@pytest.mark.lakes_only("assignments of other platforms are done on their pages")
async def test_only_who_has_the_task_writes(
    client: Client, version: DatasetVersion, ann: Client, rob: Client
) -> None:
    label = await version.create_label("bird")
    campaign = await reviewed(client, version)
    (task, *_) = await mine(ann, TO_DO)
    asset = await version.find_asset(id=task.asset_id)
    with pytest.raises(ConflictError, match="ann's"):
        await asset.create_annotation()
    annotation = await (await task.get_asset()).create_annotation()
    seen = await asset.get_annotation()
    for write in (
        seen.overwrite(duration=1.0),
        seen.create_rectangle(1, 1, 1, 1, label),
        seen.update(status="ACCEPTED"),
        seen.delete(),
        version.delete_all_annotations(),
        asset.delete_annotations(),
    ):
        with pytest.raises(ConflictError):
            await write
    others = await (await of(rob)).list_assignments(query=f'filename = "{task.filename}"')
    with pytest.raises(ConflictError, match="ann's"):
        await others[0].submit()
    await annotation.update(status="SKIPPED")
    await task.sync()
    assert task.status is SKIPPED
    await annotation.create_rectangle(1, 1, 1, 1, label)
    await task.sync()
    assert task.status is TO_DO
    await campaign.close()
    assert campaign.closed
    with pytest.raises(ConflictError, match="closed"):
        await annotation.create_rectangle(1, 1, 1, 1, label)
    with pytest.raises(ConflictError, match="closed"):
        await campaign.add_step("more", "REVIEW")
    await campaign.delete()
    await seen.create_rectangle(2, 2, 2, 2, label)
    assert (await version.retrieve_stats()).nb_objects == 2


@pytest.mark.lakes_only("assignments of other platforms are done on their pages")
async def test_tasks_of_nobody_are_whoevers_takes_them(
    client: Client, version: DatasetVersion, ann: Client, rob: Client
) -> None:
    campaign = await version.create_campaign()
    await campaign.add_step("draw", "ANNOTATION")
    await campaign.launch()
    assert len(await campaign.list_assignments(user="unassigned")) == COUNT
    task = await (await of(ann)).list_assignments(user="unassigned").first()
    assert task is not None
    await (await task.get_asset()).create_annotation()
    assert [one.id for one in await mine(ann, TO_DO)] == [task.id]
    assert await task.submit() is DONE
    rest = await campaign.list_assignments(status="TO_DO")
    moved = await campaign.reassign(rest[:3], await worker(client, "rob"))
    assert sorted(moved) == sorted(one.id for one in rest[:3])
    assert len(await mine(rob, TO_DO)) == 3
    assert await campaign.reassign([task]) == []  # it is done
    assert len(await campaign.reassign(rest[:2])) == 2
    assert len(await mine(rob, TO_DO)) == 1


async def test_shares_filters_and_listings(
    client: Client, version: DatasetVersion, ann: Client, rob: Client
) -> None:
    a, r = await worker(client, "ann"), await worker(client, "rob")
    campaign = await version.create_campaign()
    step = await campaign.add_step("draw", "ANNOTATION", assignees=[(a, 1.0), (r.id, 2.0)])
    await campaign.launch()
    shares = Counter([task.user_id async for task in campaign.list_assignments()])
    assert shares == {a.id: 4, r.id: 8}
    assert {x.id async for x in version.list_assets(assignment_user_id=a.id)} == {
        task.asset_id async for task in campaign.list_assignments(user=a)
    }
    assert len(await version.list_assets(assignment_status="TO_DO")) == COUNT
    assert len(await version.list_assets(assignment_status="DONE")) == 0
    assert len(await version.list_assets(assignment_step_id=step.id, filenames=NAMES[:3])) == 3
    assert len(await version.list_assets(assignment_step_id=version.id)) == 0
    kept = {"filenames": NAMES[2:6]}
    mine = {x.filename async for x in version.list_assets(assignment_user_id=a.id)}
    some = await version.list_assets(assignment_user_id=a.id, assignment_status="TO_DO", **kept)
    assert {x.filename for x in some} == mine & {*NAMES[2:6]}
    last = f'filename >= "{NAMES[-6]}"'
    some = await version.list_assets(assignment_user_id=a.id, assignment_step_id=step.id, q=last)
    assert {x.filename for x in some} == mine & {*NAMES[-6:]}
    listed = version.list_assets(
        assignment_status="TO_DO", assignment_step_id=step.id, order_by=["-filename"], limit=5
    )
    assert [x.filename async for x in listed] == NAMES[:-6:-1]
    assert len(await version.list_assets(assignment_status="DONE", assignment_user_id=a.id)) == 0
    found = await campaign.list_assignments(query=f'filename = "{NAMES[5]}"')
    assert [task.filename for task in found] == [NAMES[5]]
    ordered = await campaign.list_assignments(order_by=["filename"], limit=2, offset=1)
    assert [task.filename for task in ordered] == NAMES[1:3]
    await step.update(assignees=[(a, 1), (r, 1)])
    await step.redistribute_assignments()
    shares = Counter([task.user_id async for task in campaign.list_assignments()])
    assert shares == {a.id: 6, r.id: 6}
    other = await campaign.add_step("other", "ANNOTATION", assignees=[(a, 1)])
    await step.delete(other)
    shares = Counter([task.user_id async for task in campaign.list_assignments(step_id=other)])
    assert shares == {a.id: COUNT}


async def test_annotated_assets_begin_elsewhere_and_imports_pass_tasks_over(
    version: DatasetVersion, tmp_path: Path
) -> None:
    coco = write_coco(tmp_path / "coco.json", NAMES[:4])
    await version.import_annotations(coco)
    annotated = {a.asset_id async for a in version.iter_annotations()}
    campaign = await version.create_campaign()
    await campaign.add_step("draw", "ANNOTATION")
    look = await campaign.add_step("look", "REVIEW")
    await campaign.launch(existing_annotations_step_id=look)
    there = {str(task.asset_id) async for task in campaign.list_assignments(step_id=look)}
    assert there == annotated
    before = await version.load_annotations()
    report = await version.import_annotations(write_coco(tmp_path / "all.json", NAMES))
    assert (report.images_imported, report.images_in_campaign) == (0, COUNT)
    assert report.shapes_in_campaign == report.shapes > 0
    assert await version.load_annotations() == before
    await campaign.delete()
    again = await version.create_campaign()
    await again.add_step("draw", "ANNOTATION")
    await again.update(annotated_entry_step="DONE")
    await again.launch()
    done = await again.list_assignments(status="DONE")
    assert {str(task.asset_id) for task in done} == annotated


@pytest.mark.lakes_only("when new assets become tasks is the platform's affair")
async def test_new_assets_become_tasks(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    campaign = await version.create_campaign(auto_add_new_assets=True)
    await campaign.add_step("draw", "ANNOTATION")
    draw_images(tmp_path / "more", COUNT + 3)
    await client.push("drawings/first", tmp_path / "more")
    assert len(await version.list_assets()) == COUNT + 3
    assert sorted([t.filename async for t in campaign.list_assignments()]) == [
        f"image_{index:04d}.jpg" for index in range(COUNT, COUNT + 3)
    ]
    await campaign.launch()
    assert len(await campaign.list_assignments()) == COUNT + 3
    with pytest.raises(ConflictError, match="every asset"):
        await campaign.launch()
    fork, _ = await version.fork("second")
    with pytest.raises(NoDataError):
        await fork.get_campaign()
    gone = await version.list_assets(filenames=NAMES[:2])
    await gone.delete()
    assert len(await campaign.list_assignments()) == COUNT + 1
    assert [one.id for one in await client.list_annotation_campaigns()] == [campaign.id]
    assert await client.list_annotation_campaigns(is_closed=True) == []
    await version.delete()
    with pytest.raises(NotFoundError):
        await campaign.sync()
    assert await client.list_annotation_campaigns() == []
