"""What is made once: complete, under its own name, by one of those who need it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.once import once


def test_what_is_missing_is_made_and_what_exists_is_kept(tmp_path) -> None:
    made: list[Path] = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("whole")

    target = tmp_path / "folder" / "thing"
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: once(target, make), range(8)))
    assert set(found) == {target}
    assert target.read_text() == "whole"
    assert len(made) == 1
    assert not made[0].exists()


def test_what_fails_leaves_nothing_under_the_name(tmp_path) -> None:
    def fail(path: Path) -> None:
        path.mkdir()
        raise ValueError("no")

    target = tmp_path / "thing"
    with pytest.raises(ValueError, match="no"):
        once(target, fail)
    assert not target.exists()
    assert once(target, Path.mkdir) == target
