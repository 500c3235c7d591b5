"""The forms of a result: one JSON object, JSON lines, bare names; and colour."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.acceptance.cli.conftest import Drawn
from tests.acceptance.cli.test_cli_bad_input import assert_one_line
from tests.support.processes.cli import Outcome, Place, headrace, on_terminal

BOLD_RED = "\x1b[1;31m"


@pytest.fixture
def pushed(lake: Place, drawn: Drawn) -> Place:
    assert lake.run("push", "demo/v1", drawn.images).status == 0
    return lake


def rows(outcome: Outcome) -> list[dict[str, object]]:
    assert outcome.status == 0, outcome
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_what_is_listed_is_a_row_each(pushed: Place, drawn: Drawn) -> None:
    files = sorted(path.name for path in drawn.images.iterdir())
    found = rows(pushed.run("ls", "demo/v1", "--jsonl"))
    assert sorted(str(row["filename"]) for row in found) == files
    assert {row["schema"] for row in found} == {"headrace.ls.row/1"}
    assert len(rows(pushed.run("ls", "demo/v1", "--jsonl", "--limit", "3"))) == 3
    assert pushed.run("ls", "demo/v1", "--jsonl", "--limit", "0").out == ""
    assert sorted(pushed.run("ls", "demo/v1", "--quiet").out.split()) == files
    (version,) = rows(pushed.run("ls", "--jsonl"))
    assert (version["version"], version["assets"]) == ("demo/v1", 12)
    assert pushed.run("ls", "--quiet").out == "demo/v1\n"
    assert pushed.run("version list", "--quiet").out == "demo/v1\n"


def test_findings_are_a_row_each(drawn: Drawn, tmp_path: Path) -> None:
    arguments = ["convert", drawn.annotations, tmp_path / "out", "--to", "voc"]
    whole = headrace(*arguments, "--json", "--dry-run").json()["findings"]
    assert whole
    found = rows(headrace(*arguments, "--jsonl", "--dry-run"))
    assert [{key: row[key] for key in row if key != "schema"} for row in found] == whole


def test_import_names_the_findings_of_all_files(pushed: Place, drawn: Drawn) -> None:
    report = pushed.done("import", "demo/v1", drawn.annotations)
    expected = [finding["code"] for file in report["files"] for finding in file["findings"]]
    found = rows(pushed.run("import", "demo/v1", drawn.annotations, "--jsonl"))
    assert [row["code"] for row in found] == expected


def test_quiet_prints_only_names_and_paths(pushed: Place, drawn: Drawn, tmp_path: Path) -> None:
    for command, arguments, name in (
        ("pull", ["demo/v1", tmp_path / "pulled"], tmp_path / "pulled"),
        ("import", ["demo/v1", drawn.annotations], "demo/v1"),
        ("export", ["demo/v1", tmp_path / "out.json", "--to", "coco"], tmp_path / "out.json"),
        ("version fork", ["demo/v1", "v2"], "demo/v2"),
        ("push", ["demo/v3", drawn.images], "demo/v3"),
    ):
        outcome = pushed.run(command, *arguments, "--quiet")
        assert (outcome.status, outcome.out, outcome.err) == (0, f"{name}\n", ""), command
    assert headrace("init", tmp_path / "new", "--quiet").out == f"{tmp_path / 'new'}\n"
    assert headrace("convert", "none", tmp_path / "x", "--to", "voc", "--quiet").err.startswith(
        "error: "
    )
    terminal = on_terminal(
        "pull", pushed.target, "demo/v1", str(tmp_path / "again"), "--quiet", columns=300
    )
    assert terminal == f"{tmp_path / 'again'}\n"


def test_errors_are_the_one_object_too(pushed: Place) -> None:
    for option in ("--json", "--jsonl"):
        outcome = pushed.run("stats", "demo/v2", option)
        assert (outcome.status, outcome.err) == (1, "")
        found = outcome.json()
        assert found["schema"] == "headrace.error/1"
        assert found["error"]["code"] == "not-found"
        assert found["error"]["hint"] == "existing: v1"
        assert headrace("exprot", option).json()["error"]["code"] == "usage"


def test_the_forms_exclude_each_other(lake: Place) -> None:
    for options in (["--json", "--jsonl"], ["--quiet", "--jsonl"], ["--json", "--quiet"]):
        outcome = lake.run("ls", *options)
        assert outcome.status == 2
        assert "exclude each other" in outcome.json()["error"]["message"]


@pytest.mark.parametrize(
    ("options", "variables", "coloured"),
    [
        ([], {}, False),
        (["--color", "always"], {}, True),
        (["--color=always"], {"NO_COLOR": "1"}, True),
        ([], {"HEADRACE_COLOR": "always"}, True),
        (["--color", "never"], {"HEADRACE_COLOR": "always", "FORCE_COLOR": "1"}, False),
        ([], {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colour_is_chosen_for_all_messages(
    options: list[str], variables: dict[str, str], coloured: bool
) -> None:
    for command in ("ls", "lss"):
        outcome = headrace(command, "none", *options, **variables)
        assert (BOLD_RED in outcome.err) is coloured
        assert "error:" in outcome.err


def test_a_colour_that_is_none() -> None:
    assert_one_line(
        headrace("ls", "x", "--color", "pink"), "--color cannot be 'pink'", "auto", status=2
    )
    outcome = headrace("ls", "x", HEADRACE_COLOR="pink")
    assert_one_line(outcome, "HEADRACE_COLOR cannot be 'pink'", status=2)


def test_a_terminal_without_colours() -> None:
    assert BOLD_RED in on_terminal("ls", "none")
    assert BOLD_RED not in on_terminal("ls", "none", TERM="dumb")
    assert BOLD_RED not in on_terminal("ls", "none", "--color", "never")
