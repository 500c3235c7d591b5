"""The table of a server's settings is complete: every option, its variable, its key, every field."""

from __future__ import annotations

import re
from pathlib import Path

from headrace.cli.app import make_app
from headrace.cli.console.variables import PROJECT_NEVER, options_of, variable_of
from headrace.server.settings import ServerSettings
from headrace.settings import PERSONAL, Settings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "settings.md"
LOG = {"--log-file", "--log-format"}
"""Options of all commands that mean something of their own here."""
POLICIES = {"undo", "audit"}
"""Fields that settings of several keys make up; they have no options."""


def rows() -> dict[str, list[str]]:
    """The cells of each row, by its option."""
    section = PAGE.read_text(encoding="utf-8").partition("## Settings of a server")[2]
    found = {}
    for line in section.splitlines():
        if line.startswith("| `--"):
            option, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            found[option.strip("` |")] = cells
    return found


def test_every_option_of_serve_has_a_row_with_its_variable_and_key() -> None:
    options = options_of(make_app()["serve"].assemble_argument_collection())
    own = {
        name: argument
        for name, argument in options.items()
        if name in LOG or str(getattr(argument.parameter.group, "name", "")) != "Output"
    }
    shared = {
        "--json",
        "--jsonl",
        "--quiet",
        "--color",
        "--progress",
        "--no-progress",
        "--progress-file",
    }
    found = rows()
    assert {*found} == {*own} - shared
    for option, (variable, key, *_) in found.items():
        name = option.removeprefix("--").replace("-", "_")
        path = "Path" in str(options[option].hint)
        if name in Settings.__struct_fields__:
            assert variable == f"`HEADRACE_{name.upper()}`"
            assert key.startswith(f"`{name}`")
            mine = name in PERSONAL
        else:
            assert variable == f"`{variable_of(['serve'], option)}`"
            assert key.startswith(f"`[serve]` `{name}`")
            mine = path or option in PROJECT_NEVER
        assert key.endswith("¹") == mine, option


def test_every_field_of_the_settings_can_be_set() -> None:
    options = {option.removeprefix("--").replace("-", "_") for option in rows()}
    fields = {*ServerSettings.__struct_fields__} - {"undo", "audit"}
    assert fields <= options
    assert fields <= {*Settings.__struct_fields__}


def test_every_option_is_read_by_the_server() -> None:
    """A setting that is loaded and not handed on would do nothing."""
    source = (PAGE.parents[2] / "src/headrace/cli/server/serve.py").read_text(encoding="utf-8")
    loaded = source.partition("load_settings(\n")[2].partition(")")[0]
    fields = {*ServerSettings.__struct_fields__} - {"undo", "audit"}
    assert {*re.findall(r"(\w+)=\1", loaded)} == fields
