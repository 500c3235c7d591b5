"""``headrace processing`` and ``headrace job``, on a lake's folder and on a server."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.data.images import draw_images
from tests.support.processes.cli import (
    Outcome,
    Place,
    administered,
    headrace,
    new_lake,
    running,
    served,
)
from tests.support.processes.programs import STAYS
from tests.support.tiers import slow


@pytest.fixture(params=["lake", slow("http")])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    draw_images(tmp_path / "images", 3)
    if request.param == "lake":
        yield new_lake(tmp_path / "lake")
    else:
        with served(tmp_path / "lake") as place:
            yield place


def add(place: Place, name: str, code: str, *more: str) -> None:
    program = f"{sys.executable} -c {code!r}"
    added = administered(place.lake).done("processing add", name, "--command", program, *more)
    assert added["name"] == name


def run(place: Place, *arguments: str) -> Outcome:
    return headrace("processing", "run", place.target, "d/v", *arguments, **place.variables)


def test_the_registry(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake")
    options = ["--parameter", "count=3", "--parameter", "name=x=y", "--parameter", "must"]
    options += ["--for-type", "segmentation", "--type", "auto_tagging", "--cpu", "1"]
    add(lake, "mine", "print(1)", *options)
    (shipped, mine) = headrace("processing", "list", lake.lake, "--json").json()["processings"]
    assert shipped["name"] == "find-duplicates"
    assert mine["default_parameters"] == {"count": 3, "name": "x=y"}
    assert [each["name"] for each in mine["parameters"]] == ["count", "name", "must"]
    assert (mine["type"], mine["version_types"]) == ("AUTO_TAGGING", ["SEGMENTATION"])
    assert mine["folder"] == os.getcwd()
    plain = headrace("processing", "list", lake.lake).out
    assert "-c 'print(1)' count=3 name=\"x=y\" must" in plain
    assert headrace("processing", "remove", lake.lake, "mine").status == 0
    again = headrace("processing", "remove", lake.lake, "mine")
    assert (again.status, again.err[:35]) == (1, "error: there is no processing 'mine'"[:35])
    shipped_one = headrace("processing", "remove", lake.lake, "find-duplicates")
    assert "comes with headrace" in shipped_one.err


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "Give either --command or --callable"),
        (["--command", "x", "--callable", "a:b"], 2, "Give either --command or --callable"),
        (["--command", "'"], 2, "--command"),
        (["--command", "no-such-program-anywhere"], 1, "Give its path"),
        (["--callable", "no function"], 1, "write module:function"),
        (["--callable", "a:b", "--parameter", "a b=1"], 1, "letters, digits"),
        (["--callable", "a:b", "--parameter", "a=1", "--parameter", "a=2"], 1, "twice"),
        (["--callable", "a:b", "--cpu", "0"], 1, "at least --cpu 1"),
        (["--callable", "a:b", "--folder", "/none"], 1, "there is no folder"),
    ],
)
def test_what_cannot_be_registered(
    tmp_path: Path, arguments: list[str], status: int, words: str
) -> None:
    lake = new_lake(tmp_path / "lake")
    refused = headrace("processing", "add", lake.lake, "x", *arguments)
    assert refused.status == status
    assert words.lower() in refused.err.lower()


def test_running_one(place: Place, tmp_path: Path) -> None:
    assert place.run("push", "d/v", tmp_path / "images").status == 0
    add(place, "says", 'import os; print(os.environ["HEADRACE_PARAMETERS"])', "--parameter", "n=1")
    done = run(place, "says", "--parameter", "n=2")
    assert (done.status, done.out, done.err) == (0, '{"n":2}\n', "")
    answer = run(place, "says", "--json")
    assert (answer.status, answer.err) == (0, '{"n":1}\n')
    assert '"status":"SUCCEEDED"' in answer.out
    wrong = run(place, "says", "--parameter", "m=2")
    assert (wrong.status, wrong.out) == (1, "")
    assert "says takes no parameter 'm'" in wrong.err
    add(place, "fails", 'print("why"); raise SystemExit(3)')
    failed = run(place, "fails")
    assert (failed.status, failed.out) == (1, "why\n")
    assert "exit status 3: why" in failed.err


def test_logs_and_cancellation(place: Place, tmp_path: Path) -> None:
    assert place.run("push", "d/v", tmp_path / "images").status == 0
    program = tmp_path / "stays.py"
    program.write_text(STAYS)
    command = f"env PIDS={tmp_path / 'pids'} {sys.executable} {program}"
    administered(place.lake).done("processing add", "s", "--command", command)
    with running("processing", "run", place.target, "d/v", "s", **place.variables) as command:
        assert command.first_line() == "begun\n"
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 130
    if place.variables:
        detached = run(place, "s", "--detach", "--json")
        assert detached.status == 0, detached.err
        job = detached.out.partition('"job":"')[2].partition('"')[0]
        assert headrace("job", "cancel", place.target, job, **place.variables).status == 0
        log = headrace("job", "log", place.target, job, "--follow", "--json", **place.variables)
        assert log.json()["status"] == "KILLED"
        assert log.json()["log"] in ("", "begun\n")
    else:
        assert run(place, "s", "--detach").status == 2
    for pid in map(int, (tmp_path / "pids").read_text().split()):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_unknown_processing_gets_the_nearest_name(place: Place) -> None:
    place.done("push", "d/v", place.lake.parent / "images")
    unknown = run(place, "find-dupliactes")
    assert unknown.status == 1
    assert "Did you mean 'find-duplicates'?" in unknown.err
