"""Walks are in a fixed order, also where a folder is sorted on disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from headrace.formats.io import walk as listing
from headrace.formats.io.walk import FolderWalk, stem_of, suffix_of

NAMES = ["b.txt", "a.txt", "a.b.txt", "a-1.txt", "a.TXT", "ü.txt", "c d.txt", "10.txt", "9.txt"]


def walked(root: Path) -> list[tuple[str, list[str]]]:
    refused: list[str] = []
    walk = FolderWalk(root, frozenset({"txt"}), boundary=root, refused=refused.append)
    found = [(folder.relative, list(names)) for folder, names in walk.folders()]
    assert refused == []
    return found


def fill(root: Path) -> None:
    for folder in ("", "b/", "a/", "a/c/"):
        (root / folder).mkdir(exist_ok=True)
        for name in (*NAMES, ".hidden.txt", "other.jpg"):
            (root / f"{folder}{name}").touch()
    (root / ".git").mkdir()
    (root / "dir.txt").mkdir()


def test_folders_and_names_come_in_order(tmp_path: Path) -> None:
    fill(tmp_path)
    found = walked(tmp_path)
    assert [folder for folder, _ in found] == ["", "a/", "a/c/", "b/", "dir.txt/"]
    expected = sorted(NAMES, key=lambda name: (stem_of(name), name))
    assert [names for _, names in found] == [expected] * 4 + [[]]


def test_sorting_on_disk_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    expected = walked(tmp_path)
    for run in (1, 2, 4, len(NAMES)):
        monkeypatch.setattr(listing, "_RUN", run)
        assert walked(tmp_path) == expected


def test_names_that_are_no_utf8_survive_the_sorting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsdecode(b"\xff\xfe\n.txt")
    try:
        (tmp_path / odd).touch()
    except OSError:
        pytest.skip("this file system refuses such names")
    monkeypatch.setattr(listing, "_RUN", 1)
    assert walked(tmp_path) == [("", [odd])]


def test_folders_of_no_end_are_refused(tmp_path: Path) -> None:
    deep = tmp_path
    for _ in range(70):
        deep = deep / "d"
    deep.mkdir(parents=True)
    refused: list[str] = []
    walk = FolderWalk(tmp_path, frozenset({"txt"}), boundary=tmp_path, refused=refused.append)
    assert sum(1 for _ in walk.folders()) == 65
    assert len(refused) == 1


def test_a_folder_that_goes_while_its_like_is_walked_is_passed_over(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").touch()
    walk = FolderWalk(tmp_path, frozenset({"txt"}), boundary=tmp_path, refused=lambda path: None)
    found = []
    for folder, names in walk.folders():
        found += [f"{folder.relative}{name}" for name in names]
        if folder.relative == "a/":
            shutil.rmtree(tmp_path / "b")
    assert found == ["a/x.txt"]
    gone = FolderWalk(tmp_path / "b", frozenset(), boundary=tmp_path, refused=lambda path: None)
    with pytest.raises(FileNotFoundError):
        list(next(gone.folders())[1])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.b.JPG", ("a.b", "jpg")), ("a", ("a", "")), (".jpg", (".jpg", "")), ("a.", ("a", ""))],
)
def test_stem_and_suffix(name: str, expected: tuple[str, str]) -> None:
    assert (stem_of(name), suffix_of(name)) == expected
