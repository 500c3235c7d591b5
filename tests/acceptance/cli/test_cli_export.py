"""``headrace export`` in the shell: images, splits, and what must not happen silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.data.images import draw_images, write_coco
from tests.support.processes.cli import headrace

NAMES = [f"image_{index:04d}.jpg" for index in range(5)]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    draw_images(tmp_path / "images", len(NAMES))
    write_coco(tmp_path / "labels.json", NAMES)
    lake = tmp_path / "lake"
    for arguments in (
        ["init", lake],
        ["push", lake, "set/v1", tmp_path / "images"],
        ["import", lake, "set/v1", tmp_path / "labels.json"],
    ):
        done = headrace(*arguments)
        assert done.status == 0, done
    return lake


def test_images_and_splits(lake: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export = ["export", lake, "set/v1", out, "--format", "yolo", "--split-by", "60/40"]
    dry = headrace(*export, "--media", "copy", "--dry-run")
    assert dry.status == 0, dry
    assert "not written (dry run)" in dry.out
    assert not out.exists()
    done = headrace(*export, "--media", "hardlink", "--json")
    assert done.status == 0, done
    answer = done.json()
    assert (answer["task"], answer["media"]) == ("segment", len(NAMES))
    assert sum(answer["splits"].values()) == len(NAMES)
    assert sum(answer["labels"].values()) == answer["shapes"]
    assert {path.name for path in out.glob("images/*/*")} == set(NAMES)


@pytest.mark.parametrize("media", ["copy", "hardlink", "symlink"])
def test_an_export_replaces_its_own_images(lake: Path, tmp_path: Path, media: str) -> None:
    export = ["export", lake, "set/v1", tmp_path / "out", "--format", "voc", "--media", media]
    assert headrace(*export).status == 0
    mine = tmp_path / "out/JPEGImages/mine.txt"
    mine.write_text("mine")
    refused = headrace(*export)
    assert refused.status == 1
    assert "--overwrite" in refused.err
    done = headrace(*export, "--overwrite")
    assert done.status == 0, done
    assert mine.read_text() == "mine"
    assert {path.name for path in mine.parent.iterdir()} == {*NAMES, "mine.txt"}


def test_losing_every_shape_fails(lake: Path, tmp_path: Path) -> None:
    export = ["export", lake, "set/v1", tmp_path / "out", "--format", "yolo", "--task", "pose"]
    lost = headrace(*export)
    assert lost.status == 1
    assert "--allow-empty" in lost.err
    assert not (tmp_path / "out").exists()
    assert headrace(*export, "--allow-empty").status == 0


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--split-by", "80-20", "--split-by"),
        ("--split-by", "0/0", "--split-by"),
        ("--media", "move", "hardlink"),
    ],
)
def test_a_wrong_value_says_what_is_right(
    lake: Path, tmp_path: Path, option: str, value: str, words: str
) -> None:
    done = headrace("export", lake, "set/v1", tmp_path / "out", "--format", "yolo", option, value)
    assert done.status in (1, 2)
    assert words in done.err
