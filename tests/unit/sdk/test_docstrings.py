"""Docstrings of the SDK: arguments are described, and examples are code that could run."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

import pytest

import headrace
from headrace import blocking

CLASSES = sorted(
    {
        name
        for name in headrace.__all__
        if inspect.isclass(thing := getattr(headrace, name))
        and thing.__module__.startswith("headrace.sdk.")
    }
)
FUNCTIONS = (
    *("connect", "create_lake", "check_lake"),
    *("backup_lake", "restore_lake", "list_snapshots", "collect_garbage", "lake_usage"),
    *("migrate_lake", "reopen_lake"),
)
EXAMPLE = re.compile(r"^( *)```python\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def methods(cls: type) -> Iterator[tuple[str, object]]:
    for base in cls.__mro__:
        if base.__module__.startswith("headrace."):
            yield from (
                (name, function)
                for name, function in vars(base).items()
                if not name.startswith("_") and inspect.isfunction(function)
            )


def examples(text: str) -> list[ast.Module]:
    """The examples of a docstring, parsed as the body of an async function."""
    found = []
    for match in EXAMPLE.finditer(text):
        body = textwrap.indent(textwrap.dedent(match[2]), "    ")
        found.append(ast.parse(f"async def example():\n{body}"))
    return found


def undescribed(function: object) -> list[str]:
    """The parameters of a function that its docstring does not describe."""
    assert callable(function)
    text = inspect.getdoc(function) or ""
    parameters = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.name != "self"
    ]
    stars = {inspect.Parameter.VAR_KEYWORD: "**", inspect.Parameter.VAR_POSITIONAL: "*"}
    return [
        each.name
        for each in parameters
        if not re.search(
            rf"^    {re.escape(stars.get(each.kind, '') + each.name)}: ", text, re.MULTILINE
        )
    ]


LISTS = {"insert", "extend"}
"""Methods of Python's lists, described there."""


@pytest.mark.parametrize("name", CLASSES)
def test_every_argument_is_described(name: str) -> None:
    lacking = {
        method: names
        for method, function in methods(getattr(headrace, name))
        if method not in LISTS
        and not hasattr(function, "__wrapped__")
        and (names := undescribed(function))
    }
    assert lacking == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_a_function_is_described(name: str) -> None:
    assert undescribed(getattr(headrace, name)) == []
    assert undescribed(getattr(blocking, name)) == []


@pytest.mark.parametrize("name", CLASSES)
def test_examples_are_code(name: str) -> None:
    cls = getattr(headrace, name)
    for text in (cls.__doc__, *(inspect.getdoc(function) for _, function in methods(cls))):
        examples(text or "")


@pytest.mark.parametrize("name", [name for name in CLASSES if hasattr(blocking, name)])
def test_blocking_examples_await_nothing(name: str) -> None:
    cls = getattr(blocking, name)
    for text in (cls.__doc__, *(inspect.getdoc(function) for _, function in methods(cls))):
        for example in examples(text or ""):
            waiting = (ast.Await, ast.AsyncFor, ast.AsyncWith)
            assert not [node for node in ast.walk(example) if isinstance(node, waiting)]
        assert "await" not in (text or "")


def test_there_are_examples() -> None:
    """The pattern above finds them."""
    assert len(examples(headrace.DatasetVersion.__doc__ or "")) == 1
