"""What the source never does: run code that data names, or unpack archives (S03, S19); and its regular expressions are linear
in what they read (S20)."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import headrace
from tests.support.syntax import nodes

SOURCE = Path(__file__).resolve().parents[2] / "src" / "headrace"
FILES = sorted(SOURCE.rglob("*.py"))

PICKLE = SOURCE / "engine" / "convert" / "workers" / "pickles.py"
"""The one place that pickles: messages between a conversion and its own workers, of types that are listed there."""

FORBIDDEN_MODULES = {
    "pickle",
    "shelve",
    "dill",
    "cloudpickle",
    "zipfile",
    "tarfile",
    "shutil.unpack_archive",
}
FORBIDDEN_CALLS = {
    "eval",
    "exec",
    "compile",
    "os.system",
    "os.popen",
    "yaml.load",
    "yaml.unsafe_load",
}


def imported(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in nodes(path) if isinstance(node, ast.Call))


def relative(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def test_s19_only_workers_pickle_and_nobody_unpacks_archives() -> None:
    found = {
        (relative(path), name)
        for path in FILES
        for name in imported(path)
        if name in FORBIDDEN_MODULES
    }
    assert found == {(relative(PICKLE), "pickle")}


def test_s19_nothing_is_run_that_data_name() -> None:
    found = [
        f"{relative(path)}:{call.lineno}: {ast.unparse(call.func)}"
        for path in FILES
        for call in calls(path)
        if ast.unparse(call.func) in FORBIDDEN_CALLS
        or (
            ast.unparse(call.func).startswith("subprocess.")
            and any(keyword.arg == "shell" for keyword in call.keywords)
        )
    ]
    assert found == []


# --- regular expressions -------------------------------------------------------------------------------------

FUNCTIONS = {"compile", "match", "fullmatch", "search", "sub", "split", "finditer", "findall"}
ALPHABET = [chr(number) for number in range(256)] + list("éßЖ日🎈\u2028")


def patterns() -> list[tuple[str, str]]:
    """All regular expressions that modules keep, or that a call names as one text, and where."""
    found = []
    for module in pkgutil.walk_packages(headrace.__path__, "headrace."):
        if module.name.endswith("__main__"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                text = value.pattern
                shown = text if isinstance(text, str) else text.decode("latin-1")
                found.append((f"{module.name}.{name}", shown))
    for path in FILES:
        for call in calls(path):
            function = call.func
            if (
                isinstance(function, ast.Attribute)
                and isinstance(function.value, ast.Name)
                and function.value.id == "re"
                and function.attr in FUNCTIONS
                and call.args
            ):
                text = call.args[0]
                if isinstance(text, ast.Constant) and isinstance(text.value, str | bytes):
                    value = text.value
                    shown = value if isinstance(value, str) else value.decode("latin-1")
                    found.append((f"{relative(path)}:{call.lineno}", shown))
    return found


def of_one(item: tuple[Any, Any]) -> frozenset[str] | None:
    """The characters that an item of a parsed expression matches, where it matches exactly one; else None."""
    operation, _ = item
    if operation in (code.LITERAL, code.NOT_LITERAL, code.ANY, code.IN):
        pattern = re.compile(_compiled(item), re.DOTALL)
        return frozenset(each for each in ALPHABET if pattern.fullmatch(each))
    return None


def _compiled(item: tuple[Any, Any]) -> str:
    operation, argument = item
    if operation is code.LITERAL:
        return re.escape(chr(argument))
    if operation is code.NOT_LITERAL:
        return f"[^{re.escape(chr(argument))}]"
    if operation is code.ANY:
        return "."
    parts = []
    for kind, value in argument:
        if kind is code.NEGATE:
            parts.insert(0, "^")
        elif kind is code.LITERAL:
            parts.append(re.escape(chr(value)))
        elif kind is code.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        else:
            parts.append(CATEGORIES[value])
    return f"[{''.join(parts)}]"


CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d",
    code.CATEGORY_NOT_DIGIT: r"\D",
    code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S",
    code.CATEGORY_WORD: r"\w",
    code.CATEGORY_NOT_WORD: r"\W",
}
REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT)


def groups(item: tuple[Any, Any]) -> Iterator[Any]:
    """The sequences inside an item."""
    operation, argument = item
    if operation is code.SUBPATTERN:
        yield argument[-1]
    elif operation is code.BRANCH:
        yield from argument[1]
    elif operation in REPEATS or operation is code.POSSESSIVE_REPEAT:
        yield argument[2]
    elif operation is code.ATOMIC_GROUP:
        yield argument


def is_long(item: tuple[Any, Any]) -> bool:
    return item[0] in REPEATS and item[1][1] > 64


def repeated(sequence: Any) -> Iterator[Any]:
    """The bodies of long repeats in a sequence, at any depth."""
    for item in sequence:
        if is_long(item):
            yield item[1][2]
        for inner in groups(item):
            yield from repeated(inner)


def can_match_in_two_ways(body: Any) -> bool:
    """Whether the body of a repeat holds a long repeat and nothing that tells where one round ends.

    Such an expression, as ``(a+)*``, takes exponential time for a text that does not match.
    """
    inner = list(repeated(body))
    if not inner:
        return False
    sets = [frozenset().union(*_sets(each)) for each in inner if None not in _sets(each)]
    if len(sets) < len(inner):
        return True
    must = [_mandatory(item) for item in _flat(body)]
    singles = [found for found, once in filter(None, must) if once]
    runs = [found for found, once in filter(None, must) if not once]
    # One character that stands in every round, and that no inner repeat matches, tells where a round ends. So does a run of
    # such characters, if something else stands in every round too.
    if any(found.isdisjoint(each) for found in singles for each in [frozenset().union(*sets)]):
        return False
    return not any(
        all(found.isdisjoint(each) for each in sets if each != found)
        and any(found.isdisjoint(other) for other in (*singles, *runs))
        for found in runs
    )


def _sets(sequence: Any) -> list[frozenset[str] | None]:
    return [of_one(item) for item in sequence]


def _mandatory(item: tuple[Any, Any]) -> tuple[frozenset[str], bool] | None:
    """The characters of an item that stands in every round, and whether it stands once; None for all others."""
    if (found := of_one(item)) is not None:
        return found, True
    if item[0] in REPEATS and item[1][0] > 0 and len(item[1][2]) == 1:
        inside = of_one(item[1][2][0])
        return None if inside is None else (inside, False)
    return None


def _flat(sequence: Any) -> Iterator[tuple[Any, Any]]:
    for item in sequence:
        if item[0] is code.SUBPATTERN:
            yield from _flat(item[1][-1])
        else:
            yield item


def is_exponential(pattern: str) -> bool:
    return any(can_match_in_two_ways(body) for body in repeated(_parser.parse(pattern)))


@pytest.mark.parametrize(
    "pattern", [r"(a+)*$", r"(?:\s*\w+)*x", r"(.*,)*", r"(\d+|a)*b", r"((x*)y?)*"]
)
def test_s20_the_check_knows_bad_ones(pattern: str) -> None:
    assert is_exponential(pattern)


@pytest.mark.parametrize(
    "pattern", [r"a+b+", r"(?:[a-z]+/)*[a-z]+", r"(?:,\d+)*", r"[^\]]*\]", r"(ab)*"]
)
def test_s20_the_check_knows_good_ones(pattern: str) -> None:
    assert not is_exponential(pattern)


def test_s20_no_expression_takes_exponential_time() -> None:
    found = patterns()
    assert len(found) > 50
    assert [(where, text) for where, text in found if is_exponential(text)] == []
