"""``headrace undo``: what commands removed comes back, on a lake's folder and on a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, headrace


def counts(place: Place) -> dict[str, Any]:
    found = place.done("stats", "demo/v1")
    return {name: found[name] for name in ("assets", "annotations", "shapes", "labels")}


def filled(place: Place, drawn: Drawn) -> dict[str, Any]:
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    return counts(place)


def test_an_import_says_how_to_put_back_what_it_replaced(place: Place, drawn: Drawn) -> None:
    before = filled(place, drawn)
    assert place.done("undo list")["removals"] == []
    answer = place.run("import", "demo/v1", drawn.annotations)
    (line,) = [line for line in answer.out.splitlines() if line.startswith("to put it back: ")]
    words = line.removeprefix("to put it back: headrace ").split()
    assert words[:2] == ["undo", "run"]
    removal = words[-1]

    (listed,) = place.done("undo list", "demo/v1")["removals"]
    assert (listed["id"], listed["kind"], listed["version"]) == (removal, "import", "demo/v1")
    assert place.run("undo list", "--quiet").out == f"{removal}\n"
    assert (listed["annotations"], listed["shapes"]) == (before["annotations"], before["shapes"])
    shown = place.run("undo show", removal)
    assert shown.out.startswith(f"{removal}  ")
    assert all(name in shown.out for name in before["labels"])

    dry = place.done("undo run", removal, "--dry-run")
    assert (dry["annotations"], dry["conflict_count"]) == (before["annotations"], 0)
    assert place.done("undo list")["removals"][0]["undone_at"] is None
    done = place.run("undo run", removal)
    assert done.status == 0
    assert done.out.startswith(f"demo/v1: {before['annotations']} annotations, ")
    assert counts(place) == before
    assert place.done("undo run", removal)["present"] == before["annotations"]
    assert counts(place) == before


def test_an_import_without_a_way_back(lake: Place, drawn: Drawn) -> None:
    filled(lake, drawn)
    assert (
        lake.done("import", "demo/v1", drawn.annotations, "--no-undo")["files"][0]["removal"]
        is None
    )
    assert lake.done("undo list")["removals"] == []
    assert lake.run("undo list").out == "nothing was removed that can be put back\n"


def test_a_sync_that_deletes_comes_back(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    before = filled(place, drawn)
    folder = tmp_path / "folder"
    folder.mkdir()
    place.done("sync", "demo/v1", folder)
    for path in sorted(folder.iterdir())[:3]:
        path.unlink()
    done = place.done("sync", "demo/v1", folder, "--up", "--delete")
    assert (done["delete_remote"], counts(place)["assets"]) == (3, before["assets"] - 3)
    report = place.done("undo run", done["removal"])
    assert (report["assets"], report["conflict_count"]) == (3, 0)
    assert counts(place) == before
    # The files come back into the folder with the next sync.
    assert place.done("sync", "demo/v1", folder)["download"] == 3


def test_what_exceeds_the_limit_stays(lake: Place, drawn: Drawn) -> None:
    before = filled(lake, drawn)
    few = {"HEADRACE_UNDO_BYTES": "100"}
    outcome = headrace("import", lake.target, "demo/v1", drawn.annotations, **few)
    assert outcome.status == 1
    assert "--no-undo" in outcome.err
    assert counts(lake) == before
    assert not (lake.lake / "removals").exists()
    outcome = headrace("import", lake.target, "demo/v1", drawn.annotations, "--no-undo", **few)
    assert outcome.status == 0, outcome.err


def test_an_unknown_removal_is_an_error(lake: Place) -> None:
    missing = "0197c4a0-0000-7000-8000-000000000001"
    outcome = lake.run("undo run", missing)
    assert outcome.status == 1
    assert missing in outcome.err


def test_conflicts_are_listed_and_end_with_1(lake: Place, drawn: Drawn) -> None:
    filled(lake, drawn)
    first = lake.done("import", "demo/v1", drawn.annotations)["files"][0]["removal"]
    lake.done("import", "demo/v1", drawn.annotations, "--status", "accepted")
    outcome = lake.run("undo run", first)
    assert outcome.status == 1
    assert "conflicts, left as they are:" in outcome.out
    assert "newer annotation of the same user" in outcome.out
