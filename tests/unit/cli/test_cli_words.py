"""How numbers, errors and progress are worded."""

from __future__ import annotations

import errno
import os
import pty
import subprocess
from pathlib import Path

import pytest

from examples.make_sample import draw_dataset
from headrace.cli.console.errors import UsageError, explain
from headrace.cli.console.wording import duration, label_lines, plural, size
from headrace.errors import ConnectError, NotALakeError, ParseError
from headrace.transfer.progress_event import ProgressEvent, line_of
from tests.support.processes.cli import COMMAND, environment, new_lake


def test_numbers() -> None:
    assert [plural(0, "asset"), plural(1, "asset"), plural(4888, "shape")] == [
        "0 assets",
        "1 asset",
        "4,888 shapes",
    ]
    assert [size(n) for n in (0, 999, 1000, 7_575_393, 99_600_000, 19_300_000_000, 2e15)] == [
        "0 B", "999 B", "1.0 kB", "7.6 MB", "100 MB", "19.3 GB", "2000.0 TB",
    ]  # fmt: skip
    assert [duration(s) for s in (0.04, 9.94, 9.96, 59, 61, 3599.6, 7500)] == [
        "0.0 s", "9.9 s", "10 s", "59 s", "1 min 1 s", "1 h 0 min", "2 h 5 min",
    ]  # fmt: skip


def test_bars_are_in_proportion() -> None:
    lines = label_lines({"car": 200, "bus": 100, "tram": 0})
    assert [line.split()[:2] for line in lines] == [["car", "200"], ["bus", "100"], ["tram", "0"]]
    assert lines[0].count("█") == 2 * lines[1].count("█")
    assert "█" not in lines[2]
    assert label_lines({}) == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotALakeError("x is no lake", hint="make one: headrace init x"), "x is no lake. Make one: headrace init x"),
        (ConnectError("cannot reach h.", hint="headrace serve it"), "cannot reach h. headrace serve it"),
        (ParseError("bad row", path="a.txt", line=3, hint="fix it"), "a.txt:3: bad row. Fix it"),
        (ParseError("bad row", path="a.json", offset=7), "a.json at byte 7: bad row"),
        (OSError(errno.ENOSPC, "No space left on device", "/d/x"), "/d/x: no space left on device. Free some space and run the same command to continue"),
        (ExceptionGroup("many", [ExceptionGroup("deep", [ConnectError("no host")])]), "no host"),
        (UsageError("no format 'coko'", hint="did you mean 'coco'?"), "no format 'coko'. Did you mean 'coco'?"),
    ],
)  # fmt: skip
def test_errors_in_one_line(error: Exception, line: str) -> None:
    assert explain(error).line() == line


def test_what_programs_are_told() -> None:
    answer = explain(ParseError("bad row", path="a.txt", line=3, hint="fix it")).json()
    assert answer == {
        "code": "parse", "message": "bad row", "hint": "fix it", "retryable": False,
        "path": "a.txt", "line": 3,
    }  # fmt: skip
    assert explain(ConnectError("no host")).json()["retryable"] is True
    assert explain(OSError(errno.ENOSPC, "full")).retryable
    fault = explain(ZeroDivisionError("oops"))
    assert (fault.code, fault.status) == ("internal", 1)


def test_lines_of_progress() -> None:
    half = ProgressEvent(
        job="pull", unit="files", done=500, total=1000, bytes=50_000_000, seconds=10.0
    )
    assert line_of(half) == "pull  500/1,000 files  50.0 MB  5.0 MB/s  0:10 left"
    whole = ProgressEvent(job="import", unit="images", done=9, seconds=0.2, finished=True)
    assert line_of(whole) == "import  9 images  done in 0.2 s"
    busy = ProgressEvent(
        job="pull", unit="files", done=1, total=9, phase="move", retries=3, failed=1
    )
    assert line_of(busy) == "pull move  1/9 files  3 retried  1 failed"
    assert line_of(ProgressEvent(job="push", unit="files", done=0, phase="list")) == "push list"
    cut = ProgressEvent(job="pull", unit="files", done=3, total=9, seconds=1.0, finished=True)
    assert line_of(cut).endswith("ended after 1.0 s")


def test_on_a_terminal_one_line_redraws_itself(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake").lake
    images, _ = draw_dataset(tmp_path / "drawn", count=60)
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "push", str(lake), "a/b", str(images), "--workers", "1"],
        env=environment(TERM="xterm"),
        stdout=subprocess.PIPE,
        stderr=slave,
    )
    os.close(slave)
    shown = b""
    while True:
        try:
            piece = os.read(master, 65_536)
        except OSError:  # the other side has gone
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert out.decode().startswith("a/b: 60 assets added")
    text = shown.decode()
    assert "\r\x1b[2K▸ push list" in text
    last = text.rstrip().splitlines()[-1]
    assert "▸ push  60/60 files" in last
    assert "done in" in last
