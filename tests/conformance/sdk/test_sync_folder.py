"""A folder and a version that are kept the same, over both doors."""

from __future__ import annotations

import json
import os
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import anyio
import pytest

from headrace.engine.sync.report import SyncReport
from headrace.errors import (
    ConfigurationError,
    DeleteLimitError,
    LakeError,
    PartialTransferError,
    SourceNotFoundError,
    UnavailableError,
)
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from headrace.settings import load_settings
from tests.support.data.images import draw_images
from tests.support.lakes.doors import Door

NAME = "drawings/first"
NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


def files(folder: Path) -> dict[str, bytes]:
    """The files of a folder that is in sync: nothing else is in it."""
    assert not (folder / ".headrace").exists()
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def did(report: SyncReport) -> dict[str, str]:
    return {step.name: str(step.action) for step in report.steps}


def change(path: Path, more: bytes = b"changed") -> bytes:
    """Other bytes of another size behind the picture's end."""
    path.write_bytes(path.read_bytes() + more)
    return path.read_bytes()


async def in_version(version: DatasetVersion, folder: Path) -> dict[str, bytes]:
    """The files of a version, freshly downloaded."""
    await version.download(folder, force_replace=True)
    return files(folder)


def state_file() -> Path:
    """The file with the state of the one folder that was synchronized last."""
    found = load_settings().state_folder().glob("paths/*/synced-*.json")
    return max(found, key=lambda path: path.stat().st_mtime_ns)


@pytest.fixture
async def folder(client: Client, version: DatasetVersion, tmp_path: Path) -> Path:
    """A folder that is the same as the version."""
    found = tmp_path / "synced"
    found.mkdir()
    report = await client.sync_folder(NAME, found)
    assert did(report) == dict.fromkeys(NAMES, "download")
    return found


async def test_a_second_run_does_nothing(client: Client, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.glob("*.jpg")}
    for direction in ("both", "down", "up"):
        report = await client.sync_folder(NAME, folder, direction=direction, delete=True)
        assert (report.steps, report.same, report.transfer.total) == ([], 12, 0)
    assert {path: path.stat().st_mtime_ns for path in folder.glob("*.jpg")} == before


async def test_changes_go_both_ways(
    client: Client, version: DatasetVersion, folder: Path, tmp_path: Path
) -> None:
    (fresh,) = draw_images(tmp_path / "other", 1, prefix="new")
    (folder / "sub").mkdir()
    (folder / "sub" / "new.jpg").write_bytes(fresh.read_bytes())
    (folder / "notes.txt").write_text("no picture")
    mine = change(folder / NAMES[0])
    os.utime(folder / NAMES[1])  # touched, not changed
    other = tmp_path / "there.jpg"
    other.write_bytes(fresh.read_bytes() + b"there")
    lake = await client.get_datalake()
    await version.add_data([await lake.upload_data(other)])
    plan = await client.sync_folder(NAME, folder, dry_run=True)
    expected = {"sub/new.jpg": "upload", NAMES[0]: "replace", "there.jpg": "download"}
    assert did(plan) == expected
    assert not (folder / "there.jpg").exists()
    assert await version.list_assets().count() == 13
    report = await client.sync_folder(NAME, folder)
    assert did(report) == expected
    assert (report.transfer.moved, report.transfer.failed) == (3, 0)
    there = await in_version(version, tmp_path / "fresh")
    here = files(folder)
    assert here.pop("notes.txt") == b"no picture"
    assert there == here
    assert there[NAMES[0]] == mine
    assert len(there) == 14
    again = await client.sync_folder(NAME, folder)
    assert (again.steps, again.same) == ([], 14)


