"""Forks: what follows by which flag, what is shared, and that nothing of the parent changes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import BadRequestError, ConflictError, LockedError, NotFoundError
from headrace.model.enums import JobStatus
from headrace.platform.jobs import runner as job_runner
from headrace.protocol.operations import annotations, assets, datasets, jobs, labels, tags
from tests.support.lakes.forks import fork, origin, rich, rows, told
from tests.support.lakes.stocked_lake import Stocked, colleague
from tests.support.processes.waiting import until

pytestmark = pytest.mark.every_storage

ALL: dict[str, Any] = {"with_tags": True, "with_annotations": True}
NOTHING = (0, [])


async def test_a_whole_fork_says_what_its_parent_says(lake: Stocked) -> None:
    parent = await rich(lake, 60)
    before = await told(lake, parent.id)
    content, data = rows(lake, "content"), rows(lake, "data")
    answer = await fork(lake, parent.id, **ALL)
    assert answer.job.status is JobStatus.SUCCESS
    assert (answer.job.done, answer.job.total) == (60, 60)
    assert await told(lake, answer.dataset_version.id) == before
    assert await told(lake, parent.id) == before
    # Neither files nor large shapes are there twice.
    assert (rows(lake, "content"), rows(lake, "data")) == (content, data)
    assert content > 0


@pytest.mark.parametrize(
    ("flags", "followed"),
    [
        ({}, set()),
        ({"with_tags": True}, {"tagged"}),
        ({"with_labels": True}, {"labels"}),
        ({"with_annotations": True}, {"labels", "shapes", "stats"}),
        ({**ALL, "with_labels": True}, {"labels", "shapes", "stats", "tagged"}),
    ],
)
async def test_flags_say_what_follows(
    lake: Stocked, flags: dict[str, bool], followed: set[str]
) -> None:
    parent = await rich(lake, 25)
    before = await told(lake, parent.id)
    empty = {"tagged": NOTHING, "labels": [], "shapes": {}}
    empty["stats"] = {
        "label_repartition": {}, "nb_objects": 0, "nb_annotations": 0, "nb_assets": 25,
    }  # fmt: skip
    answer = await fork(lake, parent.id, **flags)
    found = await told(lake, answer.dataset_version.id)
    assert found == {
        name: before[name] if name in followed or name == "assets" else empty[name]
        for name in before
    }


async def test_chosen_assets_alone(lake: Stocked) -> None:
    parent = await rich(lake, 40)
    chosen = [UUID(asset) for asset in (*parent.assets[30:], *parent.assets[:3], parent.assets[30])]
    answer = await fork(lake, parent.id, asset_ids=chosen, **ALL)
    whole, some = await told(lake, parent.id), await told(lake, answer.dataset_version.id)
    names = [name for name in whole["assets"] if int(name[4:9]) <= 3 or int(name[4:9]) > 30]
    assert some["assets"] == names
    assert some["shapes"] == {n: found for n, found in whole["shapes"].items() if n in names}
    assert some["tagged"][1] == [name for name in whole["tagged"][1] if name in names]
    assert some["stats"]["nb_assets"] == 13
    assert some["stats"]["nb_annotations"] == len(some["shapes"])
    empty = await fork(lake, parent.id, "empty", asset_ids=[], **ALL)
    assert (await told(lake, empty.dataset_version.id))["assets"] == []


async def test_what_a_fork_is_called_and_told(lake: Stocked) -> None:
    parent = await rich(lake, 3)
    first = (await fork(lake, parent.id)).dataset_version
    assert (first.description, first.type) == (
        "Fork from v1",
        datasets.InferenceType.NOT_CONFIGURED,
    )
    second = await fork(
        lake, parent.id, "2", description="", type=datasets.InferenceType.CLASSIFICATION
    )
    assert second.dataset_version.description == ""
    assert second.dataset_version.type is datasets.InferenceType.CLASSIFICATION
    assert second.dataset_version.origin_id == first.origin_id


async def test_a_fork_lives_on_alone(lake: Stocked) -> None:
    parent = await rich(lake, 30)
    before = await told(lake, parent.id)
    child = (await fork(lake, parent.id, **ALL)).dataset_version
    grown = await lake.fill(child.id, 4)
    await grown.send(*(grown.item(index, 7) for index in range(4)))
    page = await lake.call(assets.LIST_ASSETS, version_id=child.id, order_by=["filename"], limit=5)
    await lake.call(assets.DELETE_ASSETS, version_id=child.id, ids=[a.id for a in page.items])
    await lake.call(labels.CREATE_LABEL, version_id=child.id, name="own")
    await lake.call(tags.CREATE_ASSET_TAG, version_id=child.id, name="own")
    assert await told(lake, parent.id) == before
    # And the parent without its child: large shapes that both named are still the child's.
    kept = await told(lake, child.id)
    await lake.call(datasets.DELETE_VERSION, version_id=parent.id, undo=False)
    await until(lambda: rows(lake, "version") == 1)
    assert await told(lake, child.id) == kept
    assert kept["stats"]["nb_assets"] == 29


async def test_a_fork_of_a_fork(lake: Stocked) -> None:
    parent = await rich(lake, 20)
    child = (await fork(lake, parent.id, "2", **ALL)).dataset_version
    grandchild = (await fork(lake, child.id, "3", **ALL)).dataset_version
    assert await told(lake, grandchild.id) == await told(lake, parent.id)


async def test_annotations_of_colleagues_follow_in_their_order(lake: Stocked) -> None:
    parent = await rich(lake, 8)
    other = await colleague(lake)
    theirs = parent.item(1, 50, label="c")
    await other.call(annotations.IMPORT_ANNOTATIONS, version_id=parent.id, annotations=[theirs])
    before = await told(lake, parent.id)
    assert max(map(len, before["shapes"].values())) == 2
    answer = await fork(lake, parent.id, **ALL)
    assert await told(lake, answer.dataset_version.id) == before


async def test_refusals_leave_nothing(lake: Stocked) -> None:
    parent = await rich(lake, 5)
    other = await lake.filled(2, "other")
    dataset = await origin(lake, parent.id)
    before = rows(lake, "version"), rows(lake, "job")
    with pytest.raises(ConflictError):
        await fork(lake, parent.id, "v1")
    with pytest.raises(BadRequestError):
        await fork(lake, parent.id, " ")
    with pytest.raises(NotFoundError):
        await fork(lake, parent.id, asset_ids=[UUID(other.assets[0])])
    with pytest.raises(BadRequestError):
        await lake.call(datasets.FORK_VERSION, dataset_id=dataset, parent_id=other.id, version="x")
    gone = UUID(parent.assets[0])
    await lake.call(assets.DELETE_ASSET, asset_id=gone)
    with pytest.raises(NotFoundError, match=str(gone)):
        await fork(lake, parent.id, asset_ids=[gone])
    assert (rows(lake, "version"), rows(lake, "job")) == before


async def test_a_call_repeated_after_a_lost_answer_makes_one_fork(lake: Stocked) -> None:
    parent = await rich(lake, 5)
    first = await fork(lake, parent.id, **ALL)
    again = await fork(lake, parent.id, **ALL)
    assert again.dataset_version.id == first.dataset_version.id
    assert again.job.id == first.job.id
    with pytest.raises(ConflictError):
        await fork(lake, parent.id, with_tags=True)
    with lake.raw() as connection:
        connection.execute("update job set updated = updated - 61000 where kind = 'FORK'")
    with pytest.raises(ConflictError):
        await fork(lake, parent.id, **ALL)


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of ten with a breath between them, and answers that do not wait."""
    for name in ("FIRST_SIZE", "MIN_SIZE", "MAX_SIZE"):
        monkeypatch.setattr(job_runner, name, 10)
    monkeypatch.setattr(job_runner, "PAUSE_SECONDS", 0.05)
    monkeypatch.setattr("headrace.platform.jobs.records.ANSWER_SECONDS", 0.01)


