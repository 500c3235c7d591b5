"""No name in a dataset makes a writer write outside its target, or under a name that some system cannot bear."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from headrace import formats
from headrace.errors import FormatError
from headrace.model.names import safe_parts
from headrace.model.sample import Sample
from headrace.model.shapes import Classification, Rectangle
from tests.support.data.formats import lay_out
from tests.support.data.names import HOSTILE

WRITERS = [("yolo", "detect"), ("yolo", "segment"), ("yolo", "classify"), ("voc", "detect")]


def sample(part: str, name: str) -> Sample:
    label = name if part == "label" else "cat"
    return Sample(
        filename=name if part == "filename" else "a.png",
        width=9,
        height=9,
        split=name if part == "split" else "train",
        shapes=[Rectangle(label=label, x=1, y=1, w=2, h=2), Classification(label=label)],
    )


@pytest.mark.parametrize("part", ["filename", "split", "label"])
@pytest.mark.parametrize(("kind", "task"), WRITERS)
def test_nothing_is_written_outside(tmp_path: Path, kind: str, task: str, part: str) -> None:
    root = lay_out(tmp_path, {"media/a.png": (9, 9), "safe/place/keep.txt": "kept"})
    options: dict[str, Any] = {"images": root / "media"} if task == "classify" else {}
    before = {path for path in root.rglob("*") if path.is_file()}
    for number, name in enumerate(HOSTILE):
        target = root / "safe" / "place" / f"out{number}"
        formats.write([sample(part, name)], target, kind, task=task, on_error="skip", **options)
        made = {path for path in root.rglob("*") if path.is_file()} - before
        assert all(path.is_relative_to(target) for path in made), name
        for path in target.rglob("*"):
            assert not path.is_symlink()
            assert safe_parts(path.relative_to(target).as_posix()), name
        before |= made
    assert (root / "safe/place/keep.txt").read_text() == "kept"


@pytest.mark.parametrize(("kind", "task"), [("yolo", "detect"), ("voc", "detect")])
def test_an_unsafe_name_is_an_error_unless_skipped(tmp_path: Path, kind: str, task: str) -> None:
    for name in HOSTILE:
        with pytest.raises(FormatError):
            formats.write([sample("filename", name)], tmp_path / "out", kind, task=task)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["coco", "coco-video"])
def test_one_file_holds_any_name(tmp_path: Path, kind: str) -> None:
    for name in HOSTILE:
        if "\ud800" <= max(name, default="") <= "\udfff":
            continue
        formats.write([sample("filename", name)], tmp_path / "out.json", kind, overwrite=True)
        assert os.listdir(tmp_path) == ["out.json"]
