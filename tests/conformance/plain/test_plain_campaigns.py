"""Annotation campaigns on a platform that is not headrace's: it sends little of them, and assignments are done on its pages."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from headrace.errors import ConflictError, NoDataError, NotFoundError, UnsupportedError
from headrace.model.enums import AssignmentStatus, CampaignStepType, DataType, JobRunStatus
from headrace.sdk.client.client import Client
from headrace.sdk.user import Worker
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.plain_platform import PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]
TO_DO = AssignmentStatus.TO_DO


@pytest.fixture
async def workers(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> dict[str, Worker]:
    for name in ("ann", "rob"):
        platform.add_user(name)
    dataset = await client.get_dataset("drawings")
    return {name: await dataset.find_worker(name) for name in ("ann", "rob")}


async def test_a_campaign_is_made_changed_and_closed(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    with pytest.raises(NoDataError, match="create_campaign"):
        await version.get_campaign()
    rules = tmp_path / "rules.txt"
    rules.write_text("one box a bird")
    campaign = await version.create_campaign(
        description="birds", instructions_file_path=rules, end_date=date(2030, 1, 2)
    )
    assert campaign == await version.get_campaign()
    await campaign.upload_instructions_file(rules)
    with pytest.raises(UnsupportedError, match="page of the campaign"):
        await campaign.download_instructions_file(tmp_path)
    await campaign.update(description="more birds", auto_add_new_assets=True)
    with pytest.raises(ConflictError):
        await version.create_campaign()
    await campaign.sync()
    assert not campaign.closed
    await campaign.close()
    assert campaign.closed
    await campaign.sync()
    assert campaign.closed
    with pytest.raises(ConflictError):
        await campaign.add_step("draw", "ANNOTATION")
    assert await client.list_annotation_campaigns(is_closed=True) == [campaign]
    assert await client.list_annotation_campaigns(is_closed=False) == []
    assert [each.closed for each in await client.list_annotation_campaigns()] == [True]
    assert (await version.get_campaign()).closed
    await campaign.delete()
    with pytest.raises(NotFoundError):
        await campaign.sync()


async def test_steps_of_a_workflow(version: DatasetVersion, workers: dict[str, Worker]) -> None:
    campaign = await version.create_campaign()
    with pytest.raises(ConflictError):
        await campaign.launch()
    last = await campaign.add_step("review", "review", sample_rate=0.5)
    first = await campaign.add_step("draw", CampaignStepType.ANNOTATION, order=0)
    await last.sync()
    assert (last.order, last.type) == (1, CampaignStepType.REVIEW)
    await first.update(name="sketch", assignees=[(workers["ann"], 1.0), (workers["rob"], 2.0)])
    assert [step.name for step in await campaign.list_steps()] == ["sketch", "review"]
    job = await campaign.launch()
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    ann, rob = workers["ann"].id, workers["rob"].id
    shares = Counter([task.user_id async for task in campaign.list_assignments()])
    assert shares == {ann: 4, rob: 8}
    await first.update(assignees=[(workers["ann"], 1.0)])
    await first.redistribute_assignments()
    assert len(await campaign.list_assignments(user=workers["ann"])) == 12
    await first.delete(last)
    assert [(step.name, step.order) for step in await campaign.list_steps()] == [("review", 0)]
    assert len(await campaign.list_assignments(user="unassigned", step_id=last)) == 12


async def test_assignments_are_listed_counted_and_handed_over(
    version: DatasetVersion, workers: dict[str, Worker], tmp_path: Path
) -> None:
    campaign = await version.create_campaign()
    step = await campaign.add_step("draw", "ANNOTATION", assignees=[(workers["ann"], 1.0)])
    await campaign.sync_assets()
    tasks = await campaign.list_assignments(status="TO_DO", order_by=["filename"])
    assert [task.filename for task in tasks] == NAMES
    task = tasks[0]
    # The platform sends the names of the file and no more.
    assert (task.type, task.content_type, task.width) == (DataType.IMAGE, "image/jpeg", None)
    await task.sync()
    assert (task.step_id, task.user_id, task.status) == (step.id, workers["ann"].id, TO_DO)
    assert (await task.get_asset()).filename == NAMES[0]
    await task.download(tmp_path)
    assert (tmp_path / NAMES[0]).exists()
    with pytest.raises(UnsupportedError, match="submit it on the pages"):
        await task.submit()
    assert len(await campaign.reassign(tasks[:3], workers["rob"])) == 3
    progress = await campaign.get_progress()
    assert {(one.step_id, one.status, one.user_id): one.count for one in progress} == {
        (step.id, TO_DO, workers["ann"].id): 9,
        (step.id, TO_DO, workers["rob"].id): 3,
    }
    counts = await campaign.get_campaign_issue_counts(users=[workers["ann"]])
    assert counts == [{"user_id": workers["ann"].id, "opened": 0, "closed": 0}]
    found = await campaign.list_assignments(query=f'filename = "{NAMES[5]}"')
    assert [each.filename for each in found] == [NAMES[5]]
    mine = await version.list_assets(assignment_user_id=workers["rob"].id)
    assert {asset.id for asset in mine} == {task.asset_id for task in tasks[:3]}


async def test_an_import_passes_over_what_is_in_a_campaign(
    version: DatasetVersion, tmp_path: Path
) -> None:
    await version.import_annotations(write_coco(tmp_path / "some.json", NAMES[:4]))
    campaign = await version.create_campaign()
    await campaign.add_step("draw", "ANNOTATION")
    look = await campaign.add_step("look", "REVIEW")
    await campaign.launch(existing_annotations_step_id=look)
    assert len(await campaign.list_assignments(step_id=look)) == 4
    report = await version.import_annotations(write_coco(tmp_path / "all.json", NAMES))
    assert (report.images_imported, report.images_in_campaign) == (0, 12)
