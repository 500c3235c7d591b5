"""Which rows of the page of conformance the tests show, and in which ways: as they run, and as the page says."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from collections.abc import Generator, Iterator
from typing import Any
from unittest import mock

import pytest

from headrace.formats.findings.collect import Findings

ROW_TEST = re.compile(r"^(?:async )?def (test_[cyvt]\d\d_\w+)", re.MULTILINE)
_ROW = re.compile(r"^\| \*\*([CYVT]\d\d)\*\* \|.*\| ([^|]*) \| \w+ \|$", re.MULTILINE)
_TEST = re.compile(r"(.+) \(([LS -]+)\)")


class Watcher:
    """A pytest plugin that records which row each test shows, how it reads and writes, and whether it passed."""

    def __init__(self) -> None:
        self.ways: dict[str, dict[str, set[str]]] = defaultdict(dict)
        self.failed: dict[str, set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep only the tests of rows."""
        items[:] = [item for item in items if name_of(item) is not None]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Record how a test reads and writes, and whether it fails."""
        name = name_of(item)
        assert name is not None
        row = row_of(name)
        try:
            with observed(self.ways[row].setdefault(name, set())):
                return (yield)
        except BaseException:
            self.failed[row].add(name)
            raise


@contextlib.contextmanager
def observed(ways: set[str]) -> Iterator[None]:
    """Add to ``ways`` an L if anything is read or written leniently meanwhile, and an S if strictly."""
    plain = Findings.__init__

    def watched(findings: Findings, *arguments: Any, **named: Any) -> None:
        plain(findings, *arguments, **named)
        ways.add("S" if findings.strict else "L")

    with mock.patch.object(Findings, "__init__", watched):
        yield


def name_of(item: pytest.Item) -> str | None:
    """Return the name of a test of a row, without its parameters; None for other tests."""
    found = ROW_TEST.match(f"def {item.name}")
    return found and found[1]


def row_of(test: str) -> str:
    """Return the row that the name of a test has."""
    return test[5:8].upper()


def ways_on(page: str) -> dict[str, dict[str, set[str]]]:
    """Return the ways of each row's tests as a page says them, by the names of the tests."""
    return {
        row: {
            f"test_{row.lower()}_{words.replace(' ', '_')}": {*ways.split()} - {"-"}
            for words, ways in map(_split, cell.split("<br>"))
        }
        for row, cell in _ROW.findall(page)
        if cell
    }


def _split(shown: str) -> tuple[str, str]:
    found = _TEST.fullmatch(shown)
    assert found is not None, shown
    return found[1], found[2]