@pytest.mark.one_platform("reads a version between the ranges of its fork")
@pytest.mark.usefixtures("slowly")
async def test_a_version_that_fills_is_read_and_not_written(lake: Stocked) -> None:
    parent = await rich(lake, 200)
    before = await told(lake, parent.id)
    answer = await fork(lake, parent.id, **ALL)
    child = answer.dataset_version.id
    assert answer.job.status is JobStatus.RUNNING
    seen = await told(lake, child)
    assert 0 < len(seen["assets"]) < 200 or not seen["assets"]
    assert seen["labels"] == before["labels"]
    assert seen["stats"]["nb_annotations"] <= len(before["shapes"])
    with pytest.raises(LockedError, match="filled"):
        await lake.call(labels.CREATE_LABEL, version_id=child, name="x")
    with pytest.raises(ConflictError, match="filled"):
        await fork(lake, child, "grandchild")
    # The parent stays open: what comes now is not in the fork, labels and their names are those at its end.
    await lake.fill(parent.id, 2)
    await lake.call(labels.CREATE_LABEL, version_id=parent.id, name="late")
    ended = await lake.call(jobs.GET_JOB, job_id=answer.job.id)
    assert ended.status is JobStatus.SUCCESS
    found = await told(lake, child)
    assert found["labels"] == [*before["labels"], "late"]
    assert {**found, "labels": before["labels"]} == before
    grown = await lake.fill(child, 3)
    assert len(grown.assets) == 3


@pytest.mark.usefixtures("slowly")
async def test_a_cancelled_fork_leaves_nothing(lake: Stocked) -> None:
    parent = await rich(lake, 150)
    answer = await fork(lake, parent.id, **ALL)
    ended = await lake.call(jobs.CANCEL_JOB, job_id=answer.job.id)
    if ended.status is JobStatus.RUNNING:
        ended = await lake.call(jobs.GET_JOB, job_id=answer.job.id)
    assert ended.status is JobStatus.TERMINATED
    with pytest.raises(NotFoundError):
        await lake.call(datasets.GET_VERSION, version_id=answer.dataset_version.id)
    await until(lambda: rows(lake, "version") == 1)
    assert rows(lake, "asset") == 150
    await until(lambda: rows(lake, "job", "state = 'RUNNING'") == 0)
    assert rows(lake, "shard") == 0
    assert (await fork(lake, parent.id, **ALL)).dataset_version.version == "fork"


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("which", ["parent", "child"])
async def test_deleting_a_version_ends_its_fork(lake: Stocked, which: str) -> None:
    parent = await rich(lake, 150)
    answer = await fork(lake, parent.id, **ALL)
    doomed = parent.id if which == "parent" else answer.dataset_version.id
    await lake.call(datasets.DELETE_VERSION, version_id=doomed, undo=False)
    ended = await lake.call(jobs.GET_JOB, job_id=answer.job.id)
    wanted = JobStatus.FAILED if which == "parent" else JobStatus.TERMINATED
    assert ended.status is wanted
    assert (ended.error is not None) is (which == "parent")
    left = 0 if which == "parent" else 1
    await until(lambda: rows(lake, "version") == left)
    assert rows(lake, "asset") == left * 150
