"""Progress of commands: plain lines, events as JSON, a file of events, and nothing where nothing is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.cli.console.errors import Failure
from headrace.cli.console.progress import MODES, Reporter, with_mode
from headrace.cli.console.result import Result
from headrace.transfer.progress_event import ProgressEvent
from tests.support.data.images import draw_images
from tests.support.processes.cli import headrace, new_lake, on_terminal


def event(done: int, seconds: float, **more: Any) -> ProgressEvent:
    return ProgressEvent(job="push", unit="files", done=done, total=1000, seconds=seconds, **more)


def run_job(reporter: Reporter, *, scale: float = 100) -> None:
    """A job of a thousand files that takes ``1000 / scale`` seconds."""
    for done in range(1001):
        reporter(event(done, done / scale))
    reporter(event(1000, 1000 / scale, finished=True))


def test_plain_lines_come_every_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    run_job(Reporter("plain"))
    lines = capsys.readouterr().err.splitlines()
    assert 10 <= len(lines) <= 13
    assert lines[0] == "▸ push  0/1,000 files"
    assert lines[-1] == "▸ push  1,000/1,000 files  done in 10 s"


def test_plain_lines_come_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter("plain")
    for second in range(91):
        reporter(event(1, second))
    assert len(capsys.readouterr().err.splitlines()) == 4


def test_without_a_terminal_a_short_job_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    run_job(Reporter("auto"), scale=1000)
    assert capsys.readouterr().err == ""
    run_job(Reporter("auto"), scale=10)
    assert 10 <= len(capsys.readouterr().err.splitlines()) <= 13


def test_a_silent_phase_shows_that_time_passes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 1000.0
    monkeypatch.setattr("headrace.cli.console.progress.time.monotonic", lambda: now)
    bar, plain, silent = Reporter("bar"), Reporter("plain"), Reporter("none")
    for reporter in (bar, plain, silent):
        reporter.start("import")
    now += 2
    bar.tick()
    assert "▸ import  starting  2.0 s" in capsys.readouterr().err
    reading = ProgressEvent(job="import", unit="images", done=0, phase="read")
    for reporter in (bar, silent):
        reporter(reading)
    bar.tick()
    assert capsys.readouterr().err.count("import read") == 1
    now += 40
    for reporter in (bar, plain, silent):
        reporter.tick()
    shown = capsys.readouterr().err
    assert "▸ import read  42 s" in shown
    assert "▸ import  starting  42 s\n" in shown
    assert shown.count("42 s") == 2


@pytest.mark.parametrize("word", ["0", "false", "none"])
def test_the_variable_silences_and_an_option_overrules_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    monkeypatch.setenv("HEADRACE_PROGRESS", word)
    run_job(Reporter("auto"), scale=1)
    assert capsys.readouterr().err == ""
    run_job(Reporter("plain"), scale=1)
    assert capsys.readouterr().err != ""


def test_a_failed_or_empty_end_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    reporter = Reporter("plain")
    reporter(ProgressEvent(job="push", unit="files", done=0, finished=True))
    assert capsys.readouterr().err == ""
    reporter(event(3, 1.0, finished=True, failed=2, retries=5))
    shown = capsys.readouterr().err
    assert shown == "▸ push  3/1,000 files  ended after 1.0 s  5 retried  2 failed\n"


def test_events_are_lines_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"mine": true}\n')
    reporter = Reporter("none", path)
    reporter.start("push")
    run_job(reporter, scale=1000)
    reporter.warn("one file is empty")
    reporter.finish(Result(command="push", data={"files": 3}, lines=["3 files"]))
    reporter.fail(Failure(code="os", message="no space left"))
    assert capsys.readouterr().err == ""
    mine, *events = [json.loads(line) for line in path.read_text().splitlines()]
    assert mine == {"mine": True}
    kinds = list(dict.fromkeys(each["event"] for each in events))
    assert kinds == ["start", "progress", "warning", "result", "error"]
    assert all(each["v"] == 1 and each["message"] for each in events)
    times = [each["at"] for each in events]
    assert times == sorted(times)
    done = [each["done"] for each in events if each["event"] == "progress"]
    assert done == sorted(done)
    assert events[-2]["result"] == {"files": 3}
    assert events[-1]["error"]["code"] == "os"


def test_old_words_of_the_option_are_understood() -> None:
    assert with_mode(["push", "--no-progress"]) == ["push", "--progress=none"]
    assert with_mode(["push", "--progress"]) == ["push", "--progress=plain"]
    assert with_mode(["push", "--progress", "--json"]) == ["push", "--progress=plain", "--json"]
    assert with_mode(["push", "--", "--progress"]) == ["push", "--", "--progress"]
    for mode in MODES:
        assert with_mode(["push", "--progress", mode]) == ["push", "--progress", mode]


def test_stdout_is_data_and_stderr_is_events(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    draw_images(tmp_path / "images", 1)
    outcome = lake.run("push", "a/b", tmp_path / "images", "--progress", "json", "--json")
    assert outcome.json()["assets"] == 1
    events = [json.loads(line) for line in outcome.err.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["start", "result"]
    phases = list(dict.fromkeys(each["phase"] for each in events if each["event"] == "progress"))
    assert phases == ["list", "move", "register"]
    failed = lake.run("stats", "a/c", "--progress", "json")
    assert (failed.status, failed.out) == (1, "")
    assert [json.loads(line)["event"] for line in failed.err.splitlines()] == ["start", "error"]


def test_a_second_pull_says_why_it_is_done(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    draw_images(tmp_path / "images", 1)
    lake.done("push", "a/b", tmp_path / "images")
    first = lake.run("pull", "a/b", tmp_path / "out", "--progress", "plain")
    assert "▸ pull list" in first.err.splitlines()[0]
    again = lake.run("pull", "a/b", tmp_path / "out")
    assert "1 of 1 file already complete, nothing to do" in again.out
    assert again.err == ""


def test_the_next_step_is_for_people_only(tmp_path: Path) -> None:
    assert "Next: " not in headrace("init", tmp_path / "a").out
    assert "Next: headrace push" in on_terminal("init", tmp_path / "b", columns=200)


@pytest.mark.parametrize("format", ["text", "json"])
def test_the_log_goes_where_it_is_asked_for(tmp_path: Path, format: str) -> None:
    lake = new_lake(tmp_path / "lake")
    draw_images(tmp_path / "images", 1)
    path = tmp_path / "log"
    options = ("--log-file", path, "--log-format", format, "-vv")
    outcome = lake.run("push", "a/b", tmp_path / "images", *options)
    assert (outcome.status, outcome.err) == (0, "")
    lines = path.read_text().splitlines()
    assert lines
    if format == "json":
        first = json.loads(lines[0])
        assert first["logger"].startswith("headrace.")
        assert set(first) == {"time", "level", "logger", "message"}
    silent = lake.run("push", "a/b", tmp_path / "images")
    assert silent.err == ""
    loud = headrace("ls", lake.target, HEADRACE_LOG="debug")
    assert (loud.status, "headrace." in loud.err) == (0, True)
    wrong = headrace("ls", lake.target, HEADRACE_LOG="loud")
    assert (wrong.status, "HEADRACE_LOG cannot be 'loud'" in wrong.err) == (2, True)
