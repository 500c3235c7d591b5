"""Write tests/methods.md: every public method of the SDK and a test that ran it, through each of four doors.

    tools/python tools/make_methods.py            run the tests that call methods, and write the page
    tools/python tools/make_methods.py TEST…      run these only; other cells stay as they are
    tools/python tools/make_methods.py --check    exit 1 where the page lacks a method, or a cell is empty

A cell names the test that calls the method and the fewest others. What the official client does not have is told by its
own source; a door that a method cannot have is told by ``CANNOT``.
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
DOORS = ("lake", "http", "blocking", "official")
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
"""Cells that cannot exist, and why."""

HEAD = """\
# Methods

Every public method of the SDK, and a test that ran it on an embedded lake, over HTTP, on the blocking face, and through the
official client (picsellia 6.37.0) against `headrace serve`. Made by `tools/make_methods.py` from the tests' own results:
a cell names the test that calls the method and the fewest others. `-` stands where the official client has no such method.

"""


def main() -> int:
    """Record and write, or check what is there."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--check", action="store_true", help="only look at the page")
    parser.add_argument("--recorded", type=Path, help="a folder that an earlier run left")
    parser.add_argument("tests", nargs="*", help="files of tests, all that call methods by default")
    options = parser.parse_args()
    if options.check:
        return tell(lacking(PAGE.read_text(encoding="utf-8")))
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
    return tell(lacking(text))


def tell(faults: list[str]) -> int:
    """Print what is wrong; the exit status."""
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def record(folder: Path, tests: Iterable[str]) -> bool:
    """Run the tests while their calls are noted; whether they passed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-m", "", "-k", UNLESS, *tests]
    environment = {**os.environ, "HEADRACE_RECORD": str(folder)}
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def read(folder: Path) -> dict[tuple[str, str], str]:
    """The test of each method and door: the one that calls the fewest others, then the first by name."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            told = json.loads(line)
            calls = [(name, door) for name, door in told["calls"]]
            for cell in calls:
                candidate = (len(calls), told["test"])
                found[cell] = min(found.get(cell, candidate), candidate)
    return {cell: test for cell, (_, test) in found.items()}


def methods() -> list[tuple[str, list[str]]]:
    """The classes of the SDK with their public methods, in the order of the source."""
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
    """What the official client's class of this name has; read from its source, with that of its bases."""
    module = "client" if name == "Client" else f"sdk/{home(name)}"
    found: set[str] = set()
    waiting = [(module, name)]
    while waiting:
        place, each = waiting.pop()
        tree = ast.parse((OFFICIAL / f"{place}.py").read_text(encoding="utf-8"))
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
                waiting += [(imported.get(base, place), base) for base in bases if base != each]
    return found


def _name(node: ast.expr) -> str:
    inner = node.value if isinstance(node, ast.Subscript) else node
    return inner.id if isinstance(inner, ast.Name) else ""


def page(cells: dict[tuple[str, str], str], kept: dict[tuple[str, str], str]) -> str:
    """The whole page; ``kept`` are the cells of an earlier one, for what was not run now."""
    parts = [HEAD]
    for name, listed in methods():
        parts.append(f"## {name}\n\n| | {' | '.join(DOORS)} |\n|---|---|---|---|---|\n")
        known = official_methods(name)
        for method in listed:
            whole = f"{name}.{method}"
            row = [cell(whole, door, cells, known) or kept.get((whole, door), "") for door in DOORS]
            parts.append(f"| `{method}` | {' | '.join(row)} |\n")
        parts.append("\n")
    return "".join(parts).rstrip() + "\n"


def cell(method: str, door: str, cells: dict[tuple[str, str], str], known: Iterable[str]) -> str:
    """One cell: a link to the test, or why there is none; empty where there should be one."""
    test = cells.get((method, door))
    if test is not None:
        path, _, name = test.partition("::")
        words = (
            re.sub(r"\[.*", "", name.rpartition("::")[2]).removeprefix("test_").replace("_", " ")
        )
        return f"[{words}](../{path})"
    if door == "official" and method.partition(".")[2] not in known:
        return "-"
    return CANNOT.get((method, door), "")


def rows_of(text: str) -> dict[str, dict[str, list[str]]]:
    """The cells of a page, by class and method."""
    sections = re.findall(r"^## (\w+)\n\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    found: dict[str, dict[str, list[str]]] = {}
    for name, table in sections:
        rows = [line.strip("|").split("|") for line in table.strip().splitlines()[2:]]
        found[name] = {
            row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows
        }
    return found


def shown(text: str) -> dict[tuple[str, str], str]:
    """The cells of a page, by method and door."""
    return {
        (f"{name}.{method}", door): cell
        for name, rows in rows_of(text).items()
        for method, cells in rows.items()
        for door, cell in zip(DOORS, cells, strict=True)
    }


def lacking(text: str) -> list[str]:
    """What is wrong with a page: methods that it does not list, cells that are empty or whose test is gone."""
    faults = []
    found = rows_of(text)
    for name, listed in methods():
        rows = found.get(name, {})
        for method in listed:
            if method not in rows:
                faults.append(f"{name}.{method} is not on the page")
                continue
            faults += [
                f"{name}.{method}: no test through {door}"
                for door, said in zip(DOORS, rows[method], strict=True)
                if not said
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
