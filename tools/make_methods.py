"""Write tests/methods.md: every public method of the SDK and a test that calls it, in each of four ways.

    tools/python tools/make_methods.py            run the tests that call methods, and write the page
    tools/python tools/make_methods.py TEST…      run these only; other cells stay as they are
    tools/python tools/make_methods.py --check    exit 1 where the page lacks a method, or a cell is empty

A cell names the test that calls the method and the fewest others. The source of the official client says which methods
it has; ``CANNOT`` lists the ways in which a method cannot be called.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import headrace  # noqa: E402
from tools.make_blocking import CLASSES, LIST_METHODS, home  # noqa: E402

PAGE = ROOT / "tests" / "methods.md"
WAYS = ("lake", "http", "blocking", "official")
PROPERTIES = {"DatasetVersion": ("origin_id", "name", "version", "type")}
TESTS = (
    "tests/conformance/sdk",
    "tests/acceptance/blocking",
    "tests/acceptance/sdk",
    "tests/faults/sdk",
    "tests/interop",
)
UNLESS = "not many_assets and not real_images and not peers and not flat_memory"
OFFICIAL = Path(sysconfig.get_paths()["purelib"]) / "picsellia"

CANNOT: dict[tuple[str, str], str] = {
    ("Client.aclose", "blocking"): "it is called `close` there",
    (
        "AnnotationCampaignAssignment.sync",
        "official",
    ): "6.37.0 asks for an address with a doubled path",
}
"""Cells that must stay empty, and why."""

HEAD = """\
# Methods

Every public method of the SDK, and a test that ran it on an embedded lake, over HTTP, on the blocking API, and through the
official client (picsellia 6.37.0) against `headrace serve`. Made by `tools/make_methods.py` from the tests' own results:
a cell names the test that calls the method and the fewest others. `-` stands where the official client has no such method.

"""


def main() -> int:
    """Record calls and write the page, or check the page."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only look at the page")
    parser.add_argument("--recorded", type=Path, help="a folder that an earlier run left")
    parser.add_argument("tests", nargs="*", help="files of tests, all that call methods by default")
    options = parser.parse_args()
    if options.check:
        return report(lacking(PAGE.read_text(encoding="utf-8")))
    if options.recorded:
        cells = read(options.recorded)
    else:
        with tempfile.TemporaryDirectory() as folder:
            if not record(Path(folder), options.tests or TESTS):
                return 1
            cells = read(Path(folder))
    kept = shown(PAGE.read_text(encoding="utf-8")) if options.tests else {}
    text = page(cells, kept)
    PAGE.write_text(text, encoding="utf-8")
    return report(lacking(text))


def report(faults: list[str]) -> int:
    """Print the faults and return the exit status."""
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def record(folder: Path, tests: Iterable[str]) -> bool:
    """Run the tests and record their calls; return whether they passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "", "-k", UNLESS, *tests]
    environment = {**os.environ, "HEADRACE_RECORD": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def read(folder: Path) -> dict[tuple[str, str], str]:
    """Choose the test of each method and way: the one that calls the fewest others, then the first by name."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            calls = [(name, way) for name, way in entry["calls"]]
            for cell in calls:
                candidate = (len(calls), entry["test"])
                found[cell] = min(found.get(cell, candidate), candidate)
    return {cell: test for cell, (_, test) in found.items()}


def methods() -> list[tuple[str, list[str]]]:
    """Return the classes of the SDK with their public methods, in the order of the source."""
    listed = []
    for name in CLASSES:
        cls = getattr(headrace, name)
        names: dict[str, None] = {}
        for base in cls.__mro__:
            if not base.__module__.startswith("headrace.sdk"):
                continue
            for each, attribute in vars(base).items():
                if each.startswith("_") or (name.startswith("Multi") and each in LIST_METHODS):
                    continue
                if inspect.isfunction(attribute):
                    names[each] = None
        listed.append((name, [*PROPERTIES.get(name, ()), *names]))
    return listed


