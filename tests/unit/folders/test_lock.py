"""A lock on a path has one holder at a time, and is no obstacle where the file system has no locks."""

from __future__ import annotations

import errno
import fcntl
from pathlib import Path

import pytest

from headrace import formats
from headrace.folders.lock import PathLock


def test_one_holder_at_a_time(tmp_path: Path) -> None:
    first, second = (PathLock(tmp_path / "lock") for _ in range(2))
    assert first.take()
    assert first.is_locked
    assert not second.take()
    assert not second.is_held
    first.free()
    assert list(tmp_path.iterdir()) == []
    assert second.take()
    second.free()


def test_the_lock_of_a_deleted_file_is_void(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last holder deletes the file between the opening and the locking of the next one."""
    path = tmp_path / "lock"
    real = fcntl.flock
    deleted: list[Path] = []

    def flock(fd: int, how: int) -> None:
        if not deleted:
            path.unlink()
            deleted.append(path)
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = PathLock(path)
    assert lock.take()
    assert path.stat().st_ino > 0
    assert not PathLock(path).take()
    lock.free()


@pytest.mark.parametrize("why", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: int
) -> None:
    def flock(fd: int, how: int) -> None:
        raise OSError(why, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    lock = PathLock(tmp_path / "lock")
    assert lock.take()
    assert lock.is_held
    assert not lock.is_locked
    lock.free()
    formats.write([], tmp_path / "a.json", "coco", labels=[])
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
