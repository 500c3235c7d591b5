"""The page of conformance is what the tests show: every row leniently and strictly, and passed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.data.formats import samples
from tests.support.format_rows import difference
from tools import make_conformance
from tools.conformance_rows import PAGES
from tools.conformance_watcher import Watcher, ways_on

SCRIPT = Path(make_conformance.__file__)


def complete() -> Watcher:
    watcher = Watcher()
    for row in make_conformance.ROWS:
        watcher.ways[row] = {f"test_{row.lower()}_holds": {"L", "S"}}
    return watcher


def test_the_page_is_that_of_the_tests_and_ways_that_it_names() -> None:
    """Each test of a row compares its ways with the page when it runs; so this runs none of them."""
    text, watcher = make_conformance.PAGE.read_text(encoding="utf-8"), Watcher()
    watcher.ways.update(ways_on(text))
    assert make_conformance.faults(watcher) == []
    shown = sorted(name for tests in watcher.ways.values() for name in tests)
    assert shown == sorted(
        name for names in make_conformance.row_tests().values() for name in names
    )
    assert make_conformance.page(watcher) == text


def test_a_test_that_differs_from_the_page_is_noticed() -> None:
    both = "test_c02_without_annotations"
    assert difference(both, {"L", "S"}, whole=True) is None
    assert difference(both, {"S"}, whole=False) is None
    assert "it reads or writes ['S']" in str(difference(both, {"S"}, whole=True))
    neither = "test_c12_damaged_texts_are_refused"
    assert difference(neither, set(), whole=True) is None
    assert "it reads or writes ['L']" in str(difference(neither, {"L"}, whole=False))
    assert "is not there" in str(difference("test_c02_is_news", {"L"}, whole=True))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_page_is_what_a_run_of_its_tests_gives() -> None:
    samples("ultralytics-hub")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_rows_are_those_of_the_table() -> None:
    counts = {title: len(rows) for title, rows in PAGES.items()}
    assert counts == {"COCO": 36, "Video COCO": 8, "YOLO": 35, "Pascal VOC": 19}
    for letter, rows in zip("CTYV", PAGES.values(), strict=True):
        assert list(rows) == [f"{letter}{number:02}" for number in range(1, len(rows) + 1)]


def test_a_row_without_a_strict_test_is_noticed() -> None:
    watcher = complete()
    assert make_conformance.faults(watcher) == []
    watcher.ways["C05"] = {"test_c05_holds": {"L"}}
    watcher.ways["V16"] = {}
    watcher.ways["Y99"] = {"test_y99_is_news": set()}
    watcher.failed["T07"].add("test_t07_holds")
    assert make_conformance.faults(watcher) == [
        "Y99: no such row, but test_y99_is_news",
        "C05: no test shows it strictly",
        "T07: test_t07_holds fails",
        "V16: no test shows it leniently",
        "V16: no test shows it strictly",
    ]
    assert "| no |" in make_conformance.page(watcher)


def test_unknown_arguments_are_refused() -> None:
    assert make_conformance.main(["--nonsense"]) == 2
