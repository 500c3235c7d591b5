"""``progress="auto"``: a line on a terminal after a second, and nothing elsewhere."""

from __future__ import annotations

import asyncio
import io
import sys
from pathlib import Path

import pytest

import headrace
import headrace.blocking
from headrace.errors import UnavailableError
from headrace.net.retry import RetryBudget
from headrace.transfer.progress import Progress
from headrace.transfer.progress_event import ProgressEvent, line_of
from tests.support.lakes.lake import png


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make stderr a terminal. Called in the test: pytest replaces stderr between fixtures and tests."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    return shown


def job(*, seconds: float) -> None:
    with Progress("pull", "files", "auto", total=2, phase="move") as counting:
        counting._started -= seconds
        counting._next = 0.0
        counting.add(2)


def test_a_terminal_gets_a_line_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    job(seconds=0.0)
    assert shown.getvalue() == ""
    job(seconds=2.0)
    assert "▸ pull move  2/2 files" in shown.getvalue()
    assert shown.getvalue().endswith("done in 2.0 s\n")


def test_the_variable_silences_it(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = terminal(monkeypatch)
    monkeypatch.setenv("HEADRACE_PROGRESS", "0")
    job(seconds=2.0)
    assert shown.getvalue() == ""


def test_no_terminal_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    job(seconds=2.0)
    assert capsys.readouterr() == ("", "")


def test_events_name_phase_failures_and_retries() -> None:
    events: list[ProgressEvent] = []
    with Progress("pull", "files", events.append, total=3, phase="list") as counting:
        counting.enter("move")
        counting.enter("move")
        assert RetryBudget().next_wait(UnavailableError("busy")) is not None
        counting.fail()
    RetryBudget().next_wait(UnavailableError("busy"))  # no job counts it
    assert [each.phase for each in events] == ["list", "move", "move"]
    last = events[-1]
    assert (last.done, last.failed, last.retries, last.finished) == (1, 1, 1, True)


def test_a_client_shows_a_line_unless_told_not_to(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def work() -> None:
        with headrace.blocking.connect(tmp_path / "lake") as client:
            picture = tmp_path / "a.png"
            picture.write_bytes(png())
            client.push("a/v1", picture)
            client.with_options(progress="none").push("a/v2", picture)

    asyncio.run(headrace.create_lake(tmp_path / "lake"))
    monkeypatch.setattr("headrace.transfer.progress_event.QUIET_SECONDS", 0.0)
    shown = terminal(monkeypatch)
    work()
    assert "▸ push  1/1 files" in shown.getvalue()
    monkeypatch.setenv("HEADRACE_PROGRESS", "0")
    before = shown.getvalue()
    work()
    assert shown.getvalue() == before


def test_a_total_that_may_grow_is_a_lower_bound() -> None:
    events: list[ProgressEvent] = []
    with Progress("pull", "files", events.append) as counting:
        counting.expect(1000)
        counting.add(10)
        counting.enter("move")
        counting.expect(500)
        counting.listed()
        counting.enter("verify")
    assert line_of(events[1]).startswith("pull move  10/≥ 1,000 files")
    assert line_of(events[2]).startswith("pull verify  10/1,500 files")
    assert not events[-1].listing
