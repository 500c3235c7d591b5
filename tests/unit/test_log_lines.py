"""Lines of logs: what stands in them, what is escaped, what happens to their file."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path

import pytest

from headrace.log_lines import LONGEST, Fields, JsonLines, LineHandler, TextLines

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def record(
    message: object, *values: object, error: BaseException | None = None
) -> logging.LogRecord:
    info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("headrace.x", logging.WARNING, "f", 1, message, values, info)


def raised(text: str) -> ValueError:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


def test_a_line_of_text() -> None:
    line = TextLines().format(record("%d files", 3))
    assert re.fullmatch(TIME + r" WARNING headrace\.x: 3 files", line)
    assert re.fullmatch(
        TIME + r" WARNING \[2\] headrace\.x: 3 files", TextLines(2).format(record("3 files"))
    )


def test_times_are_in_utc() -> None:
    one = record("x")
    one.created = 1_700_000_000.0429
    assert TextLines().format(one).startswith("2023-11-14T22:13:20.042Z ")
    assert json.loads(JsonLines().format(one))["time"] == "2023-11-14T22:13:20.042Z"


def test_a_line_of_json() -> None:
    shown = json.loads(JsonLines(2).format(record("%s", "é\n\ud800")))
    assert re.fullmatch(TIME, shown.pop("time"))
    assert shown == {
        "level": "warning",
        "logger": "headrace.x",
        "process": 2,
        "message": "é\n\ud800",
    }


FORGED = "x\n2026-01-01T00:00:00.000Z INFO headrace.x: forged\r\x1b[2J\u202e\u2028\x85"


@pytest.mark.parametrize("formatter", [TextLines(), TextLines(3)])
@pytest.mark.parametrize("message", [FORGED, Fields(user=FORGED)])
def test_a_name_cannot_forge_a_line_or_move_a_cursor(
    formatter: logging.Formatter, message: object
) -> None:
    line = formatter.format(record(message))
    assert line.isprintable()
    assert line.count("forged") == 1


def test_a_traceback_is_indented_in_text_and_a_string_in_json() -> None:
    error = raised(FORGED)
    first, *rest = TextLines(3).format(record("failed", error=error)).split("\n")
    assert first.endswith(": failed")
    assert rest[0] == "  [3] Traceback (most recent call last):"
    assert all(line.startswith("  [3] ") and line.isprintable() for line in rest)
    # The line that the text of the error wanted to be is one that begins with spaces.
    assert any(line.startswith("  [3] 2026-01-01") for line in rest)
    shown = json.loads(JsonLines().format(record("failed", error=error)))
    assert shown["traceback"].startswith("Traceback (most recent call last):")
    assert "forged" in shown["traceback"]


def test_fields_can_be_read_back() -> None:
    fields = Fields(id="a.b:c-1", user='a "b"=c\\', operation="list_assets", seconds=0.0123, sent=5)
    text = str(fields)
    assert text == r'id=a.b:c-1 user="a \"b\"=c\\" operation=list_assets seconds=0.0123 sent=5'
    shown = json.loads(JsonLines().format(record(fields)))
    assert shown["seconds"] == 0.0123
    assert shown["user"] == 'a "b"=c\\'
    assert "message" not in shown


@pytest.mark.parametrize("text", ["x" * 10_000, "é" * 10_000, "\x00" * 10_000])
def test_no_line_is_longer_than_a_pipe_takes_at_once(text: str) -> None:
    error = raised(text)
    for line in TextLines().format(record(text, error=error)).split("\n"):
        assert len(line.encode()) < LONGEST
    line = JsonLines().format(record(text, error=error))
    assert len(line) < LONGEST
    # The end of a traceback says what happened.
    shown = json.loads(line)
    assert shown["message"].startswith(text[:100])
    assert shown["traceback"].endswith(text[-100:])


@pytest.fixture
def handler(tmp_path: Path) -> LineHandler:
    handler = LineHandler(tmp_path / "log")
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler


def test_a_renamed_or_removed_file_is_opened_again(handler: LineHandler, tmp_path: Path) -> None:
    log, old = tmp_path / "log", tmp_path / "log.1"
    handler.handle(record("one"))
    log.rename(old)
    handler.handle(record("two"))
    log.unlink()
    handler.handle(record("three"))
    assert old.read_text() == "one\n"
    assert log.read_text() == "three\n"
    assert handler.lost == 0
    handler.close()


def test_a_file_that_cannot_be_opened_again_takes_lines_under_its_new_name(
    handler: LineHandler, tmp_path: Path
) -> None:
    handler.handle(record("one"))
    (tmp_path / "log").rename(tmp_path / "log.1")
    (tmp_path / "log").mkdir()
    handler.handle(record("two"))
    assert (tmp_path / "log.1").read_text() == "one\ntwo\n"
    handler.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_costs_lines_and_nothing_else(capfd: pytest.CaptureFixture[str]) -> None:
    handler = LineHandler(Path("/dev/full"))
    handler.setFormatter(JsonLines())
    for _ in range(3):
        handler.handle(record("one", error=raised("x")))
    assert handler.lost == 3
    handler.close()
    assert capfd.readouterr() == ("", "")


def test_a_file_is_not_readable_by_all(handler: LineHandler, tmp_path: Path) -> None:
    assert (tmp_path / "log").stat().st_mode & 0o7 == 0
    handler.close()


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    """In a pipe as in a file, also lines of tracebacks that are longer than what a pipe takes at once."""
    reading, writing = os.pipe()
    children = []
    for number in range(3):
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(writing, 2)
                handler = LineHandler()
                handler.setFormatter(JsonLines(number))
                for _ in range(200):
                    handler.handle(record("x" * 5000, error=raised("y" * 5000)))
            finally:
                os._exit(0)
        children.append(pid)
    os.close(writing)
    with open(reading, encoding="utf-8") as stream:
        lines = [json.loads(line) for line in stream]
    for pid in children:
        os.waitpid(pid, 0)
    assert len(lines) == 600
    assert {line["process"] for line in lines} == {0, 1, 2}


def test_a_pipe_holds_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe"):
        LineHandler(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    handler = LineHandler(pipe)
    handler.setFormatter(JsonLines())
    for _ in range(1000):
        handler.handle(record("x" * 1000))
    assert 0 < handler.lost < 1000
    lines = os.read(reader, 1 << 20).decode().splitlines()
    assert {json.loads(line)["message"] for line in lines} == {"x" * 1000}
    handler.close()
    os.close(reader)