async def test_deletions_follow_only_when_asked(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    (folder / NAMES[0]).unlink()
    await version.delete_assets([await version.find_asset(filename=NAMES[1])])
    kept = await client.sync_folder(NAME, folder)
    assert did(kept) == {NAMES[0]: "keep", NAMES[1]: "keep"}
    assert (folder / NAMES[1]).exists()
    assert await version.list_assets().count() == 11
    done = await client.sync_folder(NAME, folder, delete=True)
    assert did(done) == {NAMES[0]: "delete-remote", NAMES[1]: "delete-local"}
    assert sorted(files(folder)) == NAMES[2:]
    assert await version.list_assets().count() == 10
    # The data are the lake's; only the version is without them.
    assert await (await client.get_datalake()).list_data().count() == 12
    assert (await client.sync_folder(NAME, folder, delete=True)).steps == []


async def test_one_way_restores_what_its_target_lost(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    (folder / NAMES[0]).unlink()
    change(folder / NAMES[2])
    report = await client.sync_folder(NAME, folder, direction="down")
    assert did(report) == {NAMES[0]: "download", NAMES[2]: "keep"}
    assert (folder / NAMES[0]).exists()
    await version.delete_assets([await version.find_asset(filename=NAMES[1])])
    report = await client.sync_folder(NAME, folder, direction="up")
    assert did(report) == {NAMES[1]: "upload", NAMES[2]: "replace"}
    assert await version.list_assets().count() == 12
    assert (await client.sync_folder(NAME, folder)).steps == []


@pytest.mark.parametrize("prefer", ["local", "remote"])
async def test_conflicts_stay_until_a_side_is_preferred(
    client: Client, version: DatasetVersion, folder: Path, tmp_path: Path, prefer: str
) -> None:
    mine = change(folder / NAMES[3], b"mine")
    theirs = tmp_path / "theirs" / NAMES[3]
    theirs.parent.mkdir()
    theirs.write_bytes(mine + b" and theirs")
    # Another folder of the same version, whose change comes first.
    other = tmp_path / "other"
    other.mkdir()
    await client.sync_folder(NAME, other)
    (other / NAMES[3]).write_bytes(theirs.read_bytes())
    await client.sync_folder(NAME, other)
    for _ in range(2):
        report = await client.sync_folder(NAME, folder)
        # The other asset took the place of ours: ours is gone, and a new one has come.
        assert [step.name for step in report.conflicts] == [NAMES[3]]
        assert (folder / NAMES[3]).read_bytes() == mine
        assert (await in_version(version, tmp_path / "look"))[NAMES[3]] == theirs.read_bytes()
    done = await client.sync_folder(NAME, folder, prefer=prefer)
    assert done.conflicts == []
    wins = mine if prefer == "local" else theirs.read_bytes()
    assert (folder / NAMES[3]).read_bytes() == wins
    assert (await in_version(version, tmp_path / "after"))[NAMES[3]] == wins
    assert (await client.sync_folder(NAME, folder)).steps == []


async def test_annotations_are_not_lost_to_a_changed_picture(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    asset = await version.find_asset(filename=NAMES[4])
    await asset.create_annotation(1.0)
    change(folder / NAMES[4])
    report = await client.sync_folder(NAME, folder)
    assert did(report) == {NAMES[4]: "conflict"}
    assert "annotations" in report.conflicts[0].why
    assert (await version.find_asset(filename=NAMES[4])).id == asset.id
    await client.sync_folder(NAME, folder, prefer="local")
    assert (await version.find_asset(filename=NAMES[4])).id != asset.id
    assert (await client.sync_folder(NAME, folder)).steps == []


async def test_a_first_run_knows_what_is_the_same_already(
    client: Client, version: DatasetVersion, tmp_path: Path
) -> None:
    there = tmp_path / "images"  # what was pushed
    change(there / NAMES[0])
    report = await client.sync_folder(NAME, there)
    assert (report.same, did(report)) == (11, {NAMES[0]: "conflict"})
    assert report.transfer.total == 0


async def test_a_lost_state_costs_nothing_but_reading(client: Client, folder: Path) -> None:
    for content in (b"", b"{}", b"[]", b"\xff"):
        state_file().write_bytes(content)
        report = await client.sync_folder(NAME, folder)
        assert (report.steps, report.same) == ([], 12)


async def test_state_that_lies_in_the_folder_is_taken_over(client: Client, folder: Path) -> None:
    """As an interrupted synchronization leaves it there, or an earlier headrace."""
    kept = state_file()
    (folder / ".headrace").mkdir()
    shutil.move(kept, folder / ".headrace" / "synced.json")
    (folder / NAMES[0]).unlink()
    report = await client.sync_folder(NAME, folder)
    assert did(report) == {NAMES[0]: "keep"}
    assert sorted(files(folder)) == NAMES[1:]
    assert kept.exists()


async def test_one_folder_and_two_versions(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    """What the folder shared with the one does not hide what it shared with the other."""
    await client.push("drawings/second", folder)
    await client.sync_folder("drawings/second", folder)
    (folder / NAMES[0]).unlink()
    for name in (NAME, "drawings/second"):
        report = await client.sync_folder(name, folder, delete=True)
        assert did(report) == {NAMES[0]: "delete-remote"}
        assert await (await client.version(name)).list_assets().count() == 11


@pytest.mark.lakes_only("removals are recorded in the state folder there")
async def test_without_a_state_folder_the_state_stays_in_the_folder(
    client: Client, version: DatasetVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("HEADRACE_STATE", str(tmp_path / "file" / "below"))
    folder = tmp_path / "synced"
    folder.mkdir()
    report = await client.sync_folder(NAME, folder)
    assert any("state folder cannot be written" in note for note in report.transfer.notes)
    assert [path.name for path in (folder / ".headrace").iterdir()] == ["synced.json"]
    (folder / NAMES[0]).unlink()
    report = await client.sync_folder(NAME, folder, delete=True)
    assert did(report) == {NAMES[0]: "delete-remote"}


async def test_two_at_once_exclude_each_other(
    client: Client, version: DatasetVersion, folder: Path, tmp_path: Path
) -> None:
    """The second one finds what the first one did: each new file is one asset."""
    for path in draw_images(tmp_path / "more", 20, prefix="new"):
        (folder / path.name).write_bytes(path.read_bytes())
    reports: list[SyncReport] = []

    async def one() -> None:
        reports.append(await client.sync_folder(NAME, folder))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
    assert sorted(len(report.steps) for report in reports) == [0, 0, 20]
    assert await version.list_assets().count() == 32
    assert len(files(folder)) == 32


async def annotated(version: DatasetVersion) -> int:
    """Annotate three images with shapes; how many shapes."""
    label = await version.create_label("thing")
    await version.set_type("OBJECT_DETECTION")
    for number, name in enumerate(NAMES[:3], 1):
        asset = await version.find_asset(filename=name)
        annotation = await asset.create_annotation()
        for _ in range(number):
            await annotation.create_rectangle(1, 2, 3, 4, label)
    return 6


async def test_an_emptied_folder_takes_nothing_out_of_the_version(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    """Whatever the limit says. What is lost is counted. Putting the files back costs nothing."""
    shapes = await annotated(version)
    before = files(folder)
    for name in before:
        (folder / name).unlink()
    (folder / "notes.txt").write_text("no image")
    plan = await client.sync_folder(NAME, folder, delete=True, max_delete="100%", dry_run=True)
    assert (plan.removed_assets, plan.removed_shapes, plan.deleted_files) == (12, shapes, 0)
    assert "no images or videos: 12 assets with 6 shapes" in plan.refusal
    for limit in (None, 12, "100%"):
        with pytest.raises(DeleteLimitError, match="12 assets with 6 shapes") as caught:
            await client.sync_folder(NAME, folder, delete=True, max_delete=limit)
        assert caught.value.report.removed_shapes == shapes
    assert await version.list_assets().count() == 12
    assert (await version.retrieve_stats()).nb_objects == shapes
    report = await client.sync_folder(NAME, folder, direction="down")
    assert did(report) == dict.fromkeys(NAMES, "download")
    assert files(folder) == before | {"notes.txt": b"no image"}


async def test_an_emptied_version_deletes_no_file(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    await version.delete_assets(await version.list_assets())
    with pytest.raises(DeleteLimitError, match="the version has no assets: 12 files"):
        await client.sync_folder(NAME, folder, delete=True, max_delete="100%")
    assert len(files(folder)) == 12
    report = await client.sync_folder(NAME, folder, direction="up")
    assert did(report) == dict.fromkeys(NAMES, "upload")


async def test_no_more_is_deleted_than_the_limit(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    """By default a tenth, in a small version ten; on each side. Nothing else is done either."""
    shapes = await annotated(version)
    (folder / "new.jpg").write_bytes((folder / NAMES[11]).read_bytes())
    for name in NAMES[:11]:
        (folder / name).unlink()
    for limit in (None, 10, "10", "90%"):
        with pytest.raises(
            DeleteLimitError, match=r"11 assets with 6 shapes .* more than 10 of 12"
        ):
            await client.sync_folder(NAME, folder, delete=True, max_delete=limit)
    with pytest.raises(ConfigurationError, match="neither a number nor a percentage"):
        await client.sync_folder(NAME, folder, delete=True, max_delete="much")
    assert await version.list_assets().count() == 12
    report = await client.sync_folder(NAME, folder, delete=True, max_delete=11)
    assert (report.removed_assets, report.removed_shapes) == (11, shapes)
    assert sorted([a.filename async for a in version.list_assets()]) == [NAMES[11], "new.jpg"]
    await version.delete_assets([await version.find_asset(filename="new.jpg")])
    with pytest.raises(DeleteLimitError, match="1 file would be deleted in the folder"):
        await client.sync_folder(NAME, folder, delete=True, max_delete=0)
    assert sorted(files(folder)) == [NAMES[11], "new.jpg"]
    await client.sync_folder(NAME, folder, delete=True)
    assert sorted(files(folder)) == [NAMES[11]]


@pytest.mark.lakes_only("on other platforms each ring is a polygon of its own")
async def test_an_object_of_several_rings_is_one_shape_that_is_lost(
    client: Client, version: DatasetVersion, folder: Path, tmp_path: Path
) -> None:
    rings = [[1, 1, 4, 1, 4, 4], [5, 5, 8, 5, 8, 8]]
    coco = {
        "images": [{"id": 1, "file_name": NAMES[0], "width": 8, "height": 8}],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": rings}],
    }
    (tmp_path / "coco.json").write_text(json.dumps(coco))
    await version.set_type("SEGMENTATION")
    await version.import_annotations(tmp_path / "coco.json")
    (folder / NAMES[0]).unlink()
    plan = await client.sync_folder(NAME, folder, delete=True, dry_run=True)
    assert (plan.removed_assets, plan.removed_shapes) == (1, 1)


@pytest.mark.parametrize("answer", [False, True])
async def test_a_person_is_asked_before_anything_is_deleted(
    client: Client, version: DatasetVersion, folder: Path, answer: bool
) -> None:
    shapes = await annotated(version)
    seen: list[SyncReport] = []

    def confirm(report: SyncReport) -> bool:
        seen.append(report)
        return answer

    assert (await client.sync_folder(NAME, folder, delete=True, confirm=confirm)).steps == []
    assert seen == []  # there was nothing to ask
    for name in NAMES[:3]:
        (folder / name).unlink()
    change(folder / NAMES[5])
    report = await client.sync_folder(NAME, folder, delete=True, confirm=confirm)
    assert (len(seen), seen[0].removed_assets, seen[0].removed_shapes) == (1, 3, shapes)
    assert report.dry_run is not answer
    assert await version.list_assets().count() == (9 if answer else 12)
    again = await client.sync_folder(NAME, folder, delete=True)
    assert len(again.steps) == (0 if answer else 4)


async def test_a_preferred_side_counts_the_shapes_that_it_costs(
    client: Client, version: DatasetVersion, folder: Path
) -> None:
    shapes = await annotated(version)
    for name in NAMES[:3]:
        change(folder / name)
    with pytest.raises(DeleteLimitError, match="3 assets with 6 shapes"):
        await client.sync_folder(NAME, folder, prefer="local", max_delete=2)
    report = await client.sync_folder(NAME, folder, prefer="local")
    assert (report.removed_assets, report.removed_shapes) == (3, shapes)


@pytest.mark.sqlite_only("a platform over PostgreSQL is no folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_a_lake_is_no_folder_to_sync(
    client: Client, door: Door, version: DatasetVersion
) -> None:
    for folder in (door.lake, door.lake / "objects", door.lake.parent):
        with pytest.raises(LakeError):
            await client.sync_folder(NAME, folder, dry_run=True)
    assert await version.list_assets().count() == 12


async def test_names_that_differ_in_case_or_form_alone(
    client: Client, version: DatasetVersion, folder: Path, tmp_path: Path
) -> None:
    (fresh,) = draw_images(tmp_path / "one", 1)
    names = [
        "a.jpg",
        "A.jpg",
        "é.jpg",
        unicodedata.normalize("NFD", "é.jpg"),
        "nul\n.jpg",
        "CON.jpg",
    ]
    for number, name in enumerate(names):
        (folder / name).write_bytes(fresh.read_bytes() + b"%d" % number)
    report = await client.sync_folder(NAME, folder)
    assert did(report) == dict.fromkeys(names, "upload")
    before = files(folder)
    for _ in range(2):
        again = await client.sync_folder(NAME, folder)
        assert (again.steps, again.same) == ([], 12 + len(names))
    assert files(folder) == before


@pytest.mark.folder_of_files("changes files in the folder")
@pytest.mark.lakes_only("it reaches into the folder of the lake")
async def test_what_cannot_be_moved_is_named_and_the_rest_is_done(
    client: Client, version: DatasetVersion, door: Door, folder: Path, tmp_path: Path
) -> None:
    lost = await version.find_asset(filename=NAMES[5])
    stored = door.lake / "objects" / lost.object_name
    content = stored.read_bytes()
    stored.unlink()
    (folder / NAMES[5]).unlink()
    (folder / NAMES[6]).unlink()
    (folder / "bad.jpg").write_bytes(b"no picture")
    for direction, failed in (("down", NAMES[5]), ("up", "bad.jpg")):
        with pytest.raises(PartialTransferError, match="files were not synchronized") as caught:
            await client.sync_folder(NAME, folder, direction=direction)
        assert [failure.name for failure in caught.value.report.failures] == [failed]
    assert (folder / NAMES[6]).exists()
    stored.write_bytes(content)
    (folder / "bad.jpg").unlink()
    await client.sync_folder(NAME, folder, direction="down")
    assert (await client.sync_folder(NAME, folder)).steps == []


async def test_a_run_that_ends_between_the_new_asset_and_the_old_one(
    client: Client, version: DatasetVersion, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old one goes with the next run: two assets of one name do not stay."""
    backend = client.session.backend
    original = backend.call

    async def fail(operation: Any, request: Any, /) -> Any:
        if operation.name == "delete_assets":
            raise UnavailableError("the server is stopping")
        return await original(operation, request)

    mine = change(folder / NAMES[0])
    monkeypatch.setattr(backend, "call", fail)
    with pytest.raises(UnavailableError):
        await client.sync_folder(NAME, folder)
    assert await version.list_assets().count() == 13
    monkeypatch.undo()
    report = await client.sync_folder(NAME, folder)
    assert (report.steps, report.same) == ([], 12)
    assert await version.list_assets().count() == 12
    assert (folder / NAMES[0]).read_bytes() == mine


async def test_no_such_folder(client: Client, version: DatasetVersion, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError):
        await client.sync_folder(NAME, tmp_path / "none")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(NotADirectoryError):
        await client.sync_folder(NAME, tmp_path / "file")


@pytest.mark.lakes_only("other platforms tell no digests of files")
async def test_synchronize_finds_changed_contents(version: DatasetVersion, tmp_path: Path) -> None:
    """The same name and size are not enough. What a person changed is not replaced."""
    out = tmp_path / "out"
    await version.download(out)
    size = (out / NAMES[1]).stat().st_size
    (out / NAMES[1]).write_bytes(bytes(size))
    (out / NAMES[2]).unlink()
    missing = await version.synchronize(out)
    assert sorted(asset.filename for asset in missing) == NAMES[1:3]
    await version.synchronize(out, do_download=True)
    assert [asset.filename for asset in await version.synchronize(out)] == [NAMES[1]]
    assert (out / NAMES[1]).read_bytes() == bytes(size)
    (out / NAMES[1]).unlink()
    await version.synchronize(out, do_download=True)
    assert len(await version.synchronize(out)) == 0
