"""A copy that is killed again and again ends as an undisturbed one, and doubles nothing."""

from __future__ import annotations

import os
import random
import signal
import time
from functools import partial
from pathlib import Path

import anyio
import pytest

import headrace
from headrace.protocol.operations.annotations import (
    IMPORT_ANNOTATIONS,
    ImportAnnotations,
    ImportItem,
    LineIn,
    PolygonIn,
    RectangleIn,
)
from headrace.sdk.client.client import Client
from tests.support.data.images import draw_images
from tests.support.faults.counting_proxy import counting_proxy
from tests.support.lakes.doors import Door, open_door
from tests.support.lakes.templates import copy_empty
from tests.support.processes.forked import Forked
from tests.support.processes.waiting import until
from tests.support.scripts.copier import copy_from_server, copy_in_small_batches
from tests.support.tiers import slow

ASSETS = 40
NAME = "drawings/v1"


async def fill(lake: Client, folder: Path) -> None:
    """A version of 40 assets with two annotations on each, tags, and metadata."""
    draw_images(folder, ASSETS)
    await lake.push(NAME, folder, tags=["drawn"])
    version = await lake.version(NAME)
    label = str((await version.create_label("cat")).id)
    assets = await version.list_assets()
    await (await version.create_asset_tag("train")).attach_on(assets[::2])
    for number in range(2):
        items = [
            ImportItem(
                asset_id=str(asset.id),
                rectangles=[RectangleIn(label_id=label, x=index, y=number, w=5, h=5)],
                polygons=[PolygonIn(label_id=label, polygon=[(0, 0), (index, 1), (3, 4)])],
                lines=[LineIn(label_id=label, line=[(0, 0), (1, index)], text="drawn")],
                duration=1.5,
            )
            for index, asset in enumerate(assets)
        ]
        request = ImportAnnotations(version_id=version.id, annotations=items, beside=True)
        await lake.session.call(IMPORT_ANNOTATIONS, request)


async def killed_after(seconds: float, source: Path, door: Door, log: Path) -> int:
    """Start a copy, kill it after some time, and return how it ended."""
    process = Forked(copy_in_small_batches, str(source), NAME, door.target, door.token, log=log)
    with anyio.move_on_after(seconds):
        return await process.wait()
    process.kill()
    return await process.wait()


async def counts(client: Client) -> dict[str, int]:
    version = await client.version(NAME)
    stats = await version.retrieve_stats()
    return {
        "data": await (await client.get_datalake()).list_data().count(),
        "assets": await version.list_assets().count(),
        "annotations": stats.nb_annotations,
        "shapes": stats.nb_objects,
        "train": await version.list_assets(q='tags.name = "train"').count(),
        "drawn": await version.list_assets(q='data.tags.name = "drawn"').count(),
    }


@pytest.mark.parametrize("kills", [3, slow(20)])
@pytest.mark.parametrize("kind", ["lake", "http", "plain"])
async def test_a_killed_copy_ends_as_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, kills: int
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    source = tmp_path / "source"
    copy_empty(source)
    log = tmp_path / "log"
    rng = random.Random(f"{kind} {kills}")
    async with headrace.connect(source) as lake:
        await fill(lake, tmp_path / "images")
    async with open_door(kind, tmp_path / "one") as one, open_door(kind, tmp_path / "two") as two:
        began = time.monotonic()
        assert await killed_after(60, source, one, log) == 0
        whole = time.monotonic() - began
        ends = [
            await killed_after(
                rng.uniform(0.2, 1.1) * whole * (number + 1) / kills, source, two, log
            )
            for number in range(kills)
        ]
        assert -signal.SIGKILL in ends
        assert await killed_after(60, source, two, log) == 0, log.read_text()
        async with one.connect() as undisturbed, two.connect() as killed:
            expected = await counts(undisturbed)
            assert (expected["data"], expected["annotations"]) == (ASSETS, 2 * ASSETS)
            assert await counts(killed) == expected
            digests = [
                await (await client.version(NAME)).digest() for client in (undisturbed, killed)
            ]
            assert digests[0].sha256 == digests[1].sha256
            again = await headrace.copy_version(source, NAME, killed)
            assert again.nothing_to_do
            assert await counts(killed) == expected
    assert not list((tmp_path / "state").rglob("spool/*"))
    for path in (tmp_path / "state").rglob("*"):
        content = path.read_bytes() if path.is_file() else os.fsencode(path)
        assert not two.token or two.token.encode() not in content
        assert b"signature" not in content.lower()


LARGE, FAR = 6 << 20, 4 << 20


@pytest.mark.parametrize("kind", ["http", "plain"])
async def test_a_large_file_is_continued_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The bytes that the first process has received are not fetched again, whether the source tells sizes or not."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    target = tmp_path / "target"
    copy_empty(target)
    draw_images(tmp_path / "images", 3)
    large = tmp_path / "images" / "large.png"
    noise = random.Random(1).randbytes(LARGE)
    large.write_bytes((tmp_path / "images" / "image_0000.jpg").read_bytes() + noise)
    async with open_door(kind, tmp_path / "source") as door:
        async with door.connect() as client:
            await client.push(NAME, tmp_path / "images")
        async with counting_proxy(door.target) as proxy:
            if door.plain is not None:
                door.plain.switches.ranges = True
                # The URLs of its files lead through the proxy too.
                door.plain.address = proxy.address

            def copy() -> Forked:
                given = proxy.address, door.token, NAME, str(target)
                return Forked(partial(copy_from_server, large_bytes=1 << 20), *given, log=log)

            log = tmp_path / "log"
            # Enough of this file, and more than all other answers of a connection.
            proxy.silent_after = FAR + (1 << 20)
            first = copy()

            async def far() -> bool:
                parts = (tmp_path / "state").rglob("spool/file-*/.headrace/parts-*/*.part")
                try:
                    return any(part.stat().st_size >= FAR for part in parts)
                except FileNotFoundError:
                    # The copy removes folders while they are searched.
                    return False

            await until(far, 60)
            first.kill()
            await first.wait()
            proxy.passed, proxy.silent_after = 0, None
            assert await copy().wait() == 0, log.read_text()
            assert LARGE - FAR - (1 << 20) < proxy.passed < LARGE - FAR + (1 << 20)
    async with headrace.connect(target) as lake:
        assets = await (await lake.version(NAME)).list_assets()
        assert len(assets) == 4
        (asset,) = [each for each in assets if each.filename == "large.png"]
        await asset.download(tmp_path / "back")
    assert (tmp_path / "back" / "large.png").read_bytes() == large.read_bytes()
    assert not list((tmp_path / "state").rglob("spool/*"))
