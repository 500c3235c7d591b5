"""The journal: what it says is so, and a damaged one says less, never more (F05)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.transfer.state import journal as journal_module
from headrace.transfer.state.journal import HEADER, MARK, CompletedFile, Journal, MarkSet, mark_of


def entered(folder: Path, count: int) -> list[CompletedFile]:
    done = []
    for number in range(count):
        path = folder / f"{number}.bin"
        path.write_bytes(bytes(number))
        done.append(CompletedFile(str(path), mark_of(path.name, "", path.stat())))
    return done


def loaded(path: Path) -> Journal:
    journal = Journal(path)
    journal.load()
    return journal


def test_what_was_committed_is_known_to_the_next(tmp_path: Path) -> None:
    done = entered(tmp_path, 50)
    for part in (done[:20], done[20:]):
        journal = loaded(tmp_path / "j")
        journal.commit(part)
        journal.close()
    again = loaded(tmp_path / "j")
    assert len(again) == 50
    assert all(each.mark in again for each in done)


@pytest.mark.parametrize("cut", [0, 5, len(HEADER), len(HEADER) + 3, len(HEADER) + 5 * MARK + 7])
def test_f05_a_torn_journal_is_gone_on_with(tmp_path: Path, cut: int) -> None:
    done = entered(tmp_path, 12)
    path = tmp_path / "j"
    journal = loaded(path)
    journal.commit(done[:10])
    journal.close()
    path.write_bytes(path.read_bytes()[:cut])
    journal = loaded(path)
    assert len(journal) == max(0, cut - len(HEADER)) // MARK
    journal.commit(done[10:])
    journal.close()
    again = loaded(path)
    assert all(each.mark in again for each in done[10:])
    # The torn mark is filled up with zeros: it fits no file.
    whole, torn = divmod(max(0, cut - len(HEADER)), MARK)
    assert len(again) == whole + bool(torn) + 2


def test_f05_zeros_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(HEADER + bytes(MARK * 100))
    journal = loaded(tmp_path / "j")
    assert len(journal) == 0
    assert 0 not in journal


def test_f05_files_are_synced_before_the_journal_says_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal does not grow before the last file, and its folder, was synced."""
    path = tmp_path / "j"
    synced: list[tuple[int, int]] = []
    real = os.fsync

    def fsync(file: int) -> None:
        size = path.stat().st_size if path.exists() else 0
        synced.append((os.fstat(file).st_ino, size))
        real(file)

    monkeypatch.setattr(journal_module.os, "fsync", fsync)
    done = entered(tmp_path, 5)
    journal = loaded(path)
    journal.commit(done)
    journal.close()
    files = [os.stat(each.path).st_ino for each in done]
    assert [inode for inode, _ in synced] == [*files, tmp_path.stat().st_ino, path.stat().st_ino]
    assert {size for _, size in synced[:-1]} == {0}


def test_a_touched_file_or_another_wish_has_another_mark(tmp_path: Path) -> None:
    (done,) = entered(tmp_path, 1)
    path = Path(done.path)
    assert mark_of("0.bin", "other", path.stat()) != done.mark
    os.utime(path, ns=(1, 1))
    assert mark_of("0.bin", "", path.stat()) != done.mark


def test_a_file_that_went_away_is_not_called_done(tmp_path: Path) -> None:
    done = entered(tmp_path, 2)
    Path(done[0].path).unlink()
    journal = loaded(tmp_path / "j")
    journal.commit(done)
    journal.close()
    assert len(loaded(tmp_path / "j")) == 1


@given(numbers=st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3000), max_size=4000))
def test_a_mark_set_is_a_set(numbers: list[int]) -> None:
    marks = MarkSet()
    expected: set[int] = set()
    for number in numbers:
        assert marks.add(number) == (number != 0 and number not in expected)
        expected |= {number} - {0}
    assert len(marks) == len(expected)
    assert all((number in marks) == (number in expected) for number in [*numbers, 7, 2**63])
