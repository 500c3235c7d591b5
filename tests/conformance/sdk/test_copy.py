"""A version is copied with everything that is in it, from any place to any other, and once only."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.credentials.profiles import Profile, store_profile
from headrace.engine.copy import spool, version_copy
from headrace.engine.copy.files import FileCopier, Found
from headrace.engine.copy.spool import SpooledBatch
from headrace.errors import (
    ConfigurationError,
    ConflictError,
    DigestMismatchError,
    LockedError,
    NotFoundError,
    PartialTransferError,
)
from headrace.formats.label_map import LabelMap
from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images
from tests.support.data.rich_version import described, fill
from tests.support.lakes.doors import Door, open_door
from tests.support.lakes.templates import copy_empty
from tests.support.tiers import slow

NAME = "rich/v1"


class Places:
    """Opens lakes, servers and platforms, each with a client, until the end of a test."""

    def __init__(self, stack: AsyncExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._count = 0
        self.state = folder / "state" / "headrace"

    async def door(self, kind: str) -> tuple[Door, Client]:
        self._count += 1
        door = await self._stack.enter_async_context(
            open_door(kind, self._folder / f"{kind} {self._count}")
        )
        return door, await self._stack.enter_async_context(door.connect())

    async def client(self, kind: str) -> Client:
        return (await self.door(kind))[1]

    async def rich(self, kind: str = "lake", *, colleague: bool = True) -> Client:
        """A client of a new place that has the rich version."""
        door, client = await self.door(kind)
        other = None
        if colleague:
            other = await self._stack.enter_async_context(await door.connect_as("ann"))
        await fill(client, self._folder / f"images {self._count}", colleague=other)
        return client


@pytest.fixture
async def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Places]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    async with AsyncExitStack() as stack:
        yield Places(stack, tmp_path)


def same_but_for_owners(one: dict[str, Any], other: dict[str, Any]) -> None:
    for each in (one, other):
        for asset in each["assets"]:
            for annotation in asset["annotations"]:
                annotation["owner"] = None
    assert one == other


# --- everything arrives ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target"),
    [("lake", "http"), ("http", "lake"), ("lake", "lake"), slow("http", "http")],
)
async def test_everything_arrives(places: Places, source: str, target: str) -> None:
    mine = await places.rich(source)
    door, theirs = await places.door(target)
    async with await door.connect_as("ann"):
        pass  # a user of that name exists there too
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.assets, report.copied, report.files, report.there) == (6, 6, 6, 0)
    assert (report.annotations, report.annotations_there, report.losses) == (5, 0, [])
    assert (report.created_dataset, report.created_version, report.labels) == (True, True, 4)
    assert (report.verified, report.missing, report.extra) == (6, 0, 0)
    assert await described(theirs, NAME) == await described(mine, NAME)
    digest = str(await (await mine.version(NAME)).digest())
    assert (report.source_digest, report.target_digest) == (digest, digest)
    assert str(await (await theirs.version(NAME)).digest()) == digest
    assert (await theirs.get_dataset("rich")).record.description == "A dataset"
    assert not list((places.state / "copies").glob("*/spool/*"))


async def test_there_and_back_again(places: Places) -> None:
    lake = await places.rich()
    server, other = await places.client("http"), await places.client("lake")
    await headrace.copy_version(lake, NAME, server)
    report = await headrace.copy_version(server, NAME, other, "back/again")
    assert report.source_digest == report.target_digest
    same_but_for_owners(await described(other, "back/again"), await described(lake, NAME))


async def test_within_one_lake_no_bytes_are_moved(places: Places) -> None:
    door, lake = await places.door("lake")
    await fill(lake, places.state.parent / "images")
    assert door.lake is not None
    before = sorted(door.lake.rglob("objects/**/*"))
    report = await headrace.copy_version(lake, NAME, lake, "rich/v2")
    assert (report.copied, report.files, report.bytes, report.tags) == (6, 0, 0, 7)
    assert sorted(door.lake.rglob("objects/**/*")) == before
    assert await described(lake, "rich/v2") == await described(lake, NAME)
    again = await headrace.copy_version(lake, NAME, lake, "other/name")
    assert (again.copied, again.files, again.created_dataset) == (6, 0, True)


async def test_owners_that_the_target_does_not_know_become_mine(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    report = await headrace.copy_version(mine, NAME, theirs)
    (loss,) = report.losses
    assert loss.what.startswith("owners of annotations")
    assert (loss.count, loss.examples) == (1, ["twin.jpg"])
    assert report.source_digest == report.target_digest
    owners = [
        annotation["owner"]
        for asset in (await described(theirs, NAME))["assets"]
        for annotation in asset["annotations"]
    ]
    assert owners == ["local"] * 5


async def test_targets_may_be_given_by_their_folders(places: Places, tmp_path: Path) -> None:
    door, lake = await places.door("lake")
    await fill(lake, tmp_path / "images")
    copy_empty(tmp_path / "new")
    report = await headrace.copy_version(door.target, NAME, tmp_path / "new")
    assert report.copied == 6


# --- again -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["lake", "http", "plain"])
@pytest.mark.parametrize("forgets", [False, True])
async def test_a_second_copy_does_nothing(places: Places, target: str, forgets: bool) -> None:
    mine, theirs = await places.rich(), await places.client(target)
    first = await headrace.copy_version(mine, NAME, theirs)
    before = await described(theirs, NAME) if target != "plain" else None
    if forgets:
        shutil.rmtree(places.state / "copies")
    again = await headrace.copy_version(mine, NAME, theirs)
    assert again.nothing_to_do or (forgets and again.tags)
    assert (again.there, again.copied, again.files, again.reused) == (6, 0, 0, 0)
    assert (again.annotations, again.annotations_there) == (0, 5)
    assert again.target_digest == first.target_digest
    lake = await theirs.get_datalake()
    assert await lake.list_data().count() == 6
    if before is not None:
        assert await described(theirs, NAME) == before


async def test_a_damaged_journal_is_dropped(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    await headrace.copy_version(mine, NAME, theirs)
    (journal,) = (places.state / "copies").glob("*/journal.db")
    for content in (b"no database at all" * 100, journal.read_bytes()[:5000] + b"\0" * 5000):
        journal.write_bytes(content)
        planned = await headrace.copy_version(mine, NAME, theirs, dry_run=True)
        assert planned.assets == 6
        report = await headrace.copy_version(mine, NAME, theirs)
        assert (report.there, report.copied, report.annotations, report.missing) == (6, 0, 0, 0)


async def test_files_that_the_lake_has_already_are_not_sent(places: Places, tmp_path: Path) -> None:
    mine, theirs = await places.client("lake"), await places.client("lake")
    draw_images(tmp_path / "drawn", 4)
    await mine.push("drawn/v1", tmp_path / "drawn")
    await theirs.push("elsewhere/v1", tmp_path / "drawn")
    report = await headrace.copy_version(mine, "drawn/v1", theirs)
    assert (report.copied, report.files, report.reused) == (4, 0, 4)
    assert await (await theirs.get_datalake()).list_data().count() == 4


@pytest.mark.parametrize("target", ["lake", "http", "plain"])
async def test_files_that_were_sent_but_not_noted_are_found(
    places: Places, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """As after a crash right before the journal is written."""
    mine, theirs = await places.rich(), await places.client(target)

    async def crash(_: FileCopier, found: Sequence[Found]) -> None:
        if found:
            raise RuntimeError("crash")

    with monkeypatch.context() as patch:
        patch.setattr(FileCopier, "_note", crash)
        with pytest.raises(RuntimeError, match="crash"):
            await headrace.copy_version(mine, NAME, theirs)
    lake = await theirs.get_datalake()
    assert await lake.list_data().count() == 6
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.reused, report.files, report.missing) == (6, 0, 0)
    assert await lake.list_data().count() == 6


async def test_changes_at_the_source_are_followed(places: Places, tmp_path: Path) -> None:
    mine, theirs = await places.rich(colleague=False), await places.client("http")
    await headrace.copy_version(mine, NAME, theirs)
    version = await mine.version(NAME)
    assets = await version.list_assets()
    # A newer annotation stands on the same asset: the changed one must stay the older one.
    newest, older = await assets[1].list_annotations()
    (box,) = await older.list_rectangles()
    await box.update(x=7.25)
    await newest.update(status="ACCEPTED")
    await (await assets[4].create_annotation(1.5)).create_classification(
        await version.create_label("new")
    )
    await (await assets[3].get_data()).update_custom_metadata({"weather": "sun"})
    await (await version.get_asset_tag("train")).attach_on(assets[5:])
    draw_images(tmp_path / "more", 2, prefix="more")
    await mine.push(NAME, tmp_path / "more")

    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.copied, report.files, report.there) == (2, 2, 6)
    assert (report.annotations, report.replaced, report.metadata) == (3, 2, 1)
    assert (report.labels, report.tags) == (1, 1)
    assert await described(theirs, NAME) == await described(mine, NAME)
    assert report.source_digest == report.target_digest
    assert (await headrace.copy_version(mine, NAME, theirs)).nothing_to_do


async def test_what_is_deleted_at_the_source_stays_at_the_target(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    await headrace.copy_version(mine, NAME, theirs)
    version = await mine.version(NAME)
    assets = await version.list_assets()
    await (await assets[0].get_annotation()).delete()
    await assets[5].delete()
    before = await described(theirs, NAME)
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.assets, report.gone, report.extra, report.missing) == (5, 1, 1, 0)
    assert len(report.notes) == 2
    assert await described(theirs, NAME) == before
    assert (await headrace.copy_version(mine, NAME, theirs)).missing == 0


async def test_what_both_sides_changed_stays_and_is_named(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    await headrace.copy_version(mine, NAME, theirs)
    for client, x in ((theirs, 5), (mine, 6)):
        annotation = await (await (await client.version(NAME)).list_assets())[0].get_annotation()
        await (await annotation.list_rectangles())[0].update(x=x)
    before = await described(theirs, NAME)
    for _ in range(2):
        with pytest.raises(PartialTransferError, match="1 annotations were changed") as caught:
            await headrace.copy_version(mine, NAME, theirs)
        report = caught.value.report
        assert (report.conflict_count, report.conflicts) == (1, ["twin.jpg"])
        assert await described(theirs, NAME) == before


async def test_what_was_changed_or_lost_at_the_target_is_noticed(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    await headrace.copy_version(mine, NAME, theirs)
    version = await theirs.version(NAME)
    annotation = await (await version.list_assets())[0].get_annotation()
    await annotation.update(status="REFUSED")
    with pytest.raises(PartialTransferError, match="1 assets are missing or different") as caught:
        await headrace.copy_version(mine, NAME, theirs)
    assert caught.value.report.different == ["twin.jpg"]
    assert (await headrace.copy_version(mine, NAME, theirs, verify=False)).verified == 0
    # An asset that was removed there is copied again, with its annotations and tags.
    await (await version.list_assets())[0].delete()
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.copied, report.annotations, report.files) == (1, 1, 0)
    assert report.source_digest == report.target_digest


async def test_what_others_have_in_the_target_stays(places: Places, tmp_path: Path) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    draw_images(tmp_path / "own", 2, prefix="own")
    await theirs.push(NAME, tmp_path / "own")
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.copied, report.extra, report.created_version) == (6, 2, False)
    assert any("keeps its type" in note for note in report.notes)
    assert report.source_digest != report.target_digest
    assert await (await theirs.version(NAME)).list_assets().count() == 8


# --- what is chosen --------------------------------------------------------------------------------------


async def test_a_part_is_copied(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    report = await headrace.copy_version(mine, NAME, theirs, include="one.jpg")
    assert (report.assets, report.copied, report.source_digest) == (2, 2, "")
    report = await headrace.copy_version(mine, NAME, theirs, q='filename = "twin.jpg"')
    assert (report.assets, report.copied, report.extra) == (2, 2, 2)
    report = await headrace.copy_version(mine, NAME, theirs)
    assert (report.copied, report.there) == (2, 4)
    assert report.source_digest == report.target_digest


async def test_labels_are_mapped(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    mapped = LabelMap.parse({"rename": {"cat": "pet"}, "drop": ["dog"]})
    report = await headrace.copy_version(mine, NAME, theirs, labels_map=mapped)
    found = await described(theirs, NAME)
    assert found["labels"] == ["pet", "person", "never used"]
    assert found["groups"]["pet"] == "animals.pets"
    assert found["attributes"]["pet"]["age"]["input_type"] == "INTEGER"
    dropped = {loss.what: loss.count for loss in report.losses}
    # Three polygons (two are rings of one), a point and a mask, and the box of ann.
    assert dropped["shapes that the label map drops"] == 6
    (boxes, *_) = [each["rectangles"] for each in found["assets"][0]["annotations"]]
    assert {box["label"] for box in boxes} == {"pet"}
    assert (await headrace.copy_version(mine, NAME, theirs, labels_map=mapped)).nothing_to_do


async def test_a_dry_run_writes_nothing(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    planned = await headrace.copy_version(mine, NAME, theirs, dry_run=True)
    assert (planned.dry_run, planned.created_dataset, planned.created_version) == (True,) * 3
    assert (planned.assets, planned.copied, planned.annotations, planned.labels) == (6, 6, 5, 4)
    assert planned.files == 6
    assert planned.bytes > 0
    with pytest.raises(NotFoundError):
        await theirs.version(NAME)
    assert not (places.state / "copies").exists()
    await headrace.copy_version(mine, NAME, theirs)
    planned = await headrace.copy_version(mine, NAME, theirs, dry_run=True)
    assert (planned.copied, planned.there, planned.files) == (0, 6, 0)
    assert (planned.annotations, planned.annotations_there, planned.labels) == (0, 5, 0)
    assert not planned.created_version


async def test_a_copy_may_be_declined(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    seen = []

    async def decline(planned: headrace.CopyReport) -> bool:
        seen.append(planned.copied)
        return False

    report = await headrace.copy_version(mine, NAME, theirs, confirm=decline)
    assert (seen, report.dry_run) == ([6], True)
    with pytest.raises(NotFoundError):
        await theirs.version(NAME)


async def test_a_certain_content_is_demanded(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    digest = str(await (await mine.version(NAME)).digest())
    with pytest.raises(DigestMismatchError):
        await headrace.copy_version(mine, NAME, theirs, expected_digest=f"sha256:{'0' * 64}")
    with pytest.raises(NotFoundError):
        await theirs.version(NAME)
    report = await headrace.copy_version(mine, NAME, theirs, expected_digest=digest)
    assert report.target_digest == digest


# --- refusals --------------------------------------------------------------------------------------------


async def test_a_version_is_not_copied_onto_itself(places: Places) -> None:
    mine = await places.rich()
    with pytest.raises(ConfigurationError, match="cannot be copied onto itself"):
        await headrace.copy_version(mine, NAME, mine)


async def test_a_locked_version_takes_nothing(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    locked = await (await theirs.create_dataset("rich")).create_version("v1")
    await locked.lock()
    with pytest.raises(LockedError) as caught:
        await headrace.copy_version(mine, NAME, theirs)
    assert "unlock" in str(caught.value)
    assert await locked.list_assets().count() == 0


async def test_assets_in_a_campaign_take_no_annotations(places: Places) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    await headrace.copy_version(mine, NAME, theirs)
    version = await theirs.version(NAME)
    campaign = await version.create_campaign()
    await campaign.add_step("annotate", "ANNOTATION", "")
    await campaign.sync_assets()
    asset = (await (await mine.version(NAME)).list_assets())[3]
    await asset.create_annotation()
    with pytest.raises(LockedError, match="annotation campaign"):
        await headrace.copy_version(mine, NAME, theirs)
    await campaign.delete()
    assert (await headrace.copy_version(mine, NAME, theirs)).annotations == 1


async def test_the_same_copy_runs_once_at_a_time(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = await places.rich(), await places.client("lake")
    entered, go_on = anyio.Event(), anyio.Event()
    original = version_copy.copy_labels

    async def waiting(*arguments: Any) -> Any:
        entered.set()
        await go_on.wait()
        return await original(*arguments)

    monkeypatch.setattr(version_copy, "copy_labels", waiting)
    async with anyio.create_task_group() as group:
        group.start_soon(headrace.copy_version, mine, NAME, theirs)
        await entered.wait()
        with pytest.raises(ConflictError, match="running already"):
            await headrace.copy_version(mine, NAME, theirs)
        go_on.set()
    assert (await headrace.copy_version(mine, NAME, theirs)).nothing_to_do


async def test_one_token_is_not_sent_to_two_servers(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = await places.door("http")
    other, client = await places.door("http")
    monkeypatch.setenv("HEADRACE_TOKEN", one.token or "")
    for target in (other.target, client):
        with pytest.raises(ConfigurationError, match="HEADRACE_TOKEN is one token") as caught:
            await headrace.copy_version(one.target, NAME, target)
        assert f"headrace login {one.target}" in str(caught.value)
    monkeypatch.delenv("HEADRACE_TOKEN")
    with pytest.raises(ConfigurationError, match="needs a token"):
        await headrace.copy_version(one.target, NAME, other.target)


async def test_between_two_servers_each_side_has_its_profile(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HEADRACE_TOKEN", "of-neither")
    (one, client), (two, _) = await places.door("http"), await places.door("http")
    await fill(client, tmp_path / "images")
    for name, door in (("mine", one), ("theirs", two)):
        assert door.token is not None
        (tmp_path / "config" / "headrace").mkdir(parents=True, exist_ok=True)
        store_profile(name, Profile(address=door.target, token=door.token))
    report = await headrace.copy_version(
        one.target, NAME, two.target, from_profile="mine", to_profile="theirs"
    )
    assert (report.copied, report.source_digest) == (6, report.target_digest)
    with pytest.raises(ConfigurationError, match="is not sent to"):
        await headrace.copy_version(
            one.target, NAME, two.target, from_profile="theirs", to_profile="mine"
        )


# --- memory and disk -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["http", "plain"])
async def test_the_files_on_this_machine_are_bounded(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    lake, middle, target = [await places.client(kind) for kind in ("lake", source, "lake")]
    paths = draw_images(tmp_path / "images", 30)
    for path in paths:
        path.write_bytes(path.read_bytes() + b"\0" * 10_000)
    paths[3].write_bytes(paths[3].read_bytes() + b"\0" * 50_000)
    await lake.push("drawings/v1", tmp_path / "images")
    await headrace.copy_version(lake, "drawings/v1", middle)
    monkeypatch.setattr(spool, "LARGE_BYTES", 30_000)
    seen: list[int] = []
    original = FileCopier.send

    async def watched(self: FileCopier, batch: SpooledBatch) -> None:
        folder = places.state / "copies"
        files = [path for path in folder.glob("*/spool/*/*/*") if path.is_file()]
        seen.append(sum(path.stat().st_size for path in files))
        await original(self, batch)

    monkeypatch.setattr(FileCopier, "send", watched)
    report = await headrace.copy_version(middle, "drawings/v1", target, spool_bytes=120_000)
    assert (report.files, report.verified) == (30, 30)
    assert report.source_digest == report.target_digest
    assert len(seen) >= 8
    # One batch may hold a single larger file.
    assert max(seen) <= 120_000 + 60_000
    assert not list((places.state / "copies").glob("*/spool/*"))


async def test_the_journal_holds_no_token_and_no_address(places: Places) -> None:
    lake = await places.rich()
    door, server = await places.door("http")
    await headrace.copy_version(lake, NAME, server)
    await headrace.copy_version(server, NAME, lake, "rich/back")
    content = b"".join(
        path.read_bytes() for path in (places.state / "copies").rglob("*") if path.is_file()
    )
    assert b"twin.jpg" in content
    assert door.token is not None
    for secret in (door.token.encode(), b"http", b"signature", b"Signature", b"weather"):
        assert secret not in content
    modes = {path.stat().st_mode & 0o077 for path in (places.state / "copies").iterdir()}
    assert modes == {0}
