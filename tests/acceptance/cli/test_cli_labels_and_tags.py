"""``headrace label`` and ``headrace tag`` on a lake and a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place


@pytest.fixture
def filled(place: Place, drawn: Drawn) -> Place:
    place.done("push", "demo/v1", drawn.images, "--tag", "night")
    place.done("import", "demo/v1", drawn.annotations)
    return place


def labels(place: Place) -> dict[str, int]:
    found: dict[str, int] = place.done("label list", "demo/v1")["labels"]
    return found


def test_the_life_of_a_label(filled: Place, drawn: Drawn) -> None:
    assert labels(filled) == drawn.labels
    filled.done("label rename", "demo/v1", "box", "crate")
    moved = drawn.labels["box"] + drawn.labels["disc"]
    told = filled.done("label merge", "demo/v1", "crate", "disc", "--into", "thing", "--dry-run")
    assert (told["shapes"], "crate" in labels(filled)) == (moved, True)
    filled.done("label merge", "demo/v1", "crate", "disc", "--into", "thing", "--yes")
    assert labels(filled) == {"triangle": drawn.labels["triangle"], "thing": moved}
    gone = filled.done("label delete", "demo/v1", "thing", "--yes")
    assert gone["shapes"] == moved
    assert labels(filled) == {"triangle": drawn.labels["triangle"]}


def test_a_definition_goes_from_one_label_to_another(filled: Place, tmp_path: Path) -> None:
    person = {
        "skeleton": {"vertices": ["head", "hand"], "edges": [[1, 2]]},
        "attributes": {"age": {"input_type": "INTEGER", "required": False}},
    }
    file = tmp_path / "person.json"
    file.write_text(json.dumps(person))
    made = filled.done("label add", "demo/v1", "person", "--group", "animal", "--definition", file)
    assert made["created"] == ["person"]
    shown = filled.done("label show", "demo/v1", "person")
    assert shown["group"] == "animal"
    assert shown["skeleton"] == person["skeleton"]
    assert shown["attributes"]["age"]["input_type"] == "INTEGER"
    file.write_text(json.dumps(shown))
    filled.done("label add", "demo/v1", "dancer", "--definition", file)
    again = filled.done("label show", "demo/v1", "dancer")
    assert [again[name] for name in person] == [shown[name] for name in person]
    file.write_text("[]")
    assert filled.run("label add", "demo/v1", "x", "--definition", file).status == 2


def test_mistyped_labels_and_a_taken_name(filled: Place) -> None:
    for command in (["show", "bx"], ["rename", "bx", "crate"], ["delete", "bx", "--yes"]):
        outcome = filled.run(f"label {command[0]}", "demo/v1", *command[1:])
        assert outcome.status == 1
        assert "no label 'bx' in demo/v1. Did you mean 'box'?" in outcome.err
    taken = filled.run("label rename", "demo/v1", "box", "disc")
    assert (taken.status, "label merge" in taken.err) == (2, True)
    assert filled.run("label delete", "demo/v1", "box").status == 2
    assert "box" in labels(filled)


def tagged(place: Place, on: str = "assets") -> list[str]:
    found: list[str] = place.done("tag list", "demo/v1", "--on", on)["tags"][on]
    return found


def test_the_life_of_a_tag(filled: Place) -> None:
    assert tagged(filled) == []
    assert tagged(filled, "data") == ["night"]
    one = ("-q", 'data.filename endswith "1.png"')
    told = filled.done("tag add", "demo/v1", "late", *one, "--dry-run")
    assert (told["count"], tagged(filled)) == (2, [])
    assert filled.done("tag add", "demo/v1", "late", "odd", *one)["count"] == 2
    assert tagged(filled) == ["late", "odd"]
    assert filled.done("version fork", "demo/v1", "some", "-q", 'tags.name = "odd"')["assets"] == 2
    filled.done("tag remove", "demo/v1", "odd", *one)
    assert filled.done("tag delete", "demo/v1", "odd", "--yes")["count"] == 0
    filled.done("tag rename", "demo/v1", "late", "dusk")
    assert tagged(filled) == ["dusk"]
    assert filled.run("tag delete", "demo/v1", "dusk").status == 2
    unknown = filled.run("tag remove", "demo/v1", "dsk")
    assert "no tag for assets 'dsk'. Did you mean 'dusk'?" in unknown.err


@pytest.mark.parametrize("on", ["data", "version", "dataset"])
def test_tags_of_every_kind(filled: Place, on: str) -> None:
    def carried() -> Any:
        if on == "data":
            return tagged(filled, on)
        return filled.done("version show", "demo/v1" if on == "version" else "demo")["tags"]

    filled.done("tag add", "demo/v1", "gold", "--on", on)
    assert "gold" in carried()
    filled.done("tag rename", "demo/v1", "gold", "silver", "--on", on)
    assert "silver" in carried()
    assert filled.done("tag delete", "demo/v1", "silver", "--on", on, "--yes")["on"] == on
    assert "silver" not in carried()
    filled.done("tag create", "demo/v1", "bronze", "--on", on)
    assert "bronze" in tagged(filled, on)
