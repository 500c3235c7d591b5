"""``headrace sync`` as a real process, on a lake's folder and on a server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place, answered


def test_sync(place: Place, drawn: Drawn, tmp_path: Path) -> None:
    count = len(drawn.coco["images"])
    first, second, *_ = sorted(path.name for path in drawn.images.iterdir())
    place.done("push", "demo/v1", drawn.images)
    folder = tmp_path / "folder"
    folder.mkdir()

    planned = place.done("sync", "demo/v1", folder, "--dry-run")
    assert planned["schema"] == "headrace.sync/1"
    assert (planned["dry_run"], planned["download"], planned["same"]) == (True, count, 0)
    assert {step["action"] for step in planned["steps"]} == {"download"}
    assert list(folder.iterdir()) == []

    done = place.done("sync", "demo/v1", folder)
    assert (done["download"], done["upload"], done["conflict"]) == (count, 0, 0)
    again = place.done("sync", "demo/v1", folder)
    assert (again["same"], again["steps"], again["bytes"]) == (count, [], 0)

    shutil.copy(folder / first, folder / "new.png")
    (folder / second).unlink()
    up = place.done("sync", "demo/v1", folder, "--up")
    assert (up["upload"], up["keep"]) == (1, 1)
    answer = place.run("sync", "demo/v1", folder, "--dry-run", "--delete")
    assert answer.status == 0
    assert answer.out.splitlines() == [
        f"delete-remote {second}",
        f"{folder}: would be: 1 removed from the version; {count} the same",
    ]
    assert place.done("sync", "demo/v1", folder, "--delete")["delete_remote"] == 1


def test_conflicts_end_with_1(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    folder = tmp_path / "folder"
    folder.mkdir()
    name = next(drawn.images.iterdir()).name
    (folder / name).write_bytes(b"another one")
    outcome = lake.run("sync", "demo/v1", folder)
    assert outcome.status == 1
    assert outcome.out.splitlines()[0] == f"conflict      {name}  (both changed)"
    assert (folder / name).read_bytes() == b"another one"
    assert lake.run("sync", "demo/v1", folder, "--prefer", "remote").status == 0
    assert (folder / name).read_bytes() == (drawn.images / name).read_bytes()


def test_wrong_usage(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    both = lake.run("sync", "demo/v1", tmp_path, "--up", "--down")
    assert both.status == 2
    assert "exclude each other" in both.err
    none = lake.run("sync", "demo/v1", tmp_path / "none")
    assert none.status == 1
    assert "no such folder" in none.err
    assert "Create it" in none.err
    (tmp_path / "file").write_text("mine")
    file = lake.run("sync", "demo/v1", tmp_path / "file")
    assert file.status == 1
    assert "not a folder" in file.err


@pytest.fixture
def synced(place: Place, drawn: Drawn, tmp_path: Path) -> Path:
    """A folder in sync with ``demo/v1``, whose images have shapes."""
    place.done("push", "demo/v1", drawn.images)
    place.done("import", "demo/v1", drawn.annotations)
    folder = tmp_path / "synced"
    folder.mkdir()
    place.done("sync", "demo/v1", folder)
    return folder


def shapes_of(drawn: Drawn, names: list[str]) -> int:
    """The number of shapes on some images."""
    ids = {image["id"] for image in drawn.coco["images"] if image["file_name"] in names}
    return sum(shape["image_id"] in ids for shape in drawn.coco["annotations"])


def test_an_emptied_folder_is_refused(place: Place, drawn: Drawn, synced: Path) -> None:
    shapes = len(drawn.coco["annotations"])
    for path in synced.iterdir():
        path.unlink()
    lost = f"12 assets with {shapes} shapes would be removed from the version"
    planned = place.run("sync", "demo/v1", synced, "--delete", "--dry-run")
    assert (planned.status, lost in planned.out) == (0, True)
    for more in ([], ["--yes"], ["--max-delete", "100%"], ["--yes", "--max-delete", "12"]):
        refused = place.run("sync", "demo/v1", synced, "--delete", *more)
        assert refused.status == 1
        assert lost in refused.err
        assert "with --down and without --delete" in refused.err
    assert (place.done("stats", "demo/v1")["assets"], list(synced.iterdir())) == (12, [])
    assert place.done("sync", "demo/v1", synced, "--down")["download"] == 12


def test_more_than_the_limit_is_refused(place: Place, drawn: Drawn, synced: Path) -> None:
    gone = sorted(path.name for path in synced.iterdir())[:11]
    for name in gone:
        (synced / name).unlink()
    refused = place.run("sync", "demo/v1", synced, "--delete", "--yes")
    assert refused.status == 1
    assert f"11 assets with {shapes_of(drawn, gone)} shapes" in refused.err
    assert "give --max-delete 11" in refused.err
    assert place.done("stats", "demo/v1")["assets"] == 12
    done = place.done("sync", "demo/v1", synced, "--delete", "--max-delete", "11")
    assert (done["delete_remote"], done["removed_shapes"]) == (11, shapes_of(drawn, gone))
    wrong = place.run("sync", "demo/v1", synced, "--max-delete", "many")
    assert "--max-delete many is neither a number nor a percentage" in wrong.err


@pytest.mark.parametrize("answer", ["y\n", "yes\n", "n\n", "\n", "\x04"])
def test_a_terminal_asks(place: Place, drawn: Drawn, synced: Path, answer: str) -> None:
    """Only yes means yes; the question says what is lost."""
    gone = sorted(path.name for path in synced.iterdir())[:2]
    for name in gone:
        (synced / name).unlink()
    command = ("sync", place.target, "demo/v1", synced, "--delete")
    outcome = answered(*command, answer=answer, NO_COLOR="1", **place.variables)
    shapes = shapes_of(drawn, gone)
    question = f"This will remove 2 assets with {shapes} shapes from demo/v1. Continue? [y/N] "
    assert question in outcome.out, outcome
    agreed = answer.startswith("y")
    assert outcome.status == (0 if agreed else 1)
    assert place.done("stats", "demo/v1")["assets"] == (10 if agreed else 12)
    again = answered(*command, "--yes", answer="n\n", NO_COLOR="1", **place.variables)
    assert (again.status, "[y/N]" in again.out) == (0, False)
    assert place.done("stats", "demo/v1")["assets"] == 10
