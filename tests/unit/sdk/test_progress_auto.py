"""``progress="auto"``: a line on a terminal after a second, and nothing elsewhere."""

from __future__ import annotations

import io
import sys

import pytest

from headrace.errors import UnavailableError
from headrace.net.retry import RetryBudget
from headrace.transfer.progress import Progress
from headrace.transfer.progress_event import ProgressEvent


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
