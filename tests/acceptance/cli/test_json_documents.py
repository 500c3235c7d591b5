"""What ``--json`` prints has exactly the keys and types that the page of JSON output promises."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, headrace
from tools import make_json_page
from tools.make_json_page import DOCUMENTS


def fits(outcome: Outcome, name: str) -> None:
    """Every line is an object of this form."""
    lines = outcome.out.splitlines()
    assert lines
    for line in lines:
        found = json.loads(line)
        assert found["schema"] == name.partition(" ")[0]
        msgspec.convert(found, DOCUMENTS[name], strict=True)


def test_the_page_is_fresh(tmp_path: Path) -> None:
    assert make_json_page.main(["--check"]) == 0
    assert make_json_page.main(["--nonsense"]) == 2


def test_what_commands_print_is_what_the_page_promises(
    lake: Place, drawn: Drawn, tmp_path: Path
) -> None:
    fits(headrace("init", tmp_path / "new", "--json"), "headrace.init/1")
    fits(lake.run("push", "demo/v1", drawn.images, "--json"), "headrace.push/1")
    fits(lake.run("import", "demo/v1", drawn.annotations, "--json"), "headrace.import/1")
    fits(lake.run("import", "demo/v1", drawn.annotations, "--jsonl"), "headrace.import.row/1")
    fits(lake.run("ls", "--json"), "headrace.ls/1 (all versions)")
    fits(lake.run("ls", "demo/v1", "--json"), "headrace.ls/1 (one version)")
    fits(lake.run("ls", "demo/v1", "--jsonl"), "headrace.ls.row/1")
    fits(lake.run("stats", "demo/v1", "--json"), "headrace.stats/1")
    for option, name in (("--json", "headrace.export/1"), ("--jsonl", "headrace.export.row/1")):
        target = tmp_path / f"out{option}"
        fits(lake.run("export", "demo/v1", target, "--to", "yolo", option), name)
    fits(lake.run("pull", "demo/v1", tmp_path / "pulled", "--json"), "headrace.pull/1")
    fits(lake.run("version digest", "demo/v1", "--json"), "headrace.version.digest/1")
    fits(lake.run("ls", "demo/v2", "--json"), "headrace.error/1")
    (tmp_path / "bad.xml").write_text("<annotation><object></annotation>")
    fits(
        headrace("convert", tmp_path / "bad.xml", tmp_path / "x", "--to", "coco", "--json"),
        "headrace.error/1",
    )


def test_a_list_of_any_shape_has_rows_and_names(lake: Place, drawn: Drawn) -> None:
    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    assert sorted(lake.run("label list", "demo/v1", "--quiet").out.split()) == [
        "box",
        "disc",
        "triangle",
    ]
    rows = [
        json.loads(line) for line in lake.run("label list", "demo/v1", "--jsonl").out.splitlines()
    ]
    assert {row["schema"] for row in rows} == {"headrace.label.list.row/1"}
    assert {row["name"]: row["count"] for row in rows}.keys() == {"box", "disc", "triangle"}
    assert lake.run("user list", "--quiet").out == "local\n"
    assert lake.run("tag list", "--quiet").out == ""
