"""Each exit status of the table in the help, by a command that ends with it."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from headrace.cli.app import EXIT_CODES
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, answered, running


def test_every_status_of_the_help(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    seen: dict[int, set[str]] = {}

    def ended(status: int, what: str) -> None:
        seen.setdefault(status, set()).add(what)

    ended(lake.run("push", "demo/v1", drawn.images).status, "done")
    ended(lake.run("stats", "demo/v9").status, "failed")
    ended(lake.run("pull", "demo/v1", tmp_path / "new", "--exit-code").status, "something new")
    ended(lake.run("pull", "demo/v1", tmp_path / "new", "--exit-code").status, "nothing new")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scene_000.png").write_text("mine")
    ended(lake.run("pull", "demo/v1", tmp_path / "out").status, "done in part")
    ended(lake.run("stats").status, "wrong usage")
    ended(lake.run("version delete", "demo/v1").status, "not confirmed")
    typed = answered("version", "delete", lake.target, "demo/v1", answer="no\n")
    ended(typed.status, "declined")
    assert lake.done("stats", "demo/v1")["assets"] == 12
    lake.done("processing add", "sleepy", "--command", "sleep 60")
    with running("processing", "run", lake.target, "demo/v1", "sleepy") as command:
        while not any(job["kind"] == "processing" for job in lake.done("job list")["jobs"]):
            time.sleep(0.05)
        command.process.send_signal(signal.SIGINT)
        ended(command.outcome().status, "interrupted")
    assert seen == {
        0: {"done", "nothing new"},
        1: {"failed", "done in part", "declined", "something new"},
        2: {"wrong usage", "not confirmed"},
        130: {"interrupted"},
    }
    assert {int(code) for code in re.findall(r"^ +(\d+) ", EXIT_CODES, re.MULTILINE)} == {*seen}


ENDED = """
import os, signal, sys
from headrace.cli import main
sys.argv = ["headrace", "ls", sys.argv[1]]
status = main({arguments})
os.kill(os.getpid(), signal.SIGINT)
sys.exit(status)
"""


@pytest.mark.parametrize(("arguments", "status"), [("", 0), ("sys.argv[1:]", -signal.SIGINT)])
def test_ctrl_c_after_the_end_changes_nothing(lake: Place, arguments: str, status: int) -> None:
    """A command that has ended exits with its status; a program that calls ``main`` keeps its own way."""
    program = [sys.executable, "-c", ENDED.format(arguments=arguments), lake.target]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout
    assert ("KeyboardInterrupt" in done.stderr) == bool(status)
