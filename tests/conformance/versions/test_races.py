"""Two platforms on one lake, as two servers: whatever they do at once, the result is that of one order of the calls.

On a lake the single writer sees to it, on PostgreSQL the locks that each transaction names.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from headrace.errors import ConflictError, HeadraceError, NotFoundError
from headrace.model.enums import AnnotationStatus, DataType
from headrace.platform.core.access import local_access
from headrace.platform.datalake.object_names import new_name
from headrace.platform.jobs.content_gc import start_due_gc
from headrace.platform.jobs.maintenance import fold
from headrace.platform.platform import Platform
from headrace.platform.versions import fork as forking
from headrace.protocol.operations import (
    annotating,
    annotations,
    assets,
    assignments,
    datalake,
    datasets,
    jobs,
    labels,
    shapes,
    tags,
)
from headrace.protocol.operations.annotations import ImportItem, PolygonIn
from tests.support.lakes.campaigns import campaign, submit, user_ids
from tests.support.lakes.forks import fork, origin, rich, rows, told
from tests.support.lakes.lake import png
from tests.support.lakes.stocked_lake import Filled, Stocked, stocked
from tests.support.processes.waiting import until
from tests.support.storage import kind

ALL: dict[str, Any] = {"with_tags": True, "with_annotations": True}


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Stocked, Stocked]]:
    """Two platforms on one lake, and one caller of both."""
    async with (
        stocked(tmp_path / "lake") as one,
        await Platform.open(tmp_path / "lake") as platform,
    ):
        yield one, Stocked(platform, await local_access(platform.context))


Pair = tuple[Stocked, Stocked]


async def at_once(*calls: Awaitable[Any], allowed: type[Exception] | None = None) -> list[Any]:
    """Wait for calls that run side by side; errors of the ``allowed`` type are results."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for each in found:
        if isinstance(each, BaseException) and not (allowed and isinstance(each, allowed)):
            raise each
    return found


def at(lake: Stocked, filled: Filled) -> Filled:
    """The same version through another platform."""
    return Filled(lake, filled.id, filled.data, filled.assets, filled.labels)


async def check_counters(filled: Filled) -> None:
    """The counters say what the annotations are."""
    stats, loaded = await filled.stats(), await filled.load()
    page = await filled.lake.call(assets.LIST_ASSETS, version_id=filled.id, limit=1)
    assert (stats.nb_annotations, stats.nb_assets) == (len(loaded), page.count)
    found: Counter[str] = Counter()
    for annotation in loaded:
        for shape in [*annotation.rectangles, *annotation.polygons]:
            found[shape.label] += 1
    assert stats.label_repartition == dict(found)


def owners(loaded: Iterable[Any]) -> Counter[str]:
    """How many annotations each asset has."""
    return Counter(str(annotation.asset_id) for annotation in loaded)


# --- imports ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["REPLACE", "KEEP", "CONCATENATE"])
async def test_imports_of_the_same_assets_leave_one_annotation_each(pair: Pair, mode: str) -> None:
    one, two = pair
    filled = await one.filled(40)
    items = [filled.item(asset, 1, 2) for asset in range(40)]
    await at_once(*(at(lake, filled).send(*items, mode=mode) for lake in (one, two) * 3))
    assert set(owners(await filled.load()).values()) == {1}
    await check_counters(filled)
    shapes_each = 12 if mode == "CONCATENATE" else 2
    assert (await filled.stats()).nb_objects == 40 * shapes_each


