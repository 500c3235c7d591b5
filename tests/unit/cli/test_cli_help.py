"""Help pages: few commands on the first one, three examples on each, and every example can be typed."""

from __future__ import annotations

import re
import shlex

import pytest

from headrace.cli.app import ALIASES, COMMANDS, FIRST_PAGE, SUBCOMMANDS, parse
from headrace.cli.console.examples import EXAMPLES
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


def test_a_command_that_can_do_harm_can_be_tried_first() -> None:
    for command in ("version delete", "version remove", "version rename", "version fork"):
        assert "--dry-run: " in headrace(*command.split(), "--help").out


def test_the_exit_statuses_are_on_the_first_page() -> None:
    shown = headrace("--help").out
    table = shown[shown.index("Exit status:") :]
    assert re.findall(r"^ +(\d+) ", table, re.MULTILINE) == ["0", "1", "2", "130"]
