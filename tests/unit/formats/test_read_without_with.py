"""``formats.read`` without a ``with`` statement: the source opens when it is needed and does not stay open."""

from __future__ import annotations

import gc
import os
import shutil
from pathlib import Path

import pytest

from headrace import formats
from headrace.errors import SourceNotFoundError
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Rectangle

LABELS = [LabelInfo(name="cat"), LabelInfo(name="dog")]
SAMPLES = [
    Sample(
        filename=f"{number}.jpg",
        width=20,
        height=20,
        shapes=[Rectangle(label="cat", x=1, y=2, w=3, h=4)],
    )
    for number in range(600)
]


@pytest.fixture(params=["coco", "yolo", "voc"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    target = tmp_path / ("a.json" if request.param == "coco" else "a")
    formats.write(SAMPLES, target, request.param, labels=LABELS)
    return target


def open_below(folder: Path) -> list[str]:
    opened = []
    for number in os.listdir("/proc/self/fd"):
        try:
            name = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue
        if name.startswith(str(folder)):
            opened.append(name)
    return opened


def test_samples_labels_and_about_come_without_entering(source: Path) -> None:
    found = formats.read(source)
    assert [each.name for each in found.labels] == ["cat", "dog"]
    for _ in range(2):
        assert sum(len(each.shapes) for each in found) == 600
    assert isinstance(found.about, dict)
    assert open_below(source) == []


def test_labels_after_a_pass_need_the_source_no_more(source: Path) -> None:
    found = formats.read(source)
    assert len(list(found)) == 600
    if source.is_dir():
        shutil.rmtree(source)
    else:
        source.unlink()
    assert "cat" in [each.name for each in found.labels]


def test_a_loop_that_is_left_early_closes_the_source(source: Path) -> None:
    for sample in formats.read(source):
        assert sample.shapes
        break
    gc.collect()
    assert open_below(source) == []


def test_within_a_with_statement_the_source_is_opened_once(source: Path) -> None:
    with formats.read(source) as found:
        assert len(list(found)) == len(list(found)) == 600
        assert [each.name for each in found.labels] == ["cat", "dog"]
    assert [each.name for each in found.labels] == ["cat", "dog"]


def test_a_missing_source_says_so_at_the_first_look(tmp_path: Path) -> None:
    found = formats.read(tmp_path / "none.json", "coco")
    with pytest.raises(SourceNotFoundError):
        list(found)
    with pytest.raises(SourceNotFoundError):
        found.labels  # noqa: B018
