"""Help pages: few commands on the first one, three examples on each, and every example can be typed."""

from __future__ import annotations

import inspect
import re
import shlex

import pytest

from headrace.cli.app import ALIASES, COMMANDS, FIRST_PAGE, SUBCOMMANDS
from headrace.cli.console.examples import EXAMPLES
from headrace.cli.parse import parse
from tests.support.processes.cli import headrace

PAIRS = [f"{family} {name}" for family, (*_, names) in SUBCOMMANDS.items() for name in names]
PAGES = [*COMMANDS, *PAIRS]
LINES = [(page, line) for page, lines in EXAMPLES.items() for line in lines]


def test_the_first_page_is_short() -> None:
    shown = headrace("--help", COLUMNS="80").out
    headings = [line[:-1] for line in shown.splitlines() if re.fullmatch(r"[A-Z][a-z, ]+:", line)]
    assert headings[0] == "Move data"
    groups = headings[: headings.index("General")]
    assert len(groups) == 4
    described = re.findall(r"^  (\w+): ", shown, re.MULTILINE)
    assert tuple(described) == FIRST_PAGE
    assert described[:6] == ["push", "pull", "sync", "import", "export", "convert"]
    assert len(described) <= 12
    others = re.search(r"^More commands: ([^.]+)\.", shown, re.MULTILINE)
    assert others
    assert {*re.split(r",\s+", others[1]), *described} == {*COMMANDS, *SUBCOMMANDS}


@pytest.mark.parametrize("page", ["", *SUBCOMMANDS, *PAGES])
def test_every_page_has_three_examples(page: str) -> None:
    shown = headrace(*page.split(), "--help", COLUMNS="80").out
    lines = re.findall(r"^  headrace (.+)$", shown, re.MULTILINE)
    if page in EXAMPLES:
        assert lines == [*EXAMPLES[page]]
    assert 0 < len(lines) <= 3
    assert all(line.startswith(page) or "ls" in line or "rm" in line for line in lines)


@pytest.mark.parametrize("page", PAIRS)
def test_the_usage_line_names_the_arguments(page: str) -> None:
    shown = headrace(*page.split(), "--help", COLUMNS="120").out
    usage = re.search(rf"^Usage: headrace {page} (.*) \[OPTIONS\]$", shown, re.MULTILINE)
    assert usage
    arguments = shown[shown.index("Arguments:") : shown.index("\n\n", shown.index("Arguments:"))]
    described = re.findall(r"^  ([A-Z_]+): ", arguments, re.MULTILINE)
    words = re.sub(r"--[a-z]+ STR", "", usage[1]).split()
    assert [word.strip("[]…") for word in words] == described
    assert [word for word in words if word[0] != "[" and word[-1] != "…"] == re.findall(
        r"^  ([A-Z_]+): .*\[required\]$", arguments, re.MULTILINE
    )


def test_every_command_has_examples_of_its_own() -> None:
    assert EXAMPLES.keys() == {"", *PAGES}
    assert [line for _, line in LINES if len(f"  headrace {line}") > 80] == []
    assert [page for page, lines in EXAMPLES.items() if len(set(lines)) != 3] == []


@pytest.mark.parametrize(("page", "line"), LINES, ids=[line for _, line in LINES])
def test_every_example_parses_as_its_command(page: str, line: str) -> None:
    words = shlex.split(line)
    assert parse(words).command is not None
    meant = words[: len(page.split())]
    if len(meant) == 2 and meant[1] in ALIASES:
        assert page.split()[1] in ALIASES[meant[1]]
    elif page:
        assert meant == page.split()


READS = {
    *("ls", "stats", "explain", "whoami", "completion", "version list", "version show"),
    *("version digest", "tag list", "label list", "label show", "undo list", "undo show"),
    *("processing list", "job list", "job show", "job log", "campaign list", "campaign show"),
    *("campaign assignments", "user list", "token list", "organization list", "audit"),
    # It changes nothing without --repair, and tells then what that would mend.
    *("check", "du", "doctor"),
}
BEGINS = {"init", "serve", "login", "logout", "processing add", "processing run", "token create"}
"""Commands that make one thing, or start one."""


def test_every_command_that_changes_something_can_be_tried_first() -> None:
    functions = {name: function for name, (function, _) in COMMANDS.items()} | {
        f"{family} {name}": function
        for family, (*_, commands) in SUBCOMMANDS.items()
        for name, function in commands.items()
    }
    tried = {
        name for name, each in functions.items() if "dry_run" in inspect.signature(each).parameters
    }
    assert functions.keys() - tried == READS | BEGINS
    confirmed = {
        name for name, each in functions.items() if "yes" in inspect.signature(each).parameters
    }
    assert confirmed <= tried
    assert {name for name in functions if name.endswith(" delete")} <= confirmed


def test_the_exit_statuses_are_on_the_first_page() -> None:
    shown = headrace("--help").out
    table = shown[shown.index("Exit status:") :]
    assert re.findall(r"^ +(\d+) ", table, re.MULTILINE) == ["0", "1", "2", "130"]
