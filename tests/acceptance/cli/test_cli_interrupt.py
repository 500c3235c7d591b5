"""Ctrl-C during a command: exit 130, one line that says how to continue, and the same command continues."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from examples.make_sample import draw_dataset
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import (
    Place,
    administered,
    assert_interrupted,
    headrace,
    interrupted,
)

COUNT = 300


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    """A dataset with enough images and shapes for a push and an import to be interrupted."""
    images, annotations = draw_dataset(tmp_path_factory.mktemp("many"), count=COUNT)
    coco: dict[str, Any] = json.loads(annotations.read_text())
    coco["annotations"] = [
        one | {"id": 1000 * copy + place, "bbox": [copy % 50, 1, 9, 9], "segmentation": []}
        for copy in range(100)
        for place, one in enumerate(coco["annotations"])
    ]
    annotations.write_text(json.dumps(coco))
    return Drawn(images, annotations, coco)


def assert_no_fault(place: Place) -> None:
    """What an interrupted command leaves behind it is no fault, in the lake or in the database that stands for it."""
    checked = administered(place.lake).run("check", "--read-data")
    assert checked.status == 0, checked


@pytest.mark.slow
def test_push_import_and_pull_go_on(place: Place, many: Drawn, tmp_path: Path) -> None:
    push = ["push", place.target, "demo/v1", many.images, "--workers", "1"]
    assert_interrupted(interrupted(*push, **place.variables))
    assert_no_fault(place)
    assert headrace(*push, **place.variables).status == 0
    assert place.done("stats", "demo/v1")["assets"] == COUNT

    take = ["import", place.target, "demo/v1", many.annotations, "--mode", "concatenate"]
    assert_interrupted(interrupted(*take, **place.variables))
    assert_no_fault(place)
    assert headrace(*take, **place.variables).status == 0
    assert place.done("stats", "demo/v1")["labels"] == many.labels

    folder = tmp_path / "images"
    pull = ["pull", place.target, "demo/v1", folder, "--workers", "1"]
    assert_interrupted(interrupted(*pull, **place.variables))
    left = {path.name for path in folder.rglob("*.png")} if folder.exists() else set()
    assert len(left) < COUNT
    for name in left:
        assert (folder / name).read_bytes() == (many.images / name).read_bytes()
    assert headrace(*pull, **place.variables).status == 0
    assert {path.name for path in folder.iterdir() if not path.name.startswith(".")} == {
        path.name for path in many.images.iterdir()
    }


@pytest.mark.slow
def test_a_kill_is_an_interruption_too(lake: Place, many: Drawn) -> None:
    stopped = interrupted(
        "push", lake.target, "demo/v1", many.images, "--workers", "1", how=signal.SIGTERM
    )
    assert_interrupted(stopped)


def test_an_interrupted_export_leaves_nothing(lake: Place, many: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", many.images)
    lake.done("import", "demo/v1", many.annotations)
    out = tmp_path / "out"
    out.mkdir()
    export = ["export", lake.target, "demo/v1", out / "all.json", "--format", "coco"]
    assert_interrupted(interrupted(*export))
    assert os.listdir(out) == []
    assert headrace(*export).status == 0
    assert os.listdir(out) == ["all.json"]


def test_interruption_as_json(lake: Place, many: Drawn) -> None:
    stopped = interrupted("push", lake.target, "demo/v1", many.images, "--workers", "1", "--json")
    assert stopped.status == 130
    answer = stopped.json()
    assert answer["schema"] == "headrace.error/1"
    assert answer["error"]["code"] == "interrupted"
    assert answer["error"]["retryable"] is True
