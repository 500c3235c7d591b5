"""The page of methods lists all of them, and a test that is there in every cell."""

from __future__ import annotations

from tools import make_methods


def test_every_method_has_its_cells() -> None:
    """Where this fails: ``tools/python tools/make_methods.py TEST…`` with the tests of the new method."""
    assert make_methods.lacking(make_methods.PAGE.read_text(encoding="utf-8")) == []


def test_what_is_missing_is_noticed() -> None:
    text = make_methods.PAGE.read_text(encoding="utf-8")
    cells = make_methods.shown(text)
    line = next(line for line in text.splitlines() if line.startswith("| `fork` |"))
    gone = text.replace(f"{line}\n", "")
    assert make_methods.lacking(gone) == ["DatasetVersion.fork is not on the page"]
    empty = text.replace(line, "| `fork` |  | x | x | x | x |")
    assert make_methods.lacking(empty) == ["DatasetVersion.fork: no test through lake"]
    other = text.replace(line, "| `fork` | [no such](../tests/conftest.py) | x | x | x | x |")
    assert make_methods.lacking(other) == ["tests/conftest.py has no test 'no such'"]
    assert make_methods.page({}, cells) == text
    assert make_methods.summary(text) == make_methods.SUMMARY.read_text(encoding="utf-8")
    assert make_methods.cell("Client.aclose", "blocking", {}, ()) != ""
    assert make_methods.cell("Client.push", "official", {}, {"get_dataset"}) == "-"
    assert make_methods.cell("Client.get_dataset", "official", {}, {"get_dataset"}) == ""
