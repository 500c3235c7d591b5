"""A worker that creates files reaches nothing but its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from headrace.engine.convert.workers.create_files import CreateFilesJob


@pytest.mark.parametrize(
    ("folder", "name"), [("../", "x"), ("a/../../", "x"), ("{}/", "x"), ("", "../x"), ("", "{}/x")]
)
def test_nothing_outside_its_folder(tmp_path: Path, folder: str, name: str) -> None:
    (tmp_path / "in" / "a").mkdir(parents=True)
    handle = os.open(tmp_path / "in", os.O_RDONLY)
    try:
        doing = CreateFilesJob(handle=handle, root="in").begin()
        with pytest.raises(ValueError):
            doing.do(([folder.format(tmp_path)], [name.format(tmp_path)], [b""]))
    finally:
        os.close(handle)
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").symlink_to(tmp_path)
    handle = os.open(tmp_path / "in", os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="in/a/x"):
            CreateFilesJob(handle=handle, root="in").begin().do((["a/"], ["x"], [b""]))
    finally:
        os.close(handle)
    assert not (tmp_path / "x").exists()


def test_more_folders_than_it_holds_open(tmp_path: Path) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    before = len(os.listdir("/proc/self/fd"))
    try:
        doing = CreateFilesJob(handle=handle, root="in").begin()
        for n in range(200):
            (tmp_path / str(n % 50)).mkdir(exist_ok=True)
            doing.do(([f"{n % 50}/"], [f"{n}"], [b"%d" % n]))
    finally:
        os.close(handle)
    assert len(os.listdir("/proc/self/fd")) - before < 50
    for n in range(200):
        assert (tmp_path / str(n % 50) / str(n)).read_bytes() == b"%d" % n
