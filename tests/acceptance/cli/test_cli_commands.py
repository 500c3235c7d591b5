"""Every command as a process, on a lake's folder and on a server: its output and its effect."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, headrace, new_lake


def test_the_main_job(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    count, shapes = len(drawn.coco["images"]), len(drawn.coco["annotations"])
    # On a lake every command starts as it does for a person.
    place = replace(place, fresh=not place.variables)

    pushed = place.done("push", "demo/v1", drawn.images)
    assert pushed["schema"] == "headrace.push/1"
    assert (pushed["files"], pushed["uploaded"], pushed["assets"]) == (count, count, count)
    assert pushed["created_dataset"]
    assert pushed["created_version"]

    imported = place.done("import", "demo/v1", drawn.annotations)
    assert imported["schema"] == "headrace.import/1"
    (file,) = imported["files"]
    assert file["format"] == "coco"
    assert (file["images"], file["images_imported"], file["images_dropped"]) == (count, count, 0)
    assert (file["shapes"], file["shapes_imported"], file["shapes_dropped"]) == (shapes, shapes, 0)
    assert file["labels"] == drawn.labels

    counted = place.done("stats", "demo/v1")
    assert counted == {
        "schema": "headrace.stats/1",
        "version": "demo/v1",
        "assets": count,
        "annotations": count,
        "shapes": shapes,
        "labels": drawn.labels,
    }

    exported = place.done("export", "demo/v1", tmp_path / "out.json", "--format", "coco")
    assert exported["schema"] == "headrace.export/1"
    assert (exported["images"], exported["shapes"], exported["shapes_dropped"]) == (
        count,
        shapes,
        0,
    )
    written = json.loads((tmp_path / "out.json").read_text())
    assert len(written["images"]) == count
    assert len(written["annotations"]) == shapes
    for kind in ("yolo", "voc"):
        done = place.done("export", "demo/v1", tmp_path / kind, "--format", kind)
        assert (done["images"], done["format"]) == (count, kind)
        assert any((tmp_path / kind).rglob("*"))

    pulled = place.done("pull", "demo/v1", tmp_path / "images")
    assert pulled["schema"] == "headrace.pull/1"
    assert (pulled["files"], pulled["moved"], pulled["failed"]) == (count, count, 0)
    for source in drawn.images.iterdir():
        assert (tmp_path / "images" / source.name).read_bytes() == source.read_bytes()

    listed = place.done("ls")
    assert [one["version"] for one in listed["versions"]] == ["demo/v1"]
    inside = place.done("ls", "demo/v1", "--limit", "5")
    assert (inside["assets"], inside["shapes"], len(inside["files"])) == (count, shapes, 5)
    assert set(inside["labels"]) == set(drawn.labels)


def test_what_people_read(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    count = len(drawn.coco["images"])
    said = lake.run("push", "demo/v1", drawn.images)
    assert (
        said.out == f"demo/v1: {count} assets added ({count} new objects, 0 already in the lake)\n"
    )
    assert said.err == ""
    assert "12 in = 12 imported + 0 dropped" in lake.run("import", "demo/v1", drawn.annotations).out
    shown = lake.run("stats", "demo/v1").out.splitlines()
    assert shown[0].startswith(f"demo/v1: {count} assets, {count} annotations, ")
    assert len(shown) == 1 + len(drawn.labels)
    assert lake.run("ls").out.startswith("demo/v1  12 assets, ")
    assert "12 files" in lake.run("pull", "demo/v1", tmp_path / "images").out


@pytest.mark.slow
def test_again_does_nothing_twice(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    for _ in range(2):
        pushed = place.done("push", "demo/v1", drawn.images)
        place.done("import", "demo/v1", drawn.annotations)
        pulled = place.done("pull", "demo/v1", tmp_path / "images")
    count = len(drawn.coco["images"])
    assert (pushed["uploaded"], pushed["reused"], pushed["assets"]) == (0, count, 0)
    assert (pulled["moved"], pulled["skipped"]) == (0, count)
    assert place.done("stats", "demo/v1")["labels"] == drawn.labels
    assert (
        "already complete, nothing to do" in place.run("pull", "demo/v1", tmp_path / "images").out
    )


def test_modes_of_import(lake: Place, drawn: Drawn) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    kept = lake.done("import", "demo/v1", drawn.annotations, "--mode", "keep")["files"][0]
    assert (kept["images_imported"], kept["images_kept"]) == (0, 12)
    lake.done("import", "demo/v1", drawn.annotations, "--mode", "concatenate")
    doubled = {label: 2 * shapes for label, shapes in drawn.labels.items()}
    assert lake.done("stats", "demo/v1")["labels"] == doubled


def test_progress_goes_to_stderr_when_asked_for(lake: Place, drawn: Drawn) -> None:
    said = lake.run("push", "demo/v1", drawn.images, "--progress", "--json")
    assert said.json()["uploaded"] == 12
    assert said.err.splitlines()[-1].startswith("▸ push  12/12 files")
    assert "\x1b" not in said.err


def test_tokens_come_and_go(tmp_path: Path) -> None:
    lake = new_lake(tmp_path / "lake").lake
    created = headrace("token", "create", lake, "--name", "ci")
    token = created.out.strip()
    assert created.out == token + "\n"
    assert created.err == ""

    listed = headrace("token", "list", lake, "--json").json()
    assert [one["name"] for one in listed["tokens"]] == ["ci"]
    assert token not in headrace("token", "list", lake).out
    assert token.encode() not in (lake / "headrace.db").read_bytes()

    assert headrace("token", "revoke", lake, "ci", "--json").json()["name"] == "ci"
    (shown,) = headrace("token", "list", lake, "--json").json()["tokens"]
    assert shown["revoked"] is not None
    gone = headrace("token", "revoke", lake, "nobody")
    assert (gone.status, gone.out) == (1, "")
    assert "no token 'nobody'" in gone.err


def test_convert_needs_no_lake(drawn: Drawn, tmp_path: Path) -> None:
    done = headrace("convert", drawn.annotations, tmp_path / "voc", "--to", "voc", "--json")
    assert done.status == 0, done
    answer = done.json()
    assert answer["schema"] == "headrace.convert/1"
    assert (answer["from"], answer["to"], answer["images"]) == ("coco", "voc", 12)
    back = headrace("convert", tmp_path / "voc", tmp_path / "back.json", "--to", "coco")
    assert back.status == 0, back
    boxes = sorted(
        one["bbox"] for one in json.loads((tmp_path / "back.json").read_text())["annotations"]
    )
    assert boxes == sorted(one["bbox"] for one in drawn.coco["annotations"])
