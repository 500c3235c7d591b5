"""The page of conformance is what the tests show: every row leniently and strictly, and passed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tools import make_conformance
from tools.conformance_rows import PAGES

SCRIPT = Path(make_conformance.__file__)


def complete() -> make_conformance.Watcher:
    watcher = make_conformance.Watcher()
    for row in make_conformance.ROWS:
        watcher.ways[row] = {f"test_{row.lower()}_holds": {"L", "S"}}
    return watcher


@pytest.mark.timeout(400)
def test_the_page_is_fresh_and_every_row_is_shown() -> None:
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
