"""What headrace remembers of a person's paths lies in the state folder, and knows a path by its resolved name."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from headrace.folders.state import make_state, state_of


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "state"
    monkeypatch.setenv("HEADRACE_STATE", str(folder))
    return folder


def test_each_way_to_write_a_path_has_one_state(
    tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "out").mkdir(parents=True)
    (tmp_path / "link").symlink_to("data")
    monkeypatch.chdir(tmp_path / "data")
    ways = ["out", "../link/out", str(tmp_path / "data" / "out"), "./out/../out"]
    found = {state_of(Path(way)) for way in ways}
    assert len(found) == 1
    assert found.pop().is_relative_to(state)
    assert state_of(Path("other")) != state_of(Path("out"))


def test_asking_creates_nothing(tmp_path: Path, state: Path) -> None:
    state_of(tmp_path / "out")
    assert not state.exists()


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    folder = make_state(tmp_path / "out")
    assert folder == state_of(tmp_path / "out")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "path").read_bytes() == os.fsencode(tmp_path / "out")


def test_the_state_of_a_deleted_path_goes_and_that_of_an_unmounted_disk_stays_longer(
    tmp_path: Path, state: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    (disk / "out").mkdir()
    there = tmp_path / "there"
    there.mkdir()
    states = [make_state(path) for path in (disk / "out", tmp_path / "gone", there)]
    unmounted, deleted, kept = states
    disk.rename(tmp_path / "elsewhere")

    def after(days: float) -> None:
        for folder in states:
            if folder.exists():
                then = time.time() - days * 24 * 3600
                os.utime(folder / "path", (then, then))
        os.utime(state / "cleaned", (0, 0))
        make_state(tmp_path / f"new after {days}")

    # A path that is being made has its state before it exists.
    after(0.5)
    assert deleted.exists()
    after(2)
    assert not deleted.exists()
    assert unmounted.exists()
    after(100)
    assert not unmounted.exists()
    assert kept.exists()


def test_old_state_is_looked_for_once_a_day(tmp_path: Path) -> None:
    gone = make_state(tmp_path / "gone")
    os.utime(gone / "path", (0, 0))
    make_state(tmp_path / "other")
    assert gone.exists()
