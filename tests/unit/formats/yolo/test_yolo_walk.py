"""Folders with more label files than are held in memory are walked as others are."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.formats.io import walk as listing
from headrace.formats.yolo.layout import label_files
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
