"""Conversions: counted at both ends, free of the event loop, and without a trace where they do not end well."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.run import convert, convert_blocking
from headrace.errors import (
    ConfigurationError,
    ConservationError,
    FormatError,
    LossyWriteError,
    NoDataError,
    ParseError,
    UnknownFormatError,
)
from headrace.formats.coco import encode as coco_encode
from headrace.formats.coco.writer import CocoWriter
from tests.support.data.formats import read


def source(folder: Path, images: int = 30, **more: Any) -> Path:
    """A COCO file with two boxes an image, in no order."""
    annotations = [
        {
            "id": n,
            "image_id": n % images,
            "category_id": n % 2 + 5,
            "bbox": [n % 7, 1.5, 3.25, 4],
            "area": 13,
            "iscrowd": 0,
        }
        for n in range(images * 2)
    ]
    document = {
        "info": {"year": 2024},
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in range(images)
        ],
        "annotations": annotations,
        "categories": [
            {"id": 6, "name": "dog"},
            {"id": 5, "name": "cat"},
            {"id": 9, "name": "none"},
        ],
        **more,
    }
    path = folder / "source.json"
    path.write_text(json.dumps(document))
    return path


async def test_coco_to_coco_keeps_everything_but_the_ids(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    report = await convert(source(tmp_path), target, to="coco")
    assert (report.images_in, report.images_out, report.shapes_in, report.shapes_out) == (
        30,
        30,
        60,
        60,
    )
    assert (report.source_format, report.target_format) == ("coco", "coco")
    assert "certain" in report.why
    assert report.labels == {"dog": 30, "cat": 30, "none": 0}
    before, after = read(tmp_path / "source.json", "coco"), read(target, "coco")
    assert before.labels == after.labels
    assert after.about["info"] == {"year": 2024}
    assert [sample.filename for sample in after.samples] == [
        sample.filename for sample in before.samples
    ]
    assert [(shape.label, shape.x) for shape in after.shapes] == [
        (shape.label, shape.x) for shape in before.shapes
    ]


async def test_coco_to_coco_keeps_the_order_of_annotations_and_numbers_them_anew(
    tmp_path: Path,
) -> None:
    path, target = source(tmp_path), tmp_path / "out.json"
    document = json.loads(path.read_text())
    document["annotations"].reverse()
    path.write_text(json.dumps(document))
    await convert(path, target, to="coco")
    written = json.loads(target.read_text())["annotations"]
    assert [each["id"] for each in written] == list(range(1, 61))
    assert [each["image_id"] for each in written] == [
        each["image_id"] for each in document["annotations"]
    ]


@pytest.mark.parametrize("to", ["yolo", "voc"])
async def test_through_other_formats_and_back(tmp_path: Path, to: str) -> None:
    there = await convert(source(tmp_path), tmp_path / to, to=to)
    assert (there.images_out, there.shapes_out, there.shapes_dropped) == (30, 60, 0)
    assert [loss.what for loss in there.declared]
    if to == "voc":
        back = await convert(tmp_path / to, tmp_path / "back.json", to="coco")
        assert (back.images_out, back.shapes_out) == (30, 60)
        shapes = read(tmp_path / "back.json", "coco").shapes
        assert sorted((s.label, s.x, s.y, s.w, s.h) for s in shapes) == sorted(
            (s.label, s.x, s.y, s.w, s.h) for s in read(tmp_path / "source.json", "coco").shapes
        )


async def test_a_dry_run_counts_like_the_real_one_and_writes_nothing(tmp_path: Path) -> None:
    dry = await convert(source(tmp_path), tmp_path / "out", to="yolo", dry_run=True)
    assert dry.dry_run
    assert {path.name for path in tmp_path.iterdir()} == {"source.json"}
    real = await convert(tmp_path / "source.json", tmp_path / "out", to="yolo")
    assert (dry.images_out, dry.shapes_out, dry.labels) == (
        real.images_out,
        real.shapes_out,
        real.labels,
    )
    assert [(each.code, each.count) for each in dry.findings] == [
        (each.code, each.count) for each in real.findings
    ]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"to": "coko"}, UnknownFormatError),
        ({"to": "coco", "from_": "txt"}, UnknownFormatError),
        ({"to": "coco", "colour": "red"}, ConfigurationError),
        ({"to": "coco", "on_error": "ignore"}, ConfigurationError),
        ({"to": "yolo", "strict": True}, LossyWriteError),
    ],
)
async def test_what_cannot_be_done_leaves_nothing(
    tmp_path: Path, options: dict[str, Any], error: type[Exception]
) -> None:
    path = source(tmp_path, extra=1)
    document = json.loads(path.read_text())
    document["annotations"][0]["segmentation"] = [[0, 0, 5, 0, 5, 5]]
    path.write_text(json.dumps(document))
    with pytest.raises(error):
        await convert(path, tmp_path / "out", **options)
    assert {each.name for each in tmp_path.iterdir()} == {"source.json"}


async def test_bad_records_by_policy(tmp_path: Path) -> None:
    path = source(tmp_path)
    document = json.loads(path.read_text())
    document["annotations"][7]["segmentation"] = {"size": [1, 1], "counts": "~"}
    path.write_text(json.dumps(document))
    with pytest.raises(ParseError, match="C12"):
        await convert(path, tmp_path / "out.json", to="coco")
    with pytest.raises(ParseError, match="1 record does not conform"):
        await convert(path, tmp_path / "out.json", to="coco", on_error="collect")
    assert not (tmp_path / "out.json").exists()
    told: list[str] = []
    report = await convert(
        path,
        tmp_path / "out.json",
        to="coco",
        on_error="skip",
        on_finding=lambda one: told.append(one.code),
    )
    assert (report.shapes_in, report.shapes_out, report.shapes_dropped) == (60, 59, 1)
    assert "C12" in told


async def test_a_target_that_exists_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("mine")
    with pytest.raises(FormatError, match="exists"):
        await convert(source(tmp_path), target, to="coco")
    assert target.read_text() == "mine"
    await convert(tmp_path / "source.json", target, to="coco", overwrite=True)
    assert len(json.loads(target.read_text())["annotations"]) == 60


async def test_a_dry_run_is_refused_where_the_conversion_would_be(tmp_path: Path) -> None:
    out, options = tmp_path / "out", {"to": "yolo", "overwrite": True}
    await convert(source(tmp_path), out, to="yolo")
    (label, *_) = sorted((out / "labels").rglob("*.txt"))
    label.write_text("mended by hand")
    for dry_run in (True, False):
        with pytest.raises(FormatError, match=label.name):
            await convert(tmp_path / "source.json", out, dry_run=dry_run, **options)
    assert label.read_text() == "mended by hand"
    dry = await convert(tmp_path / "source.json", out, to="yolo", force=True, dry_run=True)
    assert dry.replaced is None
    report = await convert(tmp_path / "source.json", out, to="yolo", force=True)
    assert report.replaced is not None
    assert (Path(report.replaced) / label.relative_to(out)).read_text() == "mended by hand"
    assert {path.name for path in tmp_path.iterdir()} == {
        "source.json",
        "out",
        Path(report.replaced).name,
    }


async def test_a_source_whose_shapes_all_go_is_refused(tmp_path: Path) -> None:
    path, out = source(tmp_path), tmp_path / "out"
    document = json.loads(path.read_text())
    for each in document["annotations"]:
        each["bbox"] = [1, 2, 3]
    path.write_text(json.dumps(document))
    options = {"to": "yolo", "on_error": "skip"}
    for dry_run in (True, False):
        with pytest.raises(NoDataError, match="none of its 60 shapes can be written; 60 left out"):
            await convert(path, out, dry_run=dry_run, **options)
    assert not out.exists()
    report = await convert(path, out, allow_empty=True, **options)
    assert (report.shapes_in, report.shapes_out, report.shapes_dropped) == (60, 0, 60)
    assert set(report.labels.values()) == {0}
    document["annotations"] = []
    path.write_text(json.dumps(document))
    assert (await convert(path, out, overwrite=True, **options)).shapes_out == 0


async def test_shapes_that_vanish_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await convert(source(tmp_path), tmp_path / "voc", to="voc")
    whole = coco_encode.boxes
    monkeypatch.setattr(
        coco_encode, "boxes", lambda *given: (records[1:] for records in whole(*given))
    )
    with pytest.raises(ConservationError, match="60 shapes in and 0 added, but 30 out"):
        await convert(tmp_path / "voc", tmp_path / "out.json", to="coco")
    assert {each.name for each in tmp_path.iterdir()} == {"source.json", "voc"}


async def test_so_are_records_that_vanish_from_coco_to_coco(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = CocoWriter.write_records
    monkeypatch.setattr(
        CocoWriter, "write_records", lambda writer, records, path: write(writer, records[1:], path)
    )
    with pytest.raises(ConservationError, match="60 shapes, but 30 with 59 reached"):
        await convert(source(tmp_path), tmp_path / "out.json", to="coco")
    assert {each.name for each in tmp_path.iterdir()} == {"source.json"}


async def test_cancellation_leaves_nothing_and_the_next_run_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A conversion quicker than the interval would tell of its beginning and its end alone.
    monkeypatch.setattr("headrace.transfer.progress.INTERVAL", 0)
    path = source(tmp_path, images=5_000)
    seen = asyncio.Event()
    loop = asyncio.get_running_loop()

    def progress(event: Any) -> None:
        if event.done and not event.finished:
            loop.call_soon_threadsafe(seen.set)
            # Wait for the cancellation: the work may not win the race.
            time.sleep(0.2)

    task = asyncio.create_task(
        convert(path, tmp_path / "out.json", to="coco", progress=progress, batch=1)
    )
    # Of both, so that a conversion that ends too early fails this test instead of keeping it waiting.
    waiting = asyncio.create_task(seen.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {each.name for each in tmp_path.iterdir()} == {"source.json"}
    report = await convert(path, tmp_path / "out.json", to="coco")
    assert report.shapes_out == 10_000


def test_a_killed_conversion_leaves_no_target_and_the_next_goes_through(tmp_path: Path) -> None:
    path, target = source(tmp_path, images=300), tmp_path / "out"
    killed = f"""
        import os, signal
        from headrace.engine.convert.run import convert_blocking
        def progress(event):
            if event.done >= 100:
                os.kill(os.getpid(), signal.SIGKILL)
        from headrace.transfer import progress as module
        module.INTERVAL = 0
        convert_blocking({str(path)!r}, {str(target)!r}, to="voc", progress=progress, batch=10)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(killed)], check=False, capture_output=True, text=True
    )
    assert done.returncode == -9, done.stderr
    assert not target.exists()
    assert all(
        name == "source.json" or name.startswith(".out.headrace-") for name in os.listdir(tmp_path)
    )
    report = convert_blocking(path, target, to="voc")
    assert (report.images_out, report.shapes_out) == (300, 600)
    assert set(os.listdir(tmp_path)) == {"source.json", "out"}


async def test_the_event_loop_runs_on(tmp_path: Path) -> None:
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(turn())
    await convert(source(tmp_path, images=2_000), tmp_path / "out.json", to="coco")
    task.cancel()
    assert turns > 50
