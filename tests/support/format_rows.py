"""Tests of a row of the page of conformance read and write as the page says: checked where they run, in every run."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from typing import Any

import pytest

from tools.conformance_watcher import Watcher, name_of, observed, row_of, ways_on
from tools.make_conformance import PAGE


class RowCheck:
    """A pytest plugin that fails a test of a row which the page shows in another way."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Compare the ways of a test that passes with those on the page."""
        name, ways = name_of(item), set[str]()
        if name is None:
            return (yield)
        with observed(ways):
            result = yield
        wrong = difference(name, ways, whole=not hasattr(item, "callspec"))
        assert wrong is None, wrong
        return result


def check_rows(config: pytest.Config) -> None:
    """Check the tests of rows, unless the page is being made from them."""
    if not any(isinstance(plugin, Watcher) for plugin in config.pluginmanager.get_plugins()):
        config.pluginmanager.register(RowCheck())


def difference(name: str, ways: set[str], *, whole: bool) -> str | None:
    """Return how the ways of a test differ from the page; None if they do not.

    Args:
        name: Name of the test, without parameters.
        ways: The ways in which it read and wrote.
        whole: Whether these are all ways of the test, not those of one parameter.
    """
    shown = _shown().get(row_of(name), {}).get(name)
    if shown is None:
        wrong = "is not there"
    elif not ways <= shown or (whole and ways != shown):
        wrong = f"shows {sorted(shown)}, and it reads or writes {sorted(ways)}"
    else:
        return None
    return f"{name} {wrong} on {PAGE.name}: run tools/python tools/make_conformance.py"


@cache
def _shown() -> dict[str, dict[str, set[str]]]:
    return ways_on(PAGE.read_text(encoding="utf-8"))