async def test_imports_of_different_assets_lose_nothing(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(400)
    chunks = [
        at((one, two)[start // 20 % 2], filled).send(
            *(filled.item(asset, 1, label="abc"[asset % 3]) for asset in range(start, start + 20))
        )
        for start in range(0, 400, 20)
    ]
    sent = await at_once(*chunks)
    assert len({no for result in sent for no in result}) == 400
    assert (await filled.stats()).nb_annotations == 400
    await check_counters(filled)


async def test_a_chunk_that_is_sent_twice_at_once_is_written_once(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(10)
    started = await one.call(annotations.START_IMPORT, version_id=filled.id, source="a file")
    items = [filled.item(asset, 1) for asset in range(10)]
    sent = await at_once(
        *(
            at(lake, filled).send(*items, mode="CONCATENATE", import_id=started.id, chunk=0)
            for lake in (one, two) * 2
        )
    )
    assert all(each == sent[0] for each in sent)
    await check_counters(filled)
    assert (await filled.stats()).nb_objects == 10


async def test_a_chunk_that_replaces_needs_no_memory_of_it(pair: Pair) -> None:
    """Another import that begins at this moment makes the platform forget that imports replace annotations."""

    class Forgetful(set[int]):
        def add(self, version: int, /) -> None:
            """Forget it at once."""

    filled = await pair[0].filled(3)
    await filled.send(*(filled.item(n, 1) for n in range(3)))
    pair[0].platform.context.replacing = Forgetful()
    await filled.send(*(filled.item(n, 1, 2) for n in range(3)))
    assert (await filled.stats()).nb_objects == 6
    await check_counters(filled)


async def test_two_that_begin_one_import_share_its_ledger(pair: Pair) -> None:
    filled = await pair[0].filled(1)
    begun = await at_once(
        *(
            lake.call(annotations.START_IMPORT, version_id=filled.id, source="a file")
            for lake in pair * 3
        )
    )
    assert len({record.id for record in begun}) == 1


async def test_counters_are_folded_while_imports_add_to_them(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(200)
    with one.raw() as connection:
        ((no, bucket),) = connection.execute("select no, bucket from version")

    async def folds() -> None:
        for _ in range(10):
            await fold(two.platform.context, bucket, no)

    await at_once(
        folds(),
        *(
            at((one, two)[start % 20 // 10], filled).send(
                *(filled.item(asset, 1) for asset in range(start, start + 10))
            )
            for start in range(0, 200, 10)
        ),
    )
    await check_counters(filled)


async def test_a_locked_version_stays_as_it_is(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(60)

    async def sends() -> None:
        for start in range(0, 60, 5):
            await at(two, filled).send(*(filled.item(n, 1) for n in range(start, start + 5)))

    async def locks() -> Any:
        await one.call(datasets.LOCK_VERSION, version_id=filled.id)
        return await filled.stats()

    _, locked = await at_once(sends(), locks(), allowed=HeadraceError)
    assert await filled.stats() == locked
    await check_counters(filled)


async def test_what_is_imported_into_a_deleted_version_is_refused_or_gone(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(60)

    async def sends() -> None:
        for start in range(0, 60, 5):
            await at(two, filled).send(*(filled.item(n, 1) for n in range(start, start + 5)))

    await at_once(
        sends(),
        one.call(datasets.DELETE_VERSION, version_id=filled.id, undo=False),
        allowed=NotFoundError,
    )
    await until(lambda: rows(one, "version") == 0)
    for table in ("asset", "annotation", "label_delta", "version_delta", "label_mark"):
        assert rows(one, table) == 0


# --- single annotations -----------------------------------------------------------------------------------


async def test_shapes_that_two_add_to_one_annotation_are_all_there(pair: Pair) -> None:
    filled = await pair[0].filled(1)
    made = await pair[0].call(annotating.CREATE_ANNOTATION, asset_id=UUID(filled.assets[0]))
    operation = next(each for each in shapes.SHAPES if each.plural == "rectangles")
    box = filled.item(0, 1).rectangles
    await at_once(
        *(
            lake.call(operation.create, annotation_id=made.id, rectangles=box)
            for lake in pair
            for _ in range(8)
        )
    )
    (annotation,) = await filled.load()
    assert len(annotation.rectangles) == 16
    await check_counters(filled)


async def test_assets_that_two_delete_are_counted_once(pair: Pair) -> None:
    filled = await pair[0].filled(60)
    await filled.send(*(filled.item(n, 1) for n in range(60)))
    ids = [UUID(asset) for asset in filled.assets]
    await at_once(
        *(
            lake.call(assets.DELETE_ASSETS, version_id=filled.id, ids=ids[start : start + 20])
            for lake in pair
            for start in (0, 10, 20)
        )
    )
    assert (await filled.stats()).nb_assets == 20
    await check_counters(filled)


# --- labels and tags --------------------------------------------------------------------------------------


async def test_labels_of_one_name_get_one_key_in_all_versions(pair: Pair) -> None:
    one, two = pair
    dataset = await one.dataset()
    versions = [(await one.version(f"v{n}", dataset=dataset.id)).id for n in range(4)]
    names = [f"label {n}" for n in range(6)]
    await at_once(
        *(
            lake.call(labels.ENSURE_LABELS, version_id=version, names=names)
            for version in versions
            for lake in (one, two)
        )
    )
    with one.raw() as connection:
        found = list(connection.execute("select name, key, position, version from label"))
    assert len(found) == 24
    assert len({(name, key) for name, key, _, _ in found}) == 6
    for no in {version for *_, version in found}:
        positions = sorted(position for _, _, position, version in found if version == no)
        assert positions == [1, 2, 3, 4, 5, 6]


async def test_one_name_is_given_once(pair: Pair) -> None:
    one, _ = pair
    filled = await one.filled(1)
    dataset = await origin(one, filled.id)
    lake = (await one.call(datalake.FIND_DATALAKE, organization_id=one.access.organization_id)).id
    calls = [
        (labels.CREATE_LABEL, {"version_id": filled.id, "name": "new"}),
        (labels.CREATE_LABEL_GROUP, {"version_id": filled.id, "name": "new"}),
        (tags.CREATE_ASSET_TAG, {"version_id": filled.id, "name": "new"}),
        (tags.CREATE_DATA_TAG, {"datalake_id": lake, "name": "new"}),
        (datasets.CREATE_VERSION, {"dataset_id": dataset, "version": "new"}),
    ]
    for operation, fields in calls:
        made = await at_once(
            *(each.call(operation, **fields) for each in pair * 3), allowed=ConflictError
        )
        assert sum(not isinstance(each, ConflictError) for each in made) == 1


# --- forks and shared content -----------------------------------------------------------------------------


async def test_a_fork_is_whole_while_its_parent_changes(pair: Pair) -> None:
    one, two = pair
    parent = await rich(one, 60)
    before = await told(one, parent.id)

    async def changes() -> None:
        other = at(two, parent)
        for n in range(0, 60, 4):
            await other.send(other.item(n, 5, label="c"), mode="KEEP")

    answers = await at_once(
        changes(), *(fork(lake, parent.id, f"f{n}", **ALL) for n, lake in enumerate(pair * 2))
    )
    for answer in answers[1:]:
        await ended(one, answer.job.id)
        copied = Filled(one, answer.dataset_version.id, [], [], parent.labels)
        await check_shape_counts(copied)
        assert (await told(one, copied.id)).keys() == before.keys()


async def test_a_fork_has_the_marks_of_its_annotations(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An import that ends between the copy of annotations and that of their marks is in neither."""
    one, two = pair
    parent = await one.filled(20)
    await parent.send(*(parent.item(n, 1) for n in range(10)))
    copy_marks = forking.copy_marks

    async def late(*arguments: Any) -> None:
        if kind() != "lake":  # there is one writer on a lake
            await at(two, parent).send(*(parent.item(n, 1, label="b") for n in range(10, 15)))
            await at(two, parent).send(*(parent.item(n, 1) for n in range(15, 20)))
        await copy_marks(*arguments)

    monkeypatch.setattr(forking, "copy_marks", late)
    answer = await fork(one, parent.id, **ALL)
    await ended(one, answer.job.id)
    for label, wanted in (("a", 10), ("b", 0)):
        page = await two.call(
            assets.LIST_ASSETS,
            version_id=answer.dataset_version.id,
            q=f'annotations.label.name = "{label}"',
        )
        assert page.count == len(page.items) == wanted


async def test_content_that_is_named_is_never_collected(pair: Pair) -> None:
    one, two = pair
    parent = await rich(one, 40)
    await ended(one, (await fork(one, parent.id, "first", **ALL)).job.id)
    ring = [(i / 7, i / 3) for i in range(90)]

    async def rewrites(lake: Stocked, first: int) -> None:
        for n in range(first, 40, 2):
            polygon = [PolygonIn(label_id=parent.labels["b"], polygon=ring)]
            await at(lake, parent).send(ImportItem(asset_id=parent.assets[n], polygons=polygon))

    async def collects() -> None:
        for _ in range(5):
            for no in await start_due_gc(two.platform.context, least=1):
                await two.platform.jobs.wait(no, 30)

    answers = await at_once(
        rewrites(one, 0), rewrites(two, 1), collects(), fork(two, parent.id, "second", **ALL)
    )
    await ended(one, answers[3].job.id)
    await collects()
    await until(lambda: rows(one, "job", "state = 'RUNNING'") == 0)
    with one.raw() as connection:
        missing = connection.execute(
            "select count(*) from annotation n where n.content is not null"
            " and not exists (select 1 from content c where c.no = n.content)"
        ).fetchone()
        unnamed = connection.execute(
            "select count(*) from content c"
            " where not exists (select 1 from annotation n where n.content = c.no)"
        ).fetchone()
    assert missing == (0,)
    assert unnamed == (0,)


# --- keys, numbers and objects ----------------------------------------------------------------------------


async def test_calls_with_one_key_are_one_call(pair: Pair) -> None:
    operation = datasets.CREATE_DATASET
    request = operation.request(organization_id=pair[0].access.organization_id, name="one")
    made = await at_once(
        *(
            lake.platform.call(lake.access, operation, request, key="the-key")
            for lake in pair
            for _ in range(5)
        )
    )
    assert len({record.id for record in made}) == 1
    assert rows(pair[0], "dataset") == 1


async def test_numbers_are_given_once(pair: Pair) -> None:
    async def take(lake: Stocked) -> list[int]:
        database = lake.platform.context.database
        return [await database.reserve("a test", 3) for _ in range(20)]

    found = await at_once(*(take(lake) for lake in pair * 3))
    firsts = [no for numbers in found for no in numbers]
    assert len({no + more for no in firsts for more in range(3)}) == 360
    assert min(firsts) == 1


async def test_an_object_that_two_register_is_one_data(pair: Pair) -> None:
    one, _ = pair
    lake = (await one.call(datalake.FIND_DATALAKE, organization_id=one.access.organization_id)).id
    name = new_name(one.access.organization, 1, "a.png")
    await one.platform.context.objects.put(name, _content())
    made = await at_once(
        *(
            each.call(
                datalake.REGISTER_DATA,
                datalake_id=lake,
                type=DataType.IMAGE,
                filename="a.png",
                object_name=name,
                content_type="image/png",
            )
            for each in pair * 3
        )
    )
    assert len({record.id for record in made}) == 1


async def _content() -> AsyncIterator[bytes]:
    yield png()


# --- campaigns and jobs -----------------------------------------------------------------------------------


async def test_tasks_are_dealt_and_done_once(pair: Pair) -> None:
    one, two = pair
    filled = await one.filled(40)
    run = await campaign(one, filled.id)
    (user,) = (await user_ids(one)).values()
    await run.step("draw", "ANNOTATION", (user, 1.0))
    await run.step("look", "REVIEW", (user, 1.0))
    begun = await at_once(
        *(each.call(assignments.SYNC_ASSETS, campaign_id=run.id) for each in (one, two))
    )
    assert len({answer.job.id for answer in begun}) == 1
    await until(lambda: rows(one, "job", "state = 'RUNNING'") == 0)
    tasks = await run.tasks()
    assert len(tasks) == 40
    await at_once(
        *(
            submit((one, two)[n % 2], task, status=AnnotationStatus.ACCEPTED)
            for n, task in enumerate(tasks)
        )
    )
    with one.raw() as connection:
        dealt = dict(connection.execute("select step, dealt from step_assignee"))
    assert sorted(dealt.values()) == [40, 40]


async def test_a_job_that_two_start_is_run_by_one(pair: Pair) -> None:
    one, two = pair
    parent = await rich(one, 60)
    answer = await fork(one, parent.id, **ALL)
    no = answer.job.id.int & ((1 << 57) - 1)
    for lake in pair:
        lake.platform.jobs.start(no)
    await ended(two, answer.job.id)
    assert await told(one, answer.dataset_version.id) == await told(one, parent.id)


# --- helpers ----------------------------------------------------------------------------------------------


async def ended(lake: Stocked, job: UUID) -> None:
    """Wait for a job that must succeed."""
    record = await lake.call(jobs.GET_JOB, job_id=job)
    assert record.status == "SUCCESS", record


async def check_shape_counts(filled: Filled) -> None:
    """The statistics of a fork count the shapes that it has."""
    stats, loaded = await filled.stats(), await filled.load()
    assert stats.nb_annotations == len(loaded)
    found = sum(len(each.rectangles) + len(each.polygons) for each in loaded)
    assert stats.nb_objects == found
