"""Cancelling an export by every means that asyncio has leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest

import headrace
from examples.make_sample import draw_dataset
from headrace.formats.info import Media


@pytest.fixture
async def lake(tmp_path: Path) -> Path:
    images, annotations = draw_dataset(tmp_path / "drawn", count=8)
    await headrace.create_lake(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as client:
        await client.push("demo/v1", images)
        await (await client.version("demo/v1")).import_annotations(annotations)
    return tmp_path / "lake"


@pytest.mark.parametrize("kind", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("media", ["none", "copy", "symlink"])
@pytest.mark.parametrize("moment", [0, 1, 2])
async def test_a_cancelled_export_leaves_nothing(
    lake: Path, kind: str, media: Media, moment: int
) -> None:
    out = lake.parent / "out"
    out.mkdir()
    async with headrace.connect(lake) as client:
        version = await client.version("demo/v1")
        events: list[headrace.ProgressEvent] = []

        def cancel(event: headrace.ProgressEvent) -> None:
            # The last event comes when all is over: too late to cancel anything.
            if len(events) == 0:
                asyncio.get_running_loop().call_later(moment / 200, export.cancel)
            events.append(event)

        export = asyncio.create_task(
            version.export(out / "target", kind, media=media, progress=cancel)
        )
        with contextlib.suppress(asyncio.CancelledError):
            await export
        # Whole, where the cancellation came too late, or nothing: no part and no lock.
        assert os.listdir(out) in ([], ["target"])
        # The lake is as good as before.
        await version.export(out / "target", kind, media=media, overwrite=True)
        assert os.listdir(out) == ["target"]


async def test_a_cancellation_at_the_very_first_moment(lake: Path) -> None:
    out = lake.parent / "out"
    out.mkdir()
    async with headrace.connect(lake) as client:
        version = await client.version("demo/v1")
        export = asyncio.create_task(
            version.export(out / "target", "coco", progress=lambda event: export.cancel())
        )
        with pytest.raises(asyncio.CancelledError):
            await export
    assert os.listdir(out) == []
