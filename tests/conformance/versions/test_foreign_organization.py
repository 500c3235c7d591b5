"""Every call of these rooms, made by another organization of the same lake: nothing is there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from headrace.errors import NotFoundError, PermissionDeniedError
from headrace.model.enums import InferenceType, ProcessingTargetType
from headrace.platform.processings import register_processing
from headrace.platform.programs import Program
from headrace.protocol.operation import Operation
from headrace.protocol.operations import (
    annotations,
    assets,
    datalake,
    datasets,
    jobs,
    labels,
    processings,
    tags,
)
from tests.support.stocked_lake import Filled, Stocked, stranger

ROOMS = (datasets, assets, labels, annotations, jobs, processings)

FOR_NOBODY = {
    processings.CREATE_PROCESSING,
    processings.UPDATE_PROCESSING,
    processings.DELETE_PROCESSING,
}
"""What is not there for strangers, and refused for the owner."""


async def calls(filled: Filled) -> list[tuple[Operation[Any, Any], dict[str, Any]]]:
    """One call of every operation that its owner may make."""
    lake = filled.lake
    organization = {"organization_id": lake.access.organization_id}
    found = await lake.call(datasets.GET_VERSION, version_id=filled.id)
    version = {"version_id": filled.id}
    dataset = {"dataset_id": found.origin_id}
    group = await lake.call(labels.CREATE_LABEL_GROUP, name="g", **version)
    label = {"label_id": UUID(filled.labels["a"])}
    asset = {"asset_id": UUID(filled.assets[1])}
    (annotation,) = await filled.send(filled.item(0, 1))
    added = await lake.call(assets.ADD_DATA, data_ids=filled.data, **version)
    begun = await lake.call(annotations.START_IMPORT, source="s", **version)
    tag = await lake.call(tags.CREATE_ASSET_TAG, name="t", **version)
    second = await lake.version("second", dataset=found.origin_id)
    own, launch, run = await launched(lake, filled)
    one = {"processing_id": own}
    return [
        (datasets.CREATE_DATASET, {"name": "another", **organization}),
        (datasets.LIST_DATASETS, organization),
        (datasets.FIND_DATASET, {"name": found.origin_name, **organization}),
        (datasets.GET_DATASET, dataset),
        (datasets.UPDATE_DATASET, {"name": "mine", **dataset}),
        (datasets.LIST_VERSIONS, dataset),
        (datasets.FIND_VERSION, {"version": found.version, **dataset}),
        (datasets.CREATE_VERSION, {"version": "another", **dataset}),
        (datasets.FIND_VERSION_BY_ID, {"id": filled.id, **organization}),
        (datasets.GET_VERSION, version),
        (datasets.UPDATE_VERSION, {"version": "mine", **version}),
        (datasets.UPDATE_VERSION, {"type": InferenceType.CLASSIFICATION, **version}),
        (
            tags.CONVERT_TAGS,
            {"tag_ids": [tag.id], "tag_type": tags.TagTarget.ASSET, **version},
        ),
        (datasets.GET_STATS, version),
        (assets.ADD_DATA, {"data_ids": filled.data, **version}),
        (assets.LIST_ASSETS, version),
        (assets.LIST_ASSETS_BY_KEY, {"data_ids": filled.data, **version}),
        (assets.FIND_ASSET, {"id": asset["asset_id"], **version}),
        (assets.GET_ASSET, asset),
        (labels.LIST_LABELS, version),
        (labels.CREATE_LABEL, {"name": "another", **version}),
        (labels.FIND_LABEL, {"name": "a", **version}),
        (labels.ENSURE_LABELS, {"names": ["a"], **version}),
        (labels.GET_LABEL, label),
        (labels.UPDATE_LABEL, {"name": "mine", **label}),
        (labels.LIST_LABEL_GROUPS, version),
        (labels.CREATE_LABEL_GROUP, {"name": "another", **version}),
        (labels.GET_LABEL_GROUP, {"group_id": group.id}),
        (labels.UPDATE_LABEL_GROUP, {"group_id": group.id, "name": "mine"}),
        (annotations.IMPORT_ANNOTATIONS, {"annotations": [filled.item(0, 1)], **version}),
        (annotations.START_IMPORT, {"source": "s", **version}),
        (annotations.ANNOTATION_IDS, version),
        (annotations.LOAD_ANNOTATIONS, {"ids": [UUID(annotation)], **version}),
        (
            annotations.EXPORT_ANNOTATIONS,
            {"type": annotations.AnnotationFileType.COCO, **version},
        ),
        (jobs.GET_JOB, {"job_id": added.job.id}),
        (jobs.CANCEL_JOB, {"job_id": added.job.id}),
        (jobs.GET_JOB_RUN, {"job_id": run}),
        (jobs.FIND_JOB_RUN, {"id": run, **organization}),
        (jobs.CANCEL_JOB_RUN, {"job_id": run}),
        (jobs.READ_JOB_LOG, {"job_id": run}),
        (
            processings.CREATE_PROCESSING,
            {"name": "x", "target": ProcessingTargetType.DATALAKE, **organization},
        ),
        (processings.LIST_PROCESSINGS, organization),
        (processings.FIND_PROCESSING, {"name": "own", **organization}),
        (processings.GET_PROCESSING, one),
        (processings.UPDATE_PROCESSING, one),
        (processings.DELETE_PROCESSING, one),
        (processings.LAUNCH_ON_VERSION, {**version, **one}),
        (processings.LAUNCH_ON_DATALAKE, launch),
        (datasets.FORK_VERSION, {"parent_id": filled.id, "version": "fork", **dataset}),
        (
            assets.COPY_ASSETS,
            {"destination_id": second.id, "asset_ids": [asset["asset_id"]], **version},
        ),
        (annotations.FINISH_IMPORT, {"import_id": begun.id}),
        (labels.DELETE_LABEL, {"label_id": UUID(filled.labels["c"])}),
        (labels.DELETE_LABEL_GROUP, {"group_id": group.id}),
        (assets.DELETE_ASSETS, {"ids": [UUID(filled.assets[0])], **version}),
        (assets.DELETE_ASSET, asset),
        (datasets.DELETE_VERSION, version),
        (datasets.DELETE_DATASET, dataset),
    ]


async def launched(lake: Stocked, filled: Filled) -> tuple[UUID, dict[str, Any], UUID]:
    """The processing ``own``, a launch of another one on data, and the job of a launch that has ended."""
    place = {"organization_id": lake.access.organization_id}
    for name, target in (("own", "DATASET_VERSION"), ("own of data", "DATALAKE")):
        await register_processing(
            lake.platform,
            name,
            Program(command=["true"]),
            folder=lake.platform.path,
            target=ProcessingTargetType(target),
        )
    on_version = await lake.call(processings.FIND_PROCESSING, name="own", **place)
    on_data = await lake.call(processings.FIND_PROCESSING, name="own of data", **place)
    job = await lake.call(
        processings.LAUNCH_ON_VERSION, version_id=filled.id, processing_id=on_version.id
    )
    while (await lake.call(jobs.GET_JOB_RUN, job_id=job.id)).status in ("QUEUED", "RUNNING"):
        pass
    (there,) = (await lake.call(datalake.LIST_DATALAKES, **place)).items
    launch = {
        "datalake_id": there.id,
        "data_ids": filled.data[:1],
        "processing_id": on_data.id,
    }
    return on_version.id, launch, job.id


async def test_a_stranger_finds_nothing_and_changes_nothing(filled: Filled, lake: Stocked) -> None:
    made = await calls(filled)
    foreign = await stranger(lake)
    before = contents(lake)
    for operation, fields in made:
        with pytest.raises(NotFoundError):
            await foreign.call(operation, **fields)
    assert contents(lake) == before
    # The owner's very same calls are answered: what the stranger missed is there.
    for operation, fields in made:
        if operation in FOR_NOBODY:
            with pytest.raises(PermissionDeniedError):
                await lake.call(operation, **fields)
        else:
            await lake.call(operation, **fields)


async def test_every_operation_of_the_rooms_is_walked(filled: Filled) -> None:
    walked = {operation.name for operation, _ in await calls(filled)}
    there = {
        value.name
        for room in ROOMS
        for value in vars(room).values()
        if isinstance(value, Operation)
    }
    assert there == walked & there


async def test_a_strangers_data_cannot_be_added(filled: Filled, lake: Stocked) -> None:
    foreign = await stranger(lake)
    version = await foreign.version("own")
    with pytest.raises(NotFoundError):
        await foreign.call(assets.ADD_DATA, version_id=version.id, data_ids=filled.data)
    page = await foreign.call(
        assets.LIST_ASSETS_BY_KEY, version_id=version.id, data_ids=filled.data
    )
    assert page.items == []


async def test_jobs_of_the_first_kind_are_none_of_the_second(filled: Filled) -> None:
    lake = filled.lake
    added = await lake.call(assets.ADD_DATA, version_id=filled.id, data_ids=filled.data)
    with pytest.raises(NotFoundError):
        await lake.call(jobs.GET_JOB_RUN, job_id=added.job.id)
    with pytest.raises(NotFoundError):
        await lake.call(
            jobs.FIND_JOB_RUN, organization_id=lake.access.organization_id, id=added.job.id
        )


def contents(lake: Stocked) -> dict[str, list[Any]]:
    tables = (
        "dataset",
        "version",
        "asset",
        "annotation",
        "label",
        "label_group",
        "job",
        "shard",
        "processing",
    )
    with lake.raw() as connection:
        return {table: connection.execute(f"select * from {table}").fetchall() for table in tables}
