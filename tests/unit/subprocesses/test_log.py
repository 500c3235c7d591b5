"""Logs: bounded, readable while they are written, positions that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.subprocesses import log
from headrace.subprocesses.log import LogWriter, delete_old_logs, read_log


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "SEGMENT", 10)


async def whole(folder: Path, limit: int = 1000) -> list[tuple[int, bytes]]:
    found, offset = [], 0
    while (piece := await read_log(folder, offset, limit)).content:
        found.append((piece.offset, piece.content))
        offset = piece.offset + len(piece.content)
    return found


async def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert await read_log(tmp_path / "none", 0, 10) == log.LogChunk(0, b"", 0)


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
async def test_what_is_written_is_read(tmp_path: Path, limit: int) -> None:
    writer = LogWriter(tmp_path / "1")
    for part in (b"abc", b"defghij", b"klmnopqrstuvwxyz", b""):
        writer.write(part)
    assert b"".join(content for _, content in await whole(tmp_path / "1", limit)) == bytes(
        range(97, 123)
    )
    writer.close()
    assert writer.tail == bytes(range(97, 123))


async def test_the_middle_of_a_long_log_is_dropped(tmp_path: Path) -> None:
    written = bytes(33 + i % 90 for i in range(127))
    writer = LogWriter(tmp_path / "1")
    for start in range(0, len(written), 7):
        writer.write(written[start : start + 7])
    writer.close()
    pieces = await whole(tmp_path / "1", 5)
    assert all(written[at : at + len(content)] == content for at, content in pieces)
    assert pieces[0][0] == 0
    assert pieces[-1][0] + len(pieces[-1][1]) == len(written)
    kept = sum(len(content) for _, content in pieces)
    assert kept == 10 + 3 * 10 - 3
    assert len(list((tmp_path / "1").iterdir())) == 1 + log.NEWEST
    # A reader in the dropped middle continues with the next segment, and its offset says so.
    assert (await read_log(tmp_path / "1", 15, 5)).offset == 100
    assert await read_log(tmp_path / "1", 999, 5) == log.LogChunk(999, b"", 127)


async def test_a_secret_is_blanked_out(tmp_path: Path) -> None:
    writer = LogWriter(tmp_path / "1", secret=b"hr_s")
    writer.write(b"t hr_s.")
    writer.close()
    assert await whole(tmp_path / "1") == [(0, b"t ***.")]
    assert writer.tail == b"t ***."


def test_a_log_that_cannot_be_written_costs_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "1").write_text("a file in the way")
    writer = LogWriter(tmp_path / "1")
    writer.write(b"words")
    assert writer.tail == b"words"


def test_old_logs_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "LOGS", 2)
    for number in (2, 10, 9):
        writer = LogWriter(tmp_path / str(number))
        writer.write(b"x")
        writer.close()
    delete_old_logs(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["10", "9"]
