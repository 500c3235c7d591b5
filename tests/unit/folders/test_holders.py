"""Who holds a lake: processes of one machine together, another machine not beside them, and the dead give way."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from headrace.errors import LakeHeldError
from headrace.file_system import mount_of
from headrace.folders import holders
from headrace.folders.holders import FOLDER, STALE_SECONDS, Holder, Holding, holders_of

ELSEWHERE = Holder(host="storage-2", machine="m2", boot="b2", namespace="pid:[1]", pid=77)


def note(lake: Path, holder: Holder, age: float = 0.0) -> Path:
    """What a process of another machine has written."""
    (lake / FOLDER).mkdir(exist_ok=True)
    path = lake / FOLDER / f"{holder.host}-{holder.pid}.json"
    path.write_bytes(msgspec.json.encode(holder))
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def test_processes_of_one_machine_hold_it_together(tmp_path: Path) -> None:
    one, two = Holding(tmp_path), Holding(tmp_path)
    one.take()
    two.take()
    assert [each.pid for each in holders_of(tmp_path)] == [os.getpid()] * 2
    one.free()
    one.free()
    assert len(holders_of(tmp_path)) == 1
    two.free()
    assert holders_of(tmp_path) == []


def test_a_holder_that_is_just_being_written_is_no_other_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Holding(tmp_path)
    opened = os.open

    def take_between(*arguments: Any, **options: Any) -> int:
        monkeypatch.undo()
        descriptor = opened(*arguments, **options)
        two.take()
        return descriptor

    monkeypatch.setattr(os, "open", take_between)
    Holding(tmp_path).take()
    assert [each.pid for each in holders_of(tmp_path)] == [os.getpid()] * 2


def test_what_a_killed_process_was_writing_is_removed_later(tmp_path: Path) -> None:
    left = note(tmp_path, ELSEWHERE, age=STALE_SECONDS + 5).rename(tmp_path / FOLDER / "left.new")
    Holding(tmp_path).take()
    assert not left.exists()


def test_another_machine_is_refused_by_name_and_with_the_cure(tmp_path: Path) -> None:
    note(tmp_path, ELSEWHERE)
    holding = Holding(tmp_path)
    with pytest.raises(
        LakeHeldError, match=r"storage-2 has the lake .* open for writing"
    ) as caught:
        holding.take()
    assert caught.value.host == "storage-2"
    assert "headrace serve" in str(caught.value.hint)
    assert caught.value.retryable
    assert len(list((tmp_path / FOLDER).iterdir())) == 1


@pytest.mark.parametrize("seconds", [-20, 20])
def test_another_machine_that_is_gone_is_taken_over(tmp_path: Path, seconds: int) -> None:
    other = note(tmp_path, ELSEWHERE, age=STALE_SECONDS + seconds)
    holding = Holding(tmp_path)
    if seconds < 0:
        with pytest.raises(LakeHeldError):
            holding.take()
    else:
        holding.take()
    assert other.exists() == (seconds < 0)


def test_the_dead_of_this_machine_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_system", lambda: ("here", "m1", "b1"))
    me = holders.this_process()
    before = note(tmp_path, replace(me, boot="an earlier start", pid=5))
    gone = note(tmp_path, replace(me, pid=_free_pid()))
    Holding(tmp_path).take()
    assert not before.exists()
    assert not gone.exists()


def test_of_two_containers_called_the_same_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They tell no id of their machine, and run on two of them."""
    monkeypatch.setattr(holders, "_system", lambda: ("app", "", "b1"))
    note(tmp_path, replace(holders.this_process(), boot="b2"))
    with pytest.raises(LakeHeldError, match="app has the lake"):
        Holding(tmp_path).take()


def test_without_an_id_of_the_start_names_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "_system", lambda: ("here", "", ""))
    Holding(tmp_path).take()
    Holding(tmp_path).take()
    assert len(holders_of(tmp_path)) == 2


def test_a_container_of_this_machine_is_no_other_machine(tmp_path: Path) -> None:
    """Its processes cannot be seen from here, so its file stays until it is old."""
    me = holders.this_process()
    inside = replace(me, host="3f2a9c", machine="", namespace="pid:[2]", pid=_free_pid())
    if not me.boot:
        pytest.skip("this system does not tell when it was started")
    path = note(tmp_path, inside)
    Holding(tmp_path).take()
    assert path.exists()
    note(tmp_path, inside, age=STALE_SECONDS + 1)
    Holding(tmp_path).take()
    assert not path.exists()


def test_a_hold_is_renewed_and_noticed_as_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(holders, "_now", lambda: now)
    holding = Holding(tmp_path)
    holding.take()
    (path,) = (tmp_path / FOLDER).iterdir()
    os.utime(path, (0, 0))
    assert not holding.is_late
    now += STALE_SECONDS
    assert holding.is_late
    holding.renew()
    assert path.stat().st_mtime > 0
    assert not holding.is_late


def test_a_process_that_slept_finds_that_another_machine_has_it_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(holders, "_now", lambda: now)
    holding = Holding(tmp_path)
    holding.take()
    now += STALE_SECONDS
    (path,) = (tmp_path / FOLDER).iterdir()
    path.unlink()
    other = note(tmp_path, ELSEWHERE)
    for _ in range(2):
        with pytest.raises(LakeHeldError, match="storage-2"):
            holding.renew()
        assert holding.is_late
    other.unlink()
    holding.renew()
    assert not holding.is_late
    assert len(holders_of(tmp_path)) == 1


def test_a_torn_note_counts_as_an_unknown_machine_until_it_is_old(tmp_path: Path) -> None:
    path = note(tmp_path, ELSEWHERE)
    path.write_bytes(b"{")
    with pytest.raises(LakeHeldError, match="an unknown machine"):
        Holding(tmp_path).take()
    os.utime(path, (0, 0))
    Holding(tmp_path).take()


def _free_pid() -> int:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    return process.pid


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / {here}/a\\040disk rw - nfs4 server:/x rw,vers=4.2
31 22 0:41 / {here}/ssh rw shared:5 - fuse.sshfs me@host: rw
32 22 0:42 / {here}/ntfs rw - fuseblk /dev/sdb1 rw
33 31 8:2 / {here}/ssh/local rw - xfs /dev/sdc1 rw
"""


@pytest.mark.parametrize(
    ("folder", "kind", "remote"),
    [
        ("elsewhere", "ext4", False),
        ("a disk/lake", "nfs4", True),
        ("ssh/lake", "fuse.sshfs", True),
        ("ssh/local/lake", "xfs", False),
        ("ntfs", "fuseblk", False),
        ("sshx", "ext4", False),
    ],
)
def test_file_systems_of_the_network_are_known(
    tmp_path: Path, folder: str, kind: str, remote: bool
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(MOUNTS.format(here=os.path.realpath(tmp_path)))
    mount = mount_of(tmp_path / folder, table)
    assert mount is not None
    assert (mount.kind, mount.is_remote) == (kind, remote)
    assert mount_of(tmp_path, tmp_path / "missing") is None
