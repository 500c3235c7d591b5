"""Options from environment variables and files: one scheme for all commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from headrace.cli.app import COMMANDS, PAIRS, make_app
from headrace.cli.console.errors import UsageError
from headrace.cli.console.variables import (
    NEVER,
    PROJECT_COMMANDS,
    PROJECT_NEVER,
    options_of,
    variable_of,
)
from headrace.cli.parse import parse
from headrace.errors import HeadraceWarning
from headrace.settings import Settings, load_settings
from tests.support.processes.cli import headrace

WORDS = [*([name] for name in COMMANDS), *PAIRS]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "config").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path


def arguments(*words: str) -> dict[str, Any]:
    """Return the arguments that a command line calls its command with."""
    command = parse(words).command
    assert command is not None
    cells = {
        name: cell.cell_contents
        for name, cell in zip(command.__code__.co_freevars, command.__closure__ or (), strict=True)
    }
    bound: dict[str, Any] = cells["bound"].arguments
    return bound


def write(home: Path, project: str = "", user: str = "") -> None:
    (home / "work" / "headrace.toml").write_text(project)
    (home / "home" / "config" / "config.toml").write_text(user)


def limit(*words: str) -> Any:
    return arguments("ls", "lake", "a/v1", *words).get("limit")


def test_flag_before_variable_before_project_before_person(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limit() is None
    write(home, user="[ls]\nlimit = 1\n")
    assert limit() == 1
    write(home, project="[ls]\nlimit = 2\n", user="[ls]\nlimit = 1\n")
    assert limit() == 2
    monkeypatch.setenv("HEADRACE_LS_LIMIT", "3")
    assert limit() == 3
    assert limit("--limit", "4") == 4
    monkeypatch.setenv("HEADRACE_LS_LIMIT", "")
    assert limit() == 2


def test_switches_lists_and_required_options(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, user="[version.split]\nname = ['a', 'b']\n[pull]\nuse_id = true\ntree = false\n")
    assert arguments("version", "split", "lake", "a/v1", "1,1")["name"] == ["a", "b"]
    assert arguments("pull", "lake", "a/v1", "out")["use_id"] is True
    monkeypatch.setenv("HEADRACE_CONVERT_TO", "yolo")
    assert arguments("convert", "a", "b")["to"] == "yolo"
    monkeypatch.setenv("HEADRACE_PUSH_INCLUDE", "*.png *.jpg")
    monkeypatch.setenv("HEADRACE_PUSH_EXCLUDE", "b*")
    assert arguments("push", "lake", "a/v1", "x")["choice"].globs == ("+*.png", "+*.jpg", "-b*")
    given = arguments("push", "lake", "a/v1", "x", "--include", "c*")
    assert given["choice"].globs == ("+c*",)


def test_an_option_overrules_those_that_it_excludes(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_LS_JSON", "1")
    write(home, user="[ls]\nquiet = true\n")
    assert parse(["ls", "lake"]).output.form == "json"
    assert parse(["ls", "lake", "--jsonl"]).output.form == "jsonl"


def test_what_deletes_or_is_secret_is_read_from_the_command_line_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_SYNC_YES", "1")
    with pytest.warns(HeadraceWarning, match="HEADRACE_SYNC_YES: --yes is read from the command"):
        assert "yes" not in arguments("sync", "lake", "a/v1", "x")
    monkeypatch.delenv("HEADRACE_SYNC_YES")
    write(home, user="[ls]\ntoken = 'hr_abc'\n")
    with pytest.warns(HeadraceWarning, match="--token is read from the command line") as caught:
        arguments("ls", "lake")
    assert not any("hr_abc" in str(each.message) for each in caught)


@pytest.mark.parametrize(
    "table",
    [
        "[pull]\ncombined = 'x'",
        "[sync]\nprefer = 'local'",
        "[serve]\nhost = '0.0.0.0'",
        "[copy]\nno_verify = true",
    ],
)
def test_a_project_cannot_set_what_could_do_harm(home: Path, table: str) -> None:
    write(home, project=table)
    words = ["a/v1", "x"] if "serve" not in table else []
    with pytest.warns(HeadraceWarning, match="a project cannot set it: do it in"):
        found = arguments(table[1:].partition("]")[0], "lake", *words)
    assert not {"combined", "prefer", "host", "no_verify"} & {*found}


def test_wrong_names_and_values_say_where_they_stand(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failure() -> str:
        with pytest.raises(UsageError) as caught:
            limit()
        return f"{caught.value.failure.message}. {caught.value.failure.hint}"

    write(home, user="[ls]\nlimt = 1\n")
    assert "config.toml: headrace ls has no option --limt. did you mean '--limit'?" in failure()
    write(home, user="[lss]\nlimit = 1\n")
    assert "config.toml: no command 'lss'. did you mean 'ls'?" in failure()
    write(home, user="[ls]\nlimit = [1, 2]\n")
    assert "config.toml: --limit has one value, not a list. give the value alone" in failure()
    write(home)
    monkeypatch.setenv("HEADRACE_LS_LIMIT", "many")
    assert failure() == "HEADRACE_LS_LIMIT: --limit cannot be 'many'. give a whole number"
    monkeypatch.delenv("HEADRACE_LS_LIMIT")
    monkeypatch.setenv("HEADRACE_LS_LIMITS", "1")
    with pytest.warns(HeadraceWarning, match="HEADRACE_LS_LIMITS has no effect.*'--limit'"):
        assert limit() is None


def test_the_sdk_reads_settings_beside_tables(home: Path) -> None:
    write(home, project="max_workers = 3\n[ls]\nlimit = 2\n")
    assert load_settings().max_workers == 3


def test_names_are_never_ambiguous() -> None:
    app = make_app()
    seen: dict[str, str] = {
        f"HEADRACE_{name.upper()}": "a setting" for name in Settings.__struct_fields__
    }
    known: set[str] = set()
    for words in WORDS:
        inner = app
        for word in words:
            inner = inner[word]
        collected = inner.assemble_argument_collection()
        known |= {name for argument in collected for name in argument.names}
        for name in options_of(collected):
            variable = variable_of(words, name)
            assert seen.setdefault(variable, " ".join(words)) == " ".join(words)
    assert known >= {*NEVER, *PROJECT_NEVER}
    assert {*PROJECT_COMMANDS} <= {*COMMANDS}


def test_help_names_the_scheme() -> None:
    assert "HEADRACE_PULL_OPTION and [pull] in" in headrace("pull", "--help", COLUMNS="200").out


def test_a_project_sets_how_a_server_works_and_not_who_reaches_it(home: Path) -> None:
    write(home, project="[serve]\nprocesses = 3\nlog_level = 'info'\n")
    found = arguments("serve", "lake")
    assert (found["processes"], found["log_level"]) == (3, "info")
    for key in ("host", "public_url", "metrics", "unix_socket", "unix_socket_mode", "access_log"):
        write(home, project=f"[serve]\n{key} = 'x'\n")
        with pytest.warns(HeadraceWarning, match="a project cannot set it"):
            assert key not in arguments("serve", "lake")
