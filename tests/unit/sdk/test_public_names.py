"""What ``headrace`` shows: every name resolves, late, and to what the type checker sees."""

from __future__ import annotations

import ast
import inspect
import json
import subprocess
import sys

import pytest

import headrace


@pytest.mark.parametrize("name", headrace.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(headrace, name) is not None


def test_the_names_for_the_type_checker_are_the_names() -> None:
    tree = ast.parse(inspect.getsource(headrace))
    (guarded,) = [node for node in tree.body if isinstance(node, ast.If)]
    seen = {
        alias.asname or alias.name: f"{node.module}"
        for node in guarded.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen.keys() | {"__version__"} == set(headrace.__all__) == set(dir(headrace))
    assert list(headrace.__all__) == sorted(headrace.__all__)
    homes = {name: home for name, home in seen.items() if home != "headrace"}
    assert homes == headrace._HOMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        _ = headrace.conect  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "statement", ["headrace", "headrace.blocking", "headrace.sdk.client.connect"]
)
def test_importing_loads_no_driver(statement: str) -> None:
    """Databases, HTTP and formats are loaded when something is opened."""
    heavy = ("aiohttp", "apsw", "lxml", "yaml", "rich", "cyclopts", "uvloop", "PIL")
    code = f"import sys, json, {statement}; print(json.dumps(sorted(set({heavy!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
