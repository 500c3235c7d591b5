"""Write docs/reference/formats/conformance.md from the tests that bear a row's name, and from what came of running them.

python tools/make_conformance.py            # write it
python tools/make_conformance.py --check    # fail where it is not what would be written

A test shows a row by its name (``test_c05_…``). That it reads or writes leniently, strictly or both is seen while it runs.
A row that no test shows in both ways, or that fails, is an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from headrace.formats.findings.collect import Findings  # noqa: E402
from tools.conformance_rows import PAGES  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "formats" / "conformance.md"
ROW_TEST = re.compile(r"def test_([cyvt]\d\d)_", re.MULTILINE)
ROWS = {name: row for rows in PAGES.values() for name, row in rows.items()}

HEAD = """\
# Conformance

What files of each format may hold, and what becomes of it. *Lenient* is the default, *strict* is `--strict`. Made by
`tools/make_conformance.py`: every test whose name begins with that of a row is run, and noted by whether it read or
wrote leniently (L), strictly (S), or only called a function of the format's (-). Rules come from the sources that the
pages of [COCO](coco.md), [video COCO](coco-video.md), [YOLO](yolo.md) and [Pascal VOC](voc.md) name.
"""


class Watcher:
    """A plugin of pytest that notes which row's test ran, how, and what came of it."""

    def __init__(self) -> None:
        self.ways: dict[str, dict[str, set[str]]] = defaultdict(dict)
        self.failed: dict[str, set[str]] = defaultdict(set)
        self._running: set[str] | None = None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out what shows no row."""
        items[:] = [item for item in items if ROW_TEST.match(f"def {item.name}")]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note what runs."""
        name = item.name.partition("[")[0]
        row = name[5:8].upper()
        self._running = self.ways[row].setdefault(name, set())
        try:
            return (yield)
        except BaseException:
            self.failed[row].add(name)
            raise
        finally:
            self._running = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Note how findings are asked for."""
        plain = Findings.__init__

        def watched(findings: Findings, *arguments: Any, **named: Any) -> None:
            plain(findings, *arguments, **named)
            if self._running is not None:
                self._running.add("S" if findings.strict else "L")

        with mock.patch.object(Findings, "__init__", watched):
            yield


def run_rows() -> Watcher:
    """Run every test of a row; what a failing one says goes to stderr."""
    files = sorted(
        str(path)
        for path in (ROOT / "tests").rglob("test_*.py")
        if ROW_TEST.search(path.read_text(encoding="utf-8"))
    )
    watcher, words = Watcher(), io.StringIO()
    quiet = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--rootdir={ROOT}"]
    with watcher.watching(), contextlib.redirect_stdout(words):
        pytest.main([*quiet, *files], plugins=[watcher])
    if watcher.failed:
        print(words.getvalue(), file=sys.stderr)
    return watcher


def faults(watcher: Watcher) -> list[str]:
    """What is missing or fails, a line each."""
    found = [
        f"{row}: no such row, but {min(watcher.ways[row])}"
        for row in watcher.ways
        if row not in ROWS
    ]
    for row in ROWS:
        shown = set().union(*watcher.ways[row].values())
        found += [
            f"{row}: no test shows it {word}" for key, word in WAYS.items() if key not in shown
        ]
        found += [f"{row}: {name} fails" for name in sorted(watcher.failed[row])]
    return found


WAYS = {"L": "leniently", "S": "strictly"}


def page(watcher: Watcher) -> str:
    """The whole page."""
    parts = [HEAD]
    for title, rows in PAGES.items():
        parts.append(f"\n## {title}\n\n")
        parts.append("| row | rule | lenient | strict | shown by | passed |\n")
        parts.append("| --- | --- | --- | --- | --- | --- |\n")
        for name, row in rows.items():
            passed = "no" if watcher.failed[name] else "yes"
            cells = [f"**{name}**", *row, "<br>".join(shown(name, watcher)), passed]
            parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n")
    return "".join(parts)


def shown(row: str, watcher: Watcher) -> list[str]:
    """The tests of a row without its name, each with how it reads or writes."""
    tests = watcher.ways[row]
    return [
        f"{name[9:].replace('_', ' ')} ({' '.join(sorted(tests[name])) or '-'})"
        for name in sorted(tests)
    ]


def main(arguments: list[str]) -> int:
    """Write the page, or compare; the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: make_conformance.py [--check]", file=sys.stderr)
        return 2
    watcher = run_rows()
    wrong = faults(watcher)
    made = page(watcher)
    if arguments and (not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made):
        wrong.append(f"{PAGE.name} is stale: run tools/python tools/make_conformance.py")
    if not arguments:
        PAGE.write_text(made, encoding="utf-8")
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