def official_methods(name: str) -> set[str]:
    """Return the methods of a class of the official client, with those of its bases, from its source."""
    module = "client" if name == "Client" else f"sdk/{home(name)}"
    found: set[str] = set()
    waiting = [(module, name)]
    while waiting:
        source, each = waiting.pop()
        if not (OFFICIAL / f"{source}.py").is_file():
            continue  # a class that only headrace has
        tree = ast.parse((OFFICIAL / f"{source}.py").read_text(encoding="utf-8"))
        imported = {
            alias.name: node.module.removeprefix("picsellia.").replace(".", "/")
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            and node.module
            and node.module.startswith("picsellia.")
            for alias in node.names
        }
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name == each:
                found |= {part.name for part in node.body if isinstance(part, ast.FunctionDef)}
                bases = [_name(base) for base in node.bases]
                waiting += [(imported.get(base, source), base) for base in bases if base != each]
    return found


def _name(node: ast.expr) -> str:
    inner = node.value if isinstance(node, ast.Subscript) else node
    return inner.id if isinstance(inner, ast.Name) else ""


def page(cells: dict[tuple[str, str], str], kept: dict[tuple[str, str], str]) -> str:
    """Generate the page; ``kept`` are the cells of the present one, for tests that were not run."""
    parts = [HEAD]
    for name, listed in methods():
        parts.append(f"## {name}\n\n| | {' | '.join(WAYS)} |\n|---|---|---|---|---|\n")
        known = official_methods(name)
        for method in listed:
            whole = f"{name}.{method}"
            row = [cell(whole, way, cells, known) or kept.get((whole, way), "") for way in WAYS]
            parts.append(f"| `{method}` | {' | '.join(row)} |\n")
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def cell(method: str, way: str, cells: dict[tuple[str, str], str], known: Iterable[str]) -> str:
    """Generate a cell: a link to the test, or the reason why there is none; empty if a test is missing."""
    test = cells.get((method, way))
    if test is not None:
        path, _, name = test.partition("::")
        words = (
            re.sub(r"\[.*", "", name.rpartition("::")[2]).removeprefix("test_").replace("_", " ")
        )
        return f"[{words}](../{path})"
    if way == "official" and method.partition(".")[2] not in known:
        return "-"
    return CANNOT.get((method, way), "")


def rows_of(text: str) -> dict[str, dict[str, list[str]]]:
    """Return the cells of a page, by class and method."""
    sections = re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    found: dict[str, dict[str, list[str]]] = {}
    for name, table in sections:
        rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
        found[name] = {
            row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows
        }
    return found


def shown(text: str) -> dict[tuple[str, str], str]:
    """Return the cells of a page, by method and way."""
    return {
        (f"{name}.{method}", way): cell
        for name, rows in rows_of(text).items()
        for method, cells in rows.items()
        for way, cell in zip(WAYS, cells, strict=True)
    }


def lacking(text: str) -> list[str]:
    """Return the faults of a page: methods that it does not list, and cells that are empty or name no test."""
    faults = []
    found = rows_of(text)
    for name, listed in methods():
        rows = found.get(name, {})
        for method in listed:
            if method not in rows:
                faults.append(f"{name}.{method} is not on the page")
                continue
            faults += [
                f"{name}.{method}: no test through {way}"
                for way, entry in zip(WAYS, rows[method], strict=True)
                if not entry
            ]
        faults += [f"{name}.{gone} is no method" for gone in sorted(rows.keys() - set(listed))]
    for words, path in sorted(set(re.findall(r"\[([^\]]+)\]\(\.\./(\S+?)\)", text))):
        file = ROOT / path
        test = f"def test_{words.replace(' ', '_')}("
        if not file.exists() or test not in file.read_text(encoding="utf-8"):
            faults.append(f"{path} has no test {words!r}")
    return faults


if __name__ == "__main__":
    sys.exit(main())
