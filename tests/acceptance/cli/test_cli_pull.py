"""``headrace pull`` as a real process, on a lake's folder and on a server: what is a person's stays."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from headrace.model.names import STATE_FOLDER
from headrace.transfer.state.folder_lock import FileLock
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, running


@pytest.fixture
def names(place: Place, drawn: Drawn) -> list[str]:
    """The names of the images of ``demo/v1``."""
    place.done("push", "demo/v1", drawn.images)
    return sorted(path.name for path in drawn.images.iterdir())


def test_files_of_the_same_name_are_kept_until_forced(
    place: Place, drawn: Drawn, names: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / names[0]).write_bytes(b"mine")
    shutil.copy(drawn.images / names[1], out)  # equal, so it is no other file
    planned = place.done("pull", "demo/v1", out, "--dry-run")
    assert (planned["dry_run"], planned["moved"], planned["skipped"]) == (True, 10, 1)
    assert (planned["kept"], planned["kept_files"]) == (1, [names[0]])
    assert sorted(os.listdir(out)) == names[:2]

    pulled = place.run("pull", "demo/v1", out)
    assert pulled.status == 1
    assert f"  {names[0]}" in pulled.out.splitlines()
    assert "kept 1 other file of the same name" in pulled.out
    assert "--force" in pulled.out
    assert (out / names[0]).read_bytes() == b"mine"
    assert sorted(os.listdir(out)) == names

    (out / names[2]).write_bytes(b"changed")
    again = place.run("pull", "demo/v1", out, "--json")
    assert (again.status, sorted(again.json()["kept_files"])) == (1, [names[0], names[2]])

    place.done("pull", "demo/v1", out, "--force")
    assert sorted(os.listdir(out)) == names
    for name in names:
        assert (out / name).read_bytes() == (drawn.images / name).read_bytes()


def test_a_dry_run_writes_nothing(place: Place, names: list[str], tmp_path: Path) -> None:
    said = place.run("pull", "demo/v1", tmp_path / "new", "--dry-run")
    assert said.status == 0
    assert "would fetch 12 files" in said.out
    assert not (tmp_path / "new").exists()
    state = tmp_path / "state"
    here = Place(place.target, place.lake, place.variables | {"XDG_STATE_HOME": str(state)})
    here.done("pull", "demo/v1", tmp_path / "new", "--dry-run")
    assert not state.exists()


@pytest.mark.sqlite_only("pulls into the folder of a lake")
def test_a_lake_is_refused(place: Place, names: list[str]) -> None:
    for folder in (place.lake, place.lake / "objects", place.lake.parent):
        before = sorted(os.listdir(folder))
        for command in ("pull", "sync"):
            refused = place.run(command, "demo/v1", folder)
            assert (refused.status, "lake" in refused.err) == (1, True)
        assert sorted(os.listdir(folder)) == before


def test_four_at_once(place: Place, names: list[str], tmp_path: Path) -> None:
    """One fetches the files, the others wait and find them complete."""
    command = ("pull", place.target, "demo/v1", tmp_path / "out", "--json")
    with ExitStack() as stack:
        started = [stack.enter_context(running(*command, **place.variables)) for _ in range(4)]
        outcomes = [one.outcome() for one in started]
    assert [outcome.status for outcome in outcomes] == [0] * 4
    assert sorted(outcome.json()["moved"] for outcome in outcomes) == [0, 0, 0, 12]
    assert sorted(os.listdir(tmp_path / "out")) == names


def test_files_named_by_their_objects_are_not_called_unsafe(
    place: Place, names: list[str], tmp_path: Path
) -> None:
    pulled = place.run("pull", "demo/v1", tmp_path / "out", "--tree")
    assert pulled.status == 0
    assert f"{len(names)} files renamed: by the object name" in pulled.out


def test_a_pull_that_waits_for_another_one_says_so(
    place: Place, names: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    other = FileLock(out / STATE_FOLDER / "lock")
    assert other.acquire()
    with running("pull", place.target, "demo/v1", out, **place.variables) as waiting:
        line = waiting.first_line(errors=True)
        assert line.startswith("warning: another download of ")
        assert line.endswith("is running: waiting for its end\n")
        other.release()
        assert waiting.outcome().status == 0
    assert sorted(os.listdir(out)) == names


def test_an_exit_code_tells_whether_something_was_fetched(
    place: Place, names: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert place.run("pull", "demo/v1", out, "--exit-code", "--dry-run").status == 1
    assert place.run("pull", "demo/v1", out, "--exit-code").status == 1
    assert {*names} <= {*os.listdir(out)}
    assert place.run("pull", "demo/v1", out, "--exit-code").status == 0
