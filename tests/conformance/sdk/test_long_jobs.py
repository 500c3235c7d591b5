"""Forks, copies, conversions and the platform's annotation files, by handles over both doors."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from headrace.errors import BadRequestError, ConflictError, JobFailedError, NotFoundError
from headrace.model.enums import InferenceType, JobStatus, TagTarget
from headrace.model.records import JobRecord
from headrace.sdk.asset import MultiAsset
from headrace.sdk.client.client import Client
from headrace.sdk.job import Job
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco

COUNT = 12
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]


@pytest.fixture
async def annotated(version: DatasetVersion, tmp_path: Path) -> DatasetVersion:
    """The version with annotations on all assets, and a tag on the first three."""
    await version.import_annotations(write_coco(tmp_path / "coco.json", NAMES))
    tag = await version.create_asset_tag("first")
    for name in NAMES[:3]:
        await (await version.find_asset(filename=name)).add_tags(tag)
    return version


async def filenames(version: DatasetVersion, **more: object) -> set[str]:
    return {asset.filename async for asset in version.iter_assets(**more)}  # type: ignore[arg-type]


@pytest.mark.lakes_only("only headrace sends descriptions")
async def test_a_fork_is_there_with_all_it_should_have(annotated: DatasetVersion) -> None:
    fork, job = await annotated.fork(
        "second", type="segmentation", with_tags=True, with_annotations=True
    )
    assert (fork.name, fork.version, fork.type) == (
        annotated.name,
        "second",
        InferenceType.SEGMENTATION,
    )
    assert (job.status, job.done) == (JobStatus.SUCCESS, True)
    assert fork.record.description == "Fork from first"
    assert await filenames(fork) == set(NAMES)
    assert await filenames(fork, tags="first") == set(NAMES[:3])
    assert await fork.retrieve_stats() == await annotated.retrieve_stats()
    assert [label.name for label in await fork.list_labels()] == [
        label.name for label in await annotated.list_labels()
    ]
    with pytest.raises(ConflictError):
        await annotated.fork("second")


async def test_a_fork_of_some_assets(annotated: DatasetVersion) -> None:
    some = await annotated.list_assets(filenames=NAMES[4:7])
    fork, _ = await annotated.fork("some", "by hand", some, with_labels=True)
    assert await filenames(fork) == set(NAMES[4:7])
    assert (await fork.retrieve_stats()).nb_annotations == 0
    assert len(await fork.list_labels()) == 4
    one, _ = await annotated.fork("one", assets=some[0])
    assert await filenames(one) == {some[0].filename}


async def test_more_assets_than_a_call_takes(
    annotated: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headrace.engine.versions.jobs.IDS_PER_CALL", 5)
    every = await annotated.list_assets()
    fork, job = await annotated.fork("many", assets=every, with_tags=True, with_annotations=True)
    assert job.status is JobStatus.SUCCESS
    assert await filenames(fork) == set(NAMES)
    assert await filenames(fork, tags="first") == set(NAMES[:3])
    assert await fork.retrieve_stats() == await annotated.retrieve_stats()


@pytest.mark.lakes_only("which tags follow is the platform's affair")
async def test_copies_into_another_version(client: Client, annotated: DatasetVersion) -> None:
    dataset = await client.get_dataset("drawings")
    other = await dataset.create_version("other")
    some = await annotated.list_assets(filenames=NAMES[1:5])
    await annotated.create_asset_tag("nobody's")
    job = await annotated.copy_assets_to(other, some, with_tags=True, with_annotations=True)
    assert job.status is JobStatus.SUCCESS
    assert await filenames(other) == set(NAMES[1:5])
    assert await filenames(other, tags="first") == set(NAMES[1:3])
    assert "nobody's" in {tag.name for tag in await other.list_asset_tags()}
    assert (await other.retrieve_stats()).nb_annotations == 4
    with pytest.raises(BadRequestError, match="itself"):
        await annotated.copy_assets_to(annotated, some)
    with pytest.raises(BadRequestError, match="empty"):
        await annotated.copy_assets_to(other, [])
    foreign = await (await client.create_dataset("foreign")).create_version("v")
    with pytest.raises(BadRequestError, match="another dataset"):
        await annotated.copy_assets_to(foreign, some)


@pytest.mark.lakes_only("what is classified already is the platform's affair")
async def test_tags_become_classifications(annotated: DatasetVersion) -> None:
    tag = await annotated.get_asset_tag("first")
    with pytest.raises(BadRequestError):
        await annotated.convert_tags_to_classification(TagTarget.ASSET, [tag])
    await annotated.set_type("classification")
    job = await annotated.convert_tags_to_classification("asset", [tag])
    assert job.status is JobStatus.SUCCESS
    assert (await annotated.retrieve_stats()).label_repartition["first"] == 3


@pytest.mark.parametrize("use_id", [False, True])
async def test_a_coco_file_of_the_platform(
    annotated: DatasetVersion, tmp_path: Path, use_id: bool
) -> None:
    path = Path(await annotated.export_annotation_file("coco", tmp_path / "out", use_id=use_id))
    assert path.relative_to(tmp_path / "out").parts[1] == "annotations"
    assert path.name == f"{annotated.id}_annotations.json"
    document = json.loads(path.read_text())
    ids = {f"{asset.id}.jpg" async for asset in annotated.iter_assets()}
    assert {image["file_name"] for image in document["images"]} <= (ids if use_id else set(NAMES))
    stats = await annotated.retrieve_stats()
    assert len(document["images"]) == stats.nb_annotations
    assert [each["name"] for each in document["categories"]] == ["cat", "dog", "car", "never used"]


async def test_a_file_that_is_there_stays_or_goes(
    annotated: DatasetVersion, tmp_path: Path
) -> None:
    path = Path(await annotated.export_annotation_file("COCO", tmp_path))
    written = path.read_bytes()
    path.write_text("mine")
    assert await annotated.export_annotation_file("COCO", tmp_path, force_replace=False) == str(
        path
    )
    assert path.read_text() == "mine"
    await annotated.export_annotation_file("COCO", tmp_path)
    assert path.read_bytes() == written


@pytest.mark.parametrize(("kind", "suffix"), [("yolo", ".txt"), ("pascal_voc", ".xml")])
async def test_zips_of_some_assets(
    annotated: DatasetVersion, tmp_path: Path, kind: str, suffix: str
) -> None:
    some = await annotated.list_assets(filenames=NAMES[:4])
    assert isinstance(some, MultiAsset)
    path = await annotated.export_annotation_file(kind, tmp_path, some)
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith(suffix) for name in archive.namelist()) == 4


@pytest.mark.lakes_only("only headrace cancels jobs")
async def test_jobs_that_have_ended_are_not_cancelled(annotated: DatasetVersion) -> None:
    fork, job = await annotated.fork("second", wait=False)
    await job.wait_for_done()
    assert await job.cancel() is JobStatus.SUCCESS
    assert await filenames(fork) == set(NAMES)
    missing = Job(annotated.session, JobRecord(id=annotated.id, status=JobStatus.RUNNING))
    with pytest.raises(NotFoundError):
        await missing.cancel()


async def test_a_failed_job_says_why(annotated: DatasetVersion) -> None:
    record = JobRecord(id=annotated.id, status=JobStatus.FAILED, error="the disk is full")
    with pytest.raises(JobFailedError, match="the disk is full"):
        await Job(annotated.session, record).wait_for_done()
