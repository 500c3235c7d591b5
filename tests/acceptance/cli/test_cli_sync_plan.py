"""``headrace sync --plan`` and ``--apply``: what was reviewed is done, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place


@pytest.fixture
def folder(place: Place, drawn: Drawn, tmp_path: Path) -> Path:
    """A folder that is in sync with ``demo/v1``, but for a new file and one that was deleted."""
    place.done("push", "demo/v1", drawn.images)
    made = tmp_path / "folder"
    made.mkdir()
    place.done("sync", "demo/v1", made)
    first, second, *_ = names(made)
    (made / "new.png").write_bytes((made / second).read_bytes() + b"more")
    (made / first).unlink()
    return made


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def in_version(place: Place) -> list[str]:
    files: list[str] = place.done("ls", "demo/v1", "--limit", "100")["files"]
    return sorted(files)


def test_a_plan_is_written_reviewed_and_applied(place: Place, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    before = in_version(place)
    planned = place.done("sync", "demo/v1", folder, "--delete", "--plan", plan)
    assert (planned["dry_run"], planned["upload"], planned["delete_remote"]) == (True, 1, 1)
    assert in_version(place) == before
    header, *steps = [json.loads(line) for line in plan.read_text().splitlines()]
    assert (header["schema"], header["delete"]) == ("headrace.sync-plan/1", True)
    assert {step["action"]: step["name"] for step in steps} == {
        "upload": "new.png",
        "delete-remote": before[0],
    }
    assert len(steps) == 2
    assert place.run("sync", "demo/v1", folder, "--plan", plan, "--delete").status == 0

    tried = place.done("sync", "demo/v1", folder, "--apply", plan, "--dry-run")
    assert (tried["dry_run"], tried["upload"]) == (True, 1)
    applied = place.done("sync", "demo/v1", folder, "--apply", plan)
    assert (applied["upload"], applied["delete_remote"]) == (1, 1)
    assert in_version(place) == sorted([*before[1:], "new.png"])
    again = place.run("sync", "demo/v1", folder, "--apply", plan)
    assert again.status == 1
    assert "has changed since" in again.err


def test_a_step_that_was_deleted_from_the_plan_is_not_done(
    place: Place, folder: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.jsonl"
    before = in_version(place)
    place.done("sync", "demo/v1", folder, "--delete", "--plan", plan)
    kept = [line for line in plan.read_text().splitlines() if "delete-remote" not in line]
    plan.write_text("\n".join(kept) + "\n")
    applied = place.done("sync", "demo/v1", folder, "--apply", plan)
    assert (applied["upload"], applied["delete_remote"]) == (1, 0)
    assert in_version(place) == sorted([*before, "new.png"])


def test_a_plan_is_refused_when_something_has_changed(
    place: Place, folder: Path, drawn: Drawn, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.jsonl"
    line = ["demo/v1", folder, "--apply", plan]
    place.done("sync", "demo/v1", folder, "--plan", plan)
    (folder / "other.png").write_bytes(b"other")
    refused = place.run("sync", *line)
    assert refused.status == 1
    assert "has changed since" in refused.err
    (folder / "other.png").unlink()

    place.done("push", "demo/v1", _renamed(drawn, tmp_path))
    assert place.run("sync", *line).status == 1
    assert "new.png" not in in_version(place)


def _renamed(drawn: Drawn, tmp_path: Path) -> Path:
    path = tmp_path / "pushed.png"
    shutil.copy(next(drawn.images.iterdir()), path)
    return path


def test_a_step_that_somebody_wrote_is_refused(place: Place, folder: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.jsonl"
    before = in_version(place)
    place.done("sync", "demo/v1", folder, "--plan", plan)
    with plan.open("a") as file:
        file.write(json.dumps({"name": before[3], "action": "delete-remote"}) + "\n")
    refused = place.run("sync", "demo/v1", folder, "--apply", plan)
    assert refused.status == 1
    assert "is no step" in refused.err
    assert in_version(place) == before


def test_what_is_no_plan(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    mine, plan = tmp_path / "mine", tmp_path / "plan"
    mine.write_text("mine")
    for option in ("--plan", "--apply"):
        said = lake.run("sync", "demo/v1", tmp_path / "a", option, mine)
        assert said.status == 1
        assert "no plan" in said.err
    assert mine.read_text() == "mine"
    assert lake.run("sync", "demo/v1", tmp_path / "a", "--apply", tmp_path / "gone").status == 1
    lake.done("sync", "demo/v1", tmp_path / "a", "--plan", plan)
    other = lake.run("sync", "demo/v1", tmp_path / "b", "--apply", plan)
    assert "another version or folder" in other.err
    both = lake.run("sync", "demo/v1", tmp_path / "a", "--apply", plan, "--delete")
    assert both.status == 2
    assert os.listdir(tmp_path / "a") == []


def test_a_sync_of_chosen_files_leaves_the_others_alone(place: Place, folder: Path) -> None:
    before = in_version(place)
    done = place.done("sync", "demo/v1", folder, "--delete", "--exclude", "new.png")
    assert (done["upload"], done["delete_remote"]) == (0, 1)
    assert in_version(place) == before[1:]
    assert "new.png" in names(folder)


def test_a_name_that_is_no_text_stops_no_other(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copy(next(drawn.images.iterdir()), os.fsencode(folder) + b"/caf\xe9.png")
    done = lake.run("sync", "demo/v1", folder, "--json", "--plan", tmp_path / "plan")
    assert done.status == 0
    done = lake.run("sync", "demo/v1", folder, "--json")
    assert done.status == 0
    report = done.json()
    assert (report["download"], report["keep"]) == (12, 1)
