"""The file in the folder of a lake that has moved."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from headrace.errors import LakeError
from headrace.folders.moved import NAME, MovedLake, forget_moved, is_moved, moved_to, write_moved

GONE = MovedLake(id="1", target="postgresql://db.example/lake", objects="s3://vision/lake", since=5)


def test_it_is_written_read_and_removed(tmp_path: Path) -> None:
    assert moved_to(tmp_path) is None
    assert not is_moved(tmp_path)
    write_moved(tmp_path, GONE)
    assert moved_to(tmp_path) == GONE
    assert "is being moved to postgresql://db.example/lake" in GONE.sentence(tmp_path)
    assert "--objects s3://vision/lake" in GONE.cure(tmp_path)
    complete = replace(GONE, complete=True)
    write_moved(tmp_path, complete)
    assert moved_to(tmp_path) == complete
    assert "has moved to postgresql://db.example/lake" in complete.sentence(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    assert is_moved(tmp_path)
    assert forget_moved(tmp_path)
    assert not forget_moved(tmp_path)
    assert moved_to(tmp_path) is None


def test_a_damaged_file_keeps_the_lake_from_being_written(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("{")
    assert is_moved(tmp_path)
    with pytest.raises(LakeError, match="cannot be read") as refused:
        moved_to(tmp_path)
    assert "--reopen" in str(refused.value.hint)
