"""``headrace sync`` as a real process, on a lake's folder and on a server."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Place


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
    assert "not a folder" in none.err
