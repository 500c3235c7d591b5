"""Common errors: one line names the object and the cure, nothing is left half done, and the next run continues."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import apsw
import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, administered, headrace, new_lake, served
from tests.support.processes.serving import wait_for
from tests.support.storage import kind


def assert_one_line(outcome: Outcome, *words: str, status: int = 1, excerpt: bool = False) -> None:
    """Assert that the command failed with one line on stderr that contains ``words``, without a traceback.

    With ``excerpt`` there may be three more: the place in the file, a caret and the cure.
    """
    assert outcome.status == status, outcome
    assert outcome.out == ""
    line, *more = outcome.err.splitlines()
    assert line.startswith("error: ")
    if more:
        assert excerpt
        assert len(more) == 3
        assert more[0].startswith("   | ")
        assert more[1].strip(" |") == "^"
    for word in words:
        assert word in line


def assert_whole(place: Place) -> None:
    """Assert that the database is not damaged."""
    connection = apsw.Connection(str(place.lake / "headrace.db"))
    try:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()


def written(path: Path, content: Any) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


# --- targets ---------------------------------------------------------------------------------------------


def test_a_folder_that_is_no_lake(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert_one_line(
        headrace("ls", tmp_path / "photos"), "photos is a folder but not a lake", "headrace init"
    )
    assert_one_line(headrace("ls", tmp_path / "nowhere"), "nowhere", "headrace init")
    written(tmp_path / "file", "x")
    assert_one_line(headrace("ls", tmp_path / "file"), "file", "headrace init")
    answer = headrace("ls", tmp_path / "photos", "--json").json()["error"]
    assert answer["code"] == "not-a-lake"
    assert not list((tmp_path / "photos").iterdir())


def test_a_lake_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    written(tmp_path / "lake" / "headrace.db", "this is no database, whatever its name says")
    assert_one_line(headrace("ls", tmp_path / "lake"), "lake")


def test_init_where_something_is(tmp_path: Path) -> None:
    assert headrace("init", tmp_path / "lake").status == 0
    assert_one_line(headrace("init", tmp_path / "lake"), "is a lake already")
    (tmp_path / "full").mkdir()
    written(tmp_path / "full" / "notes.txt", "mine")
    assert_one_line(headrace("init", tmp_path / "full"), "is not empty", "new or an empty folder")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]


def test_backups_and_restored_lakes_where_a_file_is(tmp_path: Path) -> None:
    lake, backups, file = tmp_path / "lake", tmp_path / "backups", tmp_path / "file"
    assert headrace("init", lake).status == 0
    assert headrace("backup", lake, backups).status == 0
    written(file, "mine")
    for place in (file, file / "below"):
        assert_one_line(headrace("backup", lake, place), "is a file", "new or an empty folder")
    for place in (file, file / "below", file / "far" / "below"):
        assert_one_line(headrace("restore", backups, place), "is a file", "a new")
    assert file.read_text() == "mine"


def test_a_server_that_is_not_there() -> None:
    refused = headrace("ls", "http://127.0.0.1:9", HEADRACE_TOKEN="hr_x")
    assert_one_line(refused, "127.0.0.1:9")
    answer = headrace("ls", "http://127.0.0.1:9", "--json", HEADRACE_TOKEN="hr_x").json()["error"]
    assert (answer["code"], answer["retryable"]) == ("connect", True)


def test_wrong_and_missing_tokens(tmp_path: Path) -> None:
    with served(tmp_path / "lake") as place:
        secret = "hr_this-is-not-the-token"
        wrong = headrace("ls", place.target, HEADRACE_TOKEN=secret)
        assert_one_line(wrong, "token", "headrace token create")
        assert secret not in wrong.err
        assert_one_line(headrace("ls", place.target), "HEADRACE_TOKEN")
        answer = headrace("ls", place.target, "--json", HEADRACE_TOKEN=secret)
        assert answer.json()["error"]["code"] == "authentication"
        assert secret not in answer.out
        assert_one_line(
            headrace("ls", place.target, "--token", secret), "--token takes only -", status=2
        )
        assert place.done("ls")["versions"] == []

        administered(place.lake).done("token revoke", "token")
        if kind() != "lake":
            # Each server of a database notices what another process revokes within seconds. There may be two.
            wait_for(lambda: all(place.run("ls").status != 0 for _ in range(2)))
        assert_one_line(place.run("ls"), "revoked")


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with served(tmp_path / "lake") as place:
        port = place.target.rpartition(":")[2]
        assert_one_line(administered(place.lake).run("serve", "--port", port), port, "another")


# --- names -----------------------------------------------------------------------------------------------


def test_versions_that_do_not_exist(pushed: Place, lake: Place) -> None:
    assert_one_line(lake.run("stats", "demo/v1"), "no dataset 'demo'", "push creates them")
    assert_one_line(pushed.run("stats", "deno/v1"), "no dataset 'deno'", "id you mean 'demo'")
    assert_one_line(pushed.run("stats", "demo/v2"), "no version 'v2' in demo", "Existing: v1")


def test_images_that_do_not_exist(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    assert_one_line(lake.run("push", "demo/v1", tmp_path / "none"), "none", "no such file")
    (tmp_path / "empty").mkdir()
    assert_one_line(lake.run("push", "demo/v1", tmp_path / "empty"), "no images or videos")
    assert lake.done("ls")["versions"] == []


# --- annotation files ------------------------------------------------------------------------------------


def coco(drawn: Drawn, **changes: Any) -> dict[str, Any]:
    return drawn.coco | changes


BROKEN = {
    "missing": None,
    "truncated": lambda drawn: json.dumps(drawn.coco)[:-200],
    "empty": lambda drawn: "",
    "no-json": lambda drawn: "once upon a time there was a dataset",
    "unknown-image": lambda drawn: coco(
        drawn,
        images=[
            *drawn.coco["images"],
            {"id": 99, "file_name": "gone.png", "width": 9, "height": 9},
        ],
    ),
}


@pytest.fixture(scope="module", params=["lake", pytest.param("http", marks=pytest.mark.slow)])
def pushed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, drawn: Drawn
) -> Iterator[Place]:
    """A version without annotations, shared by tests that do not change it."""
    folder = tmp_path_factory.mktemp("pushed") / "lake"
    with served(folder) if request.param == "http" else nullcontext(new_lake(folder)) as place:
        place.done("push", "demo/v1", drawn.images)
        yield place
        # After all that was wrong with it, what is right goes in.
        place.done("import", "demo/v1", drawn.annotations)
        assert place.done("stats", "demo/v1")["labels"] == drawn.labels


@pytest.mark.parametrize("fault", BROKEN)
def test_annotation_files_that_are_wrong(
    pushed: Place, drawn: Drawn, tmp_path: Path, fault: str
) -> None:
    broken = tmp_path / "broken.json"
    make = BROKEN[fault]
    if make is not None:
        written(broken, make(drawn))
    thing = "gone.png" if fault == "unknown-image" else "broken.json"
    assert_one_line(pushed.run("import", "demo/v1", broken), thing, excerpt=True)
    answer = pushed.run("import", "demo/v1", broken, "--json")
    assert answer.status == 1
    assert answer.json()["error"]["code"] != "internal"
    assert pushed.done("stats", "demo/v1")["shapes"] == 0
    assert_whole(pushed)


def test_a_category_that_the_file_does_not_declare(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    lake.done("push", "demo/v1", drawn.images)
    short = written(tmp_path / "short.json", coco(drawn, categories=drawn.coco["categories"][:1]))
    failed = lake.run("import", "demo/v1", short)
    assert_one_line(failed, "short.json", "category", excerpt=True)
    assert lake.done("stats", "demo/v1")["annotations"] == 0
    (answer,) = lake.done("import", "demo/v1", short, "--on-error", "skip")["files"]
    undeclared = sum(count for name, count in drawn.labels.items() if name != "box")
    (found,) = [one for one in answer["findings"] if "category" in one["message"]]
    assert (found["code"], found["count"]) == ("C16", undeclared)
    assert "short.json" in found["examples"][0]


TORN = '{"images": ['


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("command", ["import", "convert"])
def test_broken_json_is_named_with_place_and_cure(
    lake: Place, drawn: Drawn, tmp_path: Path, command: str, stream: bool
) -> None:
    """Each command that detects formats says what is broken, not that it knows no such format."""
    lake.done("push", "demo/v1", drawn.images)
    torn = written(tmp_path / "torn.json", TORN)
    given = "-" if stream else torn
    line = {
        "import": ["import", lake.lake, "demo/v1", given],
        "convert": ["convert", given, tmp_path / "out", "--to", "voc"],
    }
    failed = headrace(*line[command], source=torn)
    name = "standard input" if stream else "torn.json"
    assert_one_line(failed, f"{name} at byte 12", "truncated", excerpt=True)
    assert failed.err.endswith("heck that it was copied completely\n")


def test_files_that_look_like_nothing_known(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    notes = written(tmp_path / "notes.txt", "buy milk")
    assert_one_line(lake.run("import", "demo/v1", notes), "notes.txt", "--format")
    (answer,) = lake.done("import", "demo/v1", drawn.annotations, "--from", "coco")["files"]
    assert answer["format"] == "coco"


def test_labels_that_may_not_be_made(lake: Place, drawn: Drawn) -> None:
    lake.done("push", "demo/v1", drawn.images)
    assert_one_line(lake.run("import", "demo/v1", drawn.annotations, "--known-labels"), "label")
    assert lake.done("ls", "demo/v1")["labels"] == []


def test_images_without_assets_may_be_left_out(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", *sorted(drawn.images.iterdir())[:6])
    assert_one_line(lake.run("import", "demo/v1", drawn.annotations), "scene_006.png")
    answer = lake.done("import", "demo/v1", drawn.annotations, "--allow-missing")
    assert (answer["files"][0]["images_imported"], answer["files"][0]["images_not_found"]) == (6, 6)
    assert answer["files"][0]["not_found"][0] == "images/scene_006.png"


def test_an_export_never_replaces_unasked(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    mine = written(tmp_path / "mine.json", "precious")
    assert_one_line(lake.run("export", "demo/v1", mine, "--format", "coco"), "mine.json")
    assert mine.read_text() == "precious"
    lake.done("export", "demo/v1", mine, "--format", "coco", "--overwrite")
    assert json.loads(mine.read_text())["annotations"]


def test_a_traceback_comes_only_when_asked_for(tmp_path: Path) -> None:
    assert "Traceback" not in headrace("ls", tmp_path).err
    asked = headrace("ls", tmp_path, HEADRACE_DEBUG="1")
    assert "Traceback" in asked.err
    assert asked.err.splitlines()[-1].startswith("error: ")
