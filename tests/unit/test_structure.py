"""The structure of the source: no import rings, no crowded folders, one name for one class, the field's words."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.syntax import nodes

SOURCE = Path(__file__).resolve().parents[2] / "src"
PACKAGE = SOURCE / "headrace"

MOST_FILES = 21
CROWDED = {
    "formats/coco": "three orders of annotations and a way to the same format, each of which its benchmark needs",
    "blocking/sdk": "one module for each module of the official client",
    "storage/database/sql/common": "one file of statements for each part of the platform",
    "storage/database/sql/postgres": "one file of statements for each part of the platform",
    "storage/database/sql/sqlite": "one file of statements for each part of the platform",
}

DRIVERS = {
    "asyncpg": ("headrace", "headrace.storage.database.postgres"),
    "obstore": ("headrace", "headrace.storage.objects.s3"),
    # Copies of versions, fingerprints and the care of lakes keep files of their own format in SQLite, too.
    "apsw": ("headrace.storage", "headrace.storage.database.sqlite"),
}
"""Packages of drivers: within the first package, only modules of the second one may import them."""

OLD_WORDS = {
    "anew", "carrier", "carriers", "carrying", "company", "courier", "crew", "dealing", "desk", "door", "face",
    "heard", "keeper", "lane", "longway", "loose", "nobody", "numbering", "outline", "pour", "proof", "reach", "shipped", "somebody", "spelling", "survey", "tabulate", "tell", "textout", "told", "trip",
    "whoever",
}  # fmt: skip
"""Words that the source once used for things that have a standard name; the glossary in docs/contributing.md has those."""


def modules() -> dict[str, Path]:
    """Every module of the package, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.with_suffix("").relative_to(SOURCE).parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports(name: str) -> Iterator[str]:
    """The modules of the package that a module imports, also inside functions and for type checking alone."""
    for node in nodes(MODULES[name]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in MODULES:
                    yield inner
                elif node.module in MODULES:
                    yield node.module


def ring(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def packages(path: Path) -> Iterator[str]:
    """The packages that a module imports, also inside functions."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("driver", DRIVERS)
def test_only_its_adapter_imports_a_driver(driver: str) -> None:
    within, adapter = DRIVERS[driver]
    using = {name for name, path in MODULES.items() if driver in set(packages(path))}
    assert any(name.startswith(f"{adapter}.") for name in using)
    assert {
        name
        for name in using
        if name.startswith(f"{within}.") and not name.startswith(f"{adapter}.")
    } == set()


def test_no_modules_import_each_other_in_a_ring() -> None:
    # The package itself names its public classes for type checkers; it loads them when they are first used.
    graph = {name: set(imports(name)) for name in MODULES if name != "headrace"}
    assert ring(graph) == []


def test_a_ring_is_found() -> None:
    assert ring({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent for path in PACKAGE.rglob("*.*") if path.suffix in (".py", ".sql")}),
    ids=lambda folder: str(folder.relative_to(SOURCE)),
)
def test_no_folder_is_crowded(folder: Path) -> None:
    if str(folder.relative_to(PACKAGE)) not in CROWDED:
        assert len([path for path in folder.iterdir() if path.is_file()]) <= MOST_FILES


def test_a_class_name_is_unique_in_its_package() -> None:
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for name, path in MODULES.items():
        top = ".".join(name.split(".")[:2])
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                places[top, node.name].append(name)
    assert {name: found for (_, name), found in places.items() if len(found) > 1} == {}


def words(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def names(path: Path) -> Iterator[str]:
    """The name of a file and those of its classes and functions."""
    yield path.stem
    for node in nodes(path):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_names_use_the_words_of_the_field() -> None:
    old = {
        f"{path.relative_to(PACKAGE)}: {name}"
        for path in MODULES.values()
        for name in names(path)
        if OLD_WORDS & set(words(name))
    }
    assert sorted(old) == []


def test_words_are_found_in_names() -> None:
    assert words("HTTPLaneReader") == ["http", "lane", "reader"]
    assert words("_open_the_door2") == ["open", "the", "door"]
