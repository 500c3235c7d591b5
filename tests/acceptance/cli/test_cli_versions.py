"""``headrace version`` on a lake and a server: the whole life of a version, and nothing deleted unasked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, answered

EVERY = "data.width > 0"


@pytest.fixture
def filled(place: Place, drawn: Drawn) -> Place:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return place


def versions(place: Place) -> set[str]:
    return {row["version"] for row in place.done("version list")["versions"] if row["version"]}


def assets(place: Place, version: str) -> int:
    found: int = place.done("version show", version)["assets"]
    return found


def typed(place: Place, answer: str, command: str, *arguments: str) -> Outcome:
    words = (*command.split(), place.target, *arguments)
    return answered(*words, answer=answer + "\n", **place.variables)


def test_the_life_of_a_version(filled: Place, drawn: Drawn) -> None:
    made = filled.done("version create", "cells/v1", "--type", "segmentation")
    assert made["created"] == ["cells", "cells/v1"]
    shown = filled.done("version show", "cells/v1")
    assert (shown["type"], shown["assets"], shown["labels"]) == ("segmentation", 0, [])

    forked = filled.done("version fork", "demo/v1", "small", "-q", 'filename endswith "1.png"')
    assert 0 < forked["assets"] < 12
    assert assets(filled, "demo/small") == forked["assets"]

    filled.done("version rename", "demo/small", "tiny", "--description", "A few")
    shown = filled.done("version show", "demo/tiny")
    assert shown["description"] == "A few"
    filled.done("version rename", "cells", "blood")
    assert versions(filled) == {"demo/v1", "demo/tiny", "blood/v1"}
    assert filled.done("version list", "demo")["versions"][0]["dataset"] == "demo"

    gone = filled.done("version delete", "demo/v1", "--yes")
    assert (gone["assets"], gone["shapes"]) == (12, len(drawn.coco["annotations"]))
    assert versions(filled) == {"demo/tiny", "blood/v1"}
    filled.done("undo run", gone["removal"])
    assert assets(filled, "demo/v1") == 12
    filled.done("version delete", "demo", "--yes", "--no-undo")
    assert versions(filled) == {"blood/v1"}
    assert "dataset" not in {one["kind"] for one in filled.done("undo list")["removals"]}


@pytest.mark.parametrize(
    "command",
    [
        ("version create", "new/v1"),
        ("version fork", "demo/v1", "v2"),
        ("version rename", "demo/v1", "v2"),
        ("version remove", "demo/v1", "-q", EVERY),
        ("version remove", "demo/v1", "-q", EVERY, "--annotations"),
        ("version remove", "demo/v1", "-q", EVERY, "--data"),
        ("version delete", "demo/v1"),
        ("version delete", "demo"),
    ],
    ids=" ".join,
)
def test_a_dry_run_changes_nothing(filled: Place, command: tuple[str, ...]) -> None:
    def state() -> list[dict[str, Any]]:
        return [filled.done("version list"), filled.done("version show", "demo/v1")]

    before = state()
    assert filled.done(*command, "--dry-run")["dry_run"] is True
    assert state() == before


def test_removing_needs_a_yes(lake: Place, drawn: Drawn) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    for command in (["version delete", "demo/v1"], ["version remove", "demo/v1", "-q", EVERY]):
        refused = lake.run(*command)
        assert refused.status == 2
        assert "12 assets with" in refused.err or "12 assets, 12 annotations" in refused.err
        assert "--yes" in refused.err
        error = lake.run(*command, "--json").json()["error"]
        assert error["code"] == "not-confirmed"
        wrong = typed(lake, "yes", *command)
        assert wrong.status == 1
        assert "nothing was done" in wrong.out
    assert assets(lake, "demo/v1") == 12
    assert typed(lake, "demo/v1", "version delete", "demo/v1").status == 0
    assert versions(lake) == set()


def test_assets_go_and_come_back(filled: Place) -> None:
    (name, *_) = filled.done("ls", "demo/v1")["files"]
    one = filled.done("version remove", "demo/v1", name, "--yes")
    assert one["assets"] == 1
    assert assets(filled, "demo/v1") == 11
    filled.done("undo run", one["removal"])
    shapes = filled.done("stats", "demo/v1")["shapes"]

    bare = filled.done("version remove", "demo/v1", "-q", EVERY, "--annotations", "--yes")
    stats = filled.done("stats", "demo/v1")
    assert (stats["assets"], stats["shapes"]) == (12, 0)
    filled.done("undo run", bare["removal"])
    assert filled.done("stats", "demo/v1")["shapes"] == shapes

    gone = filled.done("version remove", "demo/v1", name, "--data", "--yes")
    assert gone["bytes"] > 0
    assert assets(filled, "demo/v1") == 11
    unknown = filled.run("version remove", "demo/v1", name, "--yes")
    assert unknown.status == 1
    assert f"no asset {name!r}" in unknown.err


def test_a_taken_name_and_an_empty_choice(filled: Place) -> None:
    taken = filled.run("version create", "demo/v1")
    assert (taken.status, "demo/v1 exists already" in taken.err) == (1, True)
    taken = filled.run("version create", "demo")
    assert (taken.status, "demo exists already" in taken.err) == (1, True)
    assert filled.run("version remove", "demo/v1", "--yes").status == 2
    none = filled.done("version remove", "demo/v1", "-q", "data.width < 0", "--yes")
    assert none["assets"] == 0
    assert "Did you mean 'demo'?" in filled.run("version show", "dmo").err
