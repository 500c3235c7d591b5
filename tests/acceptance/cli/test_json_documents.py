"""What ``--json`` prints has exactly the keys and types that the page of JSON output promises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from headrace.cli.app import COMMANDS, PAIRS
from tests.acceptance.cli.conftest import Drawn
from tests.support.processes.cli import Outcome, Place, headrace
from tools import make_json_page
from tools.documents import GROUPS
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
    fits(headrace("check", tmp_path / "new", "--json"), "headrace.check/1")
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


def test_every_command_has_a_published_form() -> None:
    forms = {name.partition(" ")[0] for name in DOCUMENTS}
    commands = {"serve", *COMMANDS, *(".".join(words) for words in PAIRS)}
    assert {f"headrace.{name}/1" for name in commands} <= forms


def test_the_groups_print_what_the_page_promises(lake: Place, drawn: Drawn, tmp_path: Path) -> None:
    seen: set[str] = set()

    def check(command: str, *words: str | Path, form: str = "") -> Any:
        apart = command.split()[0] in ("convert", "explain", "completion", "copy")
        runs = (
            headrace(*command.split(), *words, "--json")
            if apart
            else lake.run(command, *words, "--json")
        )
        name = form or f"headrace.{command.replace(' ', '.')}/1"
        fits(runs, name)
        seen.add(name)
        return json.loads(runs.out.splitlines()[0])

    lake.done("push", "demo/v1", drawn.images)
    lake.done("import", "demo/v1", drawn.annotations)
    check("version list")
    check("version show", "demo/v1")
    check("version show", "demo")
    check("version create", "demo/new")
    check("version fork", "demo/v1", "v2")
    check("version rename", "demo/new", "newer")
    check("version add", "demo/newer", "scene_000.png", "scene_001.png")
    check("version merge", "demo/v1", "demo/newer")
    check("version split", "demo/v1", "80/20")
    check("version lock", "demo/v1")
    check("version unlock", "demo/v1")
    check("version metadata", "demo/v1", "a=1")
    check("version remove", "demo/newer", "scene_000.png", "--yes")
    check("version delete", "demo/newer", "--yes")
    removal = check("undo list")["removals"][0]["id"]
    check("undo show", removal)
    check("undo run", removal)
    check("tag create", "demo/v1", "night")
    check("tag add", "demo/v1", "night")
    check("tag remove", "demo/v1", "night")
    check("tag rename", "demo/v1", "night", "day")
    check("tag list", "demo/v1")
    check("tag list")
    check("tag delete", "demo/v1", "day", "--yes")
    lake.done("tag add", "demo/v1", "box")
    lake.done("version rename", "demo/v1", "v1", "--type", "classification")
    check("tag convert", "demo/v1", "box")
    check("label list", "demo/v1")
    check("label show", "demo/v1", "box")
    check("label add", "demo/v1", "x")
    check("label rename", "demo/v1", "x", "y")
    check("label merge", "demo/v1", "y", "--into", "box", "--yes")
    check("label delete", "demo/v1", "disc", "--yes")
    check("processing add", "hello", "--command", "echo hi")
    check("processing list")
    run = check("processing run", "demo/v1", "hello")["job"]
    check("processing remove", "hello")
    check("job list")
    check("job show", run)
    check("job log", run)
    check("job cancel", run)
    check("campaign create", "demo/v1")
    check("campaign edit", "demo/v1", "--description", "d")
    check("campaign add-step", "demo/v1", "annotate")
    check("campaign add-step", "demo/v1", "again")
    check("campaign sync", "demo/v1")
    check("campaign assign", "demo/v1", "local")
    check("campaign assignments", "demo/v1")
    check("campaign submit", "demo/v1", "scene_000.png")
    check("campaign remove-step", "demo/v1", "again", "--to", "annotate")
    check("campaign list")
    check("campaign show", "demo/v1")
    check("campaign close", "demo/v1", "--yes")
    check("campaign delete", "demo/v1", "--yes")
    check("user list")
    check("user add", "demo", "local")
    check("organization add", "local", "ann")
    check("organization create", "vision")
    check("organization rename", "vision", "sight")
    check("organization list")
    token = check("token create", "--user", "ann")["id"]
    check("token list")
    check("token revoke", token)
    check("token rotate-key")
    check("user remove", "ann")
    check("audit")
    fits(lake.run("audit", "--jsonl"), "headrace.audit.row/1")
    seen.add("headrace.audit.row/1")
    out = tmp_path / "out.json"
    check("convert", drawn.annotations, out, "--to", "coco")
    check("copy", lake.target, "demo/v1", lake.target, "demo/copy")
    (tmp_path / "folder").mkdir()
    check("sync", "demo/v1", tmp_path / "folder", "--down")
    check("pull", "demo/v1", tmp_path / "folder", "--verify", form="headrace.pull/1 (--verify)")
    check("ls", "--data", form="headrace.ls/1 (data)")
    check("explain", form="headrace.explain/1 (all codes)")
    check("explain", "V12", form="headrace.explain/1 (one code)")
    check("completion", "bash")
    fits(headrace("--version", "--json"), "headrace.version/1")
    elsewhere = {"headrace.serve/1", "headrace.logout/1", "headrace.whoami/1 (all profiles)"}
    assert {*GROUPS} - {*seen} == elsewhere | {"headrace.version/1"}
