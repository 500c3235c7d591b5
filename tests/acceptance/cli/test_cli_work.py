"""``headrace job``, ``campaign`` and ``user``, and what is in a version, on a lake and a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place

ONE = 'data.filename endswith "_001.png"'


@pytest.fixture
def filled(place: Place, drawn: Drawn) -> Place:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return place


def test_a_campaign_from_its_beginning_to_its_end(filled: Place) -> None:
    (user,) = [row["user"] for row in filled.done("user list")["users"]]
    filled.done("campaign create", "demo/v1", "--description", "First round")
    assert filled.run("campaign sync", "demo/v1").status == 1  # it has no step yet
    for step in ("draw", "check", "third"):
        filled.done("campaign add-step", "demo/v1", step, "--type", "review")
    filled.done("campaign remove-step", "demo/v1", "third", "--to", "draw")
    told = filled.done("campaign sync", "demo/v1", "--dry-run")
    assert (told["missing"], told["assignments"]) == (12, 0)
    assert filled.done("campaign sync", "demo/v1")["assignments"] == 12
    shown = filled.done("campaign show", "demo/v1")
    assert [step["name"] for step in shown["steps"]] == ["draw", "check"]
    assert shown["progress"] == {"draw": {"to_do": 12}}

    told = filled.done("campaign assign", "demo/v1", user, "-q", ONE, "--dry-run")
    assert told["count"] == 1
    assert filled.done("campaign assign", "demo/v1", user, "-q", ONE)["count"] == 1
    mine = filled.done("campaign assignments", "demo/v1", "--user", user)
    assert [row["file"] for row in mine["assignments"]] == ["scene_001.png"]
    assert filled.done("campaign assignments", "demo/v1", "--step", "check")["count"] == 0
    filled.done("campaign submit", "demo/v1", "scene_001.png")
    moved = filled.done("campaign assignments", "demo/v1", "--step", "check")
    assert [row["file"] for row in moved["assignments"]] == ["scene_001.png"]

    filled.done("campaign edit", "demo/v1", "--auto-close")
    assert filled.run("campaign close", "demo/v1").status == 2
    filled.done("campaign close", "demo/v1", "--yes")
    assert filled.done("campaign list", "--open")["campaigns"] == []
    (closed,) = filled.done("campaign list", "--closed")["campaigns"]
    assert (closed["version"], closed["state"]) == ("demo/v1", "closed")
    assert filled.run("campaign delete", "demo/v1").status == 2
    assert filled.done("campaign delete", "demo/v1", "--yes")["assignments"] == 12
    assert "has no annotation campaign" in filled.run("campaign show", "demo/v1").err


def test_mistyped_steps_and_users(filled: Place) -> None:
    filled.done("campaign create", "demo/v1")
    filled.done("campaign add-step", "demo/v1", "draw")
    wrong = filled.run("campaign assignments", "demo/v1", "--step", "drw")
    assert "no step 'drw'. Did you mean 'draw'?" in wrong.err
    (user,) = [row["user"] for row in filled.done("user list")["users"]]
    wrong = filled.run("campaign assign", "demo/v1", user + "x")
    assert f"Did you mean '{user}'?" in wrong.err
    wrong = filled.run("campaign add-step", "demo/v1", "next", "--assign", f"{user}:much")
    assert (wrong.status, "has no weight" in wrong.err) == (2, True)


def test_jobs_are_listed_and_shown(filled: Place) -> None:
    filled.done("version fork", "demo/v1", "v2")
    jobs = filled.done("job list")["jobs"]
    (fork,) = [job for job in jobs if job["kind"] == "fork"]
    assert fork["status"] == "success"
    assert jobs == filled.done("job list", "--limit", "1000")["jobs"]
    assert len(filled.done("job list", "--limit", "1")["jobs"]) == 1
    unknown = filled.run("job log", "00000000-0000-0000-0000-000000000000").err
    assert "no job '00000000-0000-0000-0000-000000000000'. Existing: " in unknown
    assert fork["job"] in unknown
    shown = filled.done("job show", fork["job"], "--wait")
    for more in ((), ("--follow",)):
        silent = filled.run("job log", fork["job"], *more)
        assert (silent.status, silent.out) == (1, "")
        assert f"job {fork['job']} has no log: only the programs of processings" in silent.err
    assert (shown["status"], shown["done"]) == ("success", 12)
    assert filled.done("job cancel", fork["job"], "--dry-run")["status"] == "SUCCESS"


def test_users_of_a_dataset(filled: Place) -> None:
    (user,) = [row["user"] for row in filled.done("user list")["users"]]
    assert filled.done("user add", "demo", user)["users"] == [user]
    assert [row["user"] for row in filled.done("user list", "demo")["users"]] == [user]
    assert "no user 'nobody'" in filled.run("user add", "demo", "nobody").err


def test_what_is_in_a_version(filled: Place) -> None:
    filled.done("version create", "demo/part")
    assert filled.done("version add", "demo/part", "scene_000.png", "--tag", "new")["data"] == 1
    assert (
        filled.done("version add", "demo/part", "-q", 'filename endswith "_002.png"')["data"] == 1
    )
    assert filled.done("version show", "demo/part")["assets"] == 2
    told = filled.done("version merge", "demo/v1", "part", "--dry-run")
    assert (told["assets"], filled.done("version show", "demo/part")["assets"]) == (12, 2)
    filled.done("version merge", "demo/v1", "demo/part", "-q", ONE)
    assert filled.done("version show", "demo/part")["assets"] == 3
    assert filled.done("stats", "demo/part")["shapes"] > 0
    merged = filled.run("version merge", "demo/v1", "part").out
    assert merged.startswith("demo/part: 9 assets of demo/v1 copied into it, 3 were there already")
    assert filled.done("version merge", "demo/v1", "part")["added"] == 0


def test_a_version_is_split_by_tags(filled: Place) -> None:
    def tagged(name: str) -> int:
        made: int = filled.done(
            "tag add", "demo/v1", "x", "-q", f'tags.name = "{name}"', "--dry-run"
        )["count"]
        return made

    told = filled.done("version split", "demo/v1", "50/50", "--dry-run")
    assert told["parts"] == {"train": 6, "val": 6}
    filled.done("version split", "demo/v1", "50/50", "--seed", "1")
    assert (tagged("train"), tagged("val")) == (6, 6)
    filled.done("version split", "demo/v1", "50/25/25", "--seed", "2")
    assert (tagged("train"), tagged("val"), tagged("test")) == (6, 3, 3)
    told = filled.run("version split", "demo/v1", "50/50", "--dry-run").out
    assert "the tag test of an older split would be taken off 3 assets" in told
    assert tagged("test") == 3
    filled.done("tag add", "demo/v1", "Valid", "-q", 'tags.name = "val"')
    again = filled.done("version split", "demo/v1", "50/50", "--seed", "3")
    assert again["untagged"] == {"test": 3, "Valid": 3}
    assert (tagged("train"), tagged("val"), tagged("test"), tagged("Valid")) == (6, 6, 0, 0)
    filled.done("version split", "demo/v1", "50/50", "--name", "left", "--name", "right")
    assert (tagged("train"), tagged("left")) == (6, 6)
    for ratios in ("1/2/3/4", "x", "80"):
        assert filled.run("version split", "demo/v1", ratios).status == 2


def test_a_locked_version_says_how_to_unlock_it(filled: Place) -> None:
    assert filled.done("version lock", "demo/v1")["locked"] is True
    refused = filled.run("label delete", "demo/v1", "box", "--yes")
    assert refused.status == 1
    assert "locked" in refused.err
    assert filled.run("version lock", "demo/v1").out == "demo/v1 is locked already\n"
    assert filled.done("version show", "demo/v1")["locked"] is True
    assert "shapes, locked\n" in filled.run("version show", "demo/v1").out
    assert filled.done("version unlock", "demo/v1", "--dry-run")["locked"] is True
    filled.done("version unlock", "demo/v1")
    assert filled.done("version show", "demo/v1")["locked"] is False
    filled.done("label delete", "demo/v1", "box", "--yes")


def test_files_are_chosen_by_a_condition(filled: Place, tmp_path: Path) -> None:
    one = ("-q", ONE)
    assert filled.done("ls", "demo/v1", *one)["files"] == ["scene_001.png"]
    assert filled.done("ls", "--data", "-q", 'filename endswith "_001.png"')["data"] == 1
    assert filled.done("ls", "--data", "--limit", "0") == {
        "schema": "headrace.ls/1", "data": 12, "files": [],
    }  # fmt: skip
    assert filled.run("ls", *one).status == 2
    assert filled.run("ls", "demo/v1", "--data").status == 2
    assert filled.done("pull", "demo/v1", tmp_path / "out", *one)["files"] == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["scene_001.png"]
    assert (
        filled.done("export", "demo/v1", tmp_path / "a.json", "--to", "coco", *one)["images"] == 1
    )


def test_custom_metadata_are_set_and_removed(filled: Place) -> None:
    def metadata(*arguments: str) -> list[dict[str, Any]]:
        found = filled.done("version metadata", "demo/v1", *arguments)["files"]
        return [row["metadata"] for row in found if row["metadata"]]

    assert metadata() == []
    told = filled.done("version metadata", "demo/v1", "a=1", "-q", ONE, "--dry-run")
    assert (told["changed"], metadata()) == (1, [])
    assert metadata("a=1", "b=rain", "-q", ONE) == [{"a": 1, "b": "rain"}]
    assert metadata() == [{"a": 1, "b": "rain"}]
    assert metadata("a=", "-q", ONE) == [{"b": "rain"}]
    assert filled.done("version metadata", "demo/v1", "b=rain", "-q", ONE)["changed"] == 0
    assert filled.run("version metadata", "demo/v1", "rain").status == 2


def test_tags_become_classifications(filled: Place) -> None:
    filled.done("version rename", "demo/v1", "--type", "classification")
    filled.done("tag add", "demo/v1", "cat", "-q", ONE)
    assert filled.done("tag convert", "demo/v1", "cat", "--dry-run")["count"] == 1
    filled.done("tag convert", "demo/v1", "cat")
    assert filled.done("label list", "demo/v1")["labels"]["cat"] == 1
    assert "no tag for assets 'ct'" in filled.run("tag convert", "demo/v1", "ct").err


def test_tokens_and_processings_can_be_tried_first(lake: Place) -> None:
    lake.done("token create", "--name", "ci")
    lake.done("token revoke", "ci", "--dry-run")
    assert [token["revoked"] for token in lake.done("token list")["tokens"]] == [None]
    lake.done("processing add", "blur", "--command", "true")
    lake.done("processing remove", "blur", "--dry-run")
    assert "blur" in [each["name"] for each in lake.done("processing list")["processings"]]
    lake.done("processing remove", "blur")
    assert lake.run("processing remove", "blur", "--dry-run").status == 1


def test_processings_are_listed_on_every_target(place: Place) -> None:
    listed = place.done("processing list")["processings"]
    assert "find-duplicates" in {each["name"] for each in listed}
    assert all(("program" in each) == ("://" not in place.target) for each in listed)
    assert "find-duplicates" in place.run("processing list").out
