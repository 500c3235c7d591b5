"""Files opened by the handle of their folder are those that their paths name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace.formats.io.openat import Opener


@pytest.fixture
def opener() -> Iterator[Opener]:
    opener = Opener()
    yield opener
    opener.close()


def content(opener: Opener, path: object) -> bytes:
    descriptor = opener(str(path))
    try:
        return os.read(descriptor, 100)
    finally:
        os.close(descriptor)


def test_files_of_more_folders_than_handles_are_held(tmp_path: Path, opener: Opener) -> None:
    paths = [tmp_path / f"{number}" / name for number in range(40) for name in ("a", "ü b")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(path))
    for path in [*paths, *reversed(paths)]:
        assert content(opener, path) == str(path).encode()


def test_errors_name_the_whole_path(tmp_path: Path, opener: Opener) -> None:
    for path in (tmp_path / "none", tmp_path / "no" / "folder"):
        with pytest.raises(FileNotFoundError) as caught:
            opener(str(path))
        assert caught.value.filename == str(path)


def test_a_path_without_a_folder(
    tmp_path: Path, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_text("here")
    monkeypatch.chdir(tmp_path)
    assert content(opener, "x") == b"here"


def test_a_file_that_came_into_a_new_folder_of_the_same_name(
    tmp_path: Path, opener: Opener
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("old")
    assert content(opener, tmp_path / "a" / "old") == b"old"
    (tmp_path / "a").rename(tmp_path / "b")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "new").write_text("new")
    assert content(opener, tmp_path / "a" / "new") == b"new"


def test_nothing_stays_open(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    opener = Opener()
    content(opener, tmp_path / "x")
    opener.close()
    assert before in (0, len(os.listdir("/proc/self/fd")))
