"""Every public method of the SDK has a command or a reason, and every command a method or a reason."""

from __future__ import annotations

import pytest

from headrace.cli.app import SUBCOMMANDS
from tools import make_commands


def test_the_table_is_complete() -> None:
    """Where this fails: add the method or the command to ``METHODS`` in ``tools/make_commands.py``, and run it."""
    assert make_commands.lacking() == []


def test_the_page_is_fresh() -> None:
    assert make_commands.PAGE.read_text(encoding="utf-8") == make_commands.page()


def test_what_is_missing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = dict(make_commands.METHODS["Tag"])
    del rows["tag rename"]
    rows["tag paint"] = "paint"
    monkeypatch.setitem(make_commands.METHODS, "Tag", rows)
    assert make_commands.lacking() == [
        "Tag.update: no command",
        "Tag.paint: no method",
        "tag paint: no such command",
        "tag rename: not in the table",
    ]
    assert make_commands.main(["--check"]) == 1


def test_a_new_command_must_be_entered(monkeypatch: pytest.MonkeyPatch) -> None:
    text, group, commands = SUBCOMMANDS["tag"]
    monkeypatch.setitem(SUBCOMMANDS, "tag", (text, group, {**commands, "paint": print}))
    assert make_commands.lacking() == ["tag paint: not in the table"]
