"""Folders with more label files than are held in memory are walked as others are."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.formats.io import walk as listing
from headrace.formats.yolo.layout import label_files, sizes_file
from tests.support.data.formats import lay_out, read

ROW = "0 0.5 0.5 0.25 0.25\n"


@pytest.mark.parametrize("orphan", ["", "labels/zz.txt", "labels/0.txt", "labels/b-.txt"])
def test_label_files_of_a_large_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, orphan: str
) -> None:
    stems = ["a", "a-1", "a.b", "b", "c", "ü", "d e", "10", "9"]
    root = lay_out(tmp_path, {"data.yaml": "names: [x]\n"})
    for stem in stems:
        lay_out(root, {f"images/{stem}.png": (20, 10)})
        if stem not in ("c", "10"):
            lay_out(root, {f"labels/{stem}.txt": ROW})
    lay_out(root, {"images/a.jpeg": (20, 10), "images/c.bmp": (20, 10)})
    if orphan:
        lay_out(root, {orphan: ROW})
    small = read(root, "yolo", on_error="skip")
    assert len(small.samples) == len(stems) + 2
    assert ("Y07" in small.codes) == bool(orphan)
    for remembered, run in ((1, 2), (3, 100), (4, 1)):
        monkeypatch.setattr(label_files, "_REMEMBERED", remembered)
        monkeypatch.setattr(listing, "_RUN", run)
        large = read(root, "yolo", on_error="skip")
        assert large.samples == small.samples
        assert list(large.findings) == list(small.findings)


@pytest.mark.parametrize("run", [1, 2, 100])
def test_sizes_are_merged_with_the_images_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: int
) -> None:
    names = [
        "a.png",
        "a-1.png",
        "a.b.png",
        "ü.png",
        "B.JPG",
        "sub/1.png",
        "sub/2.png",
        "sub-1/x.png",
    ]
    names += ["none", "later/deep/x.png", "a.jpeg"]
    lines = [f'["images/train/{name}",{number},7]\n' for number, name in enumerate(names, 1)]
    lines += [f'["images/val/{name}",3,3]\n' for name in names[:3]]
    there = names[::3]
    root = lay_out(tmp_path, {"data.yaml": "names: [x]\ntrain: images/train\nval: images/val\n"})
    for number, name in enumerate(names, 1):
        stem = name.rpartition(".")[0] or name
        lay_out(root, {f"labels/train/{stem}.txt": ROW})
        if name in there:
            lay_out(root, {f"images/train/{name}": (number, 7)})
    monkeypatch.setattr(listing, "_RUN", run)
    monkeypatch.setattr(label_files, "_REMEMBERED", run)
    expected = {name: (number, 7) for number, name in enumerate(names, 1)}
    for order in (lines, lines[::-1], sorted(lines), lines[1::2] + lines[::2]):
        lay_out(root, {"image-sizes.jsonl": "".join(order)})
        found = read(root, "yolo", on_error="skip").samples
        train = [sample for sample in found if sample.split == "train"]
        assert {
            (sample.path or "").removeprefix("images/train/"): (sample.width, sample.height)
            for sample in train
        } == expected
        assert all(sample.annotated for sample in train)
        assert [sample.filename for sample in found if sample.split == "val"] == [
            "val/a.png",
            "val/a-1.png",
            "val/a.b.png",
        ]


def test_too_many_equal_names_are_all_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [f"images/{split}/{name}.png" for split in ("train", "val") for name in "abc"]
    lines = "".join(f'["{path}",4,4]\n' for path in [*paths, "images/val/d.png"])
    files = {"data.yaml": "names: [x]\ntrain: images/train\nval: images/val\n"}
    root = lay_out(tmp_path, files | {"image-sizes.jsonl": lines})
    few = [sample.filename for sample in read(root, "yolo").samples]
    assert few == [path.removeprefix("images/") for path in paths] + ["d.png"]
    monkeypatch.setattr(sizes_file, "_MAX_SHARED", 2)
    many = [sample.filename for sample in read(root, "yolo").samples]
    assert many == [*few[:-1], "val/d.png"]
