"""Errors name arguments of Python; the command line shows its options in their place."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import headrace
from headrace import formats
from headrace.cli.app import COMMANDS, SUBCOMMANDS, make_app
from headrace.cli.console.arguments import OPPOSITES, OPTIONS, VALUES, with_options
from headrace.cli.console.errors import explain
from headrace.cli.console.wording import finding_lines, findings_data
from headrace.errors import AuthenticationError, FormatError
from headrace.formats.findings.finding import Finding, Place, Severity
from headrace.formats.options import ConvertKeywords
from headrace.server.serve import serve
from tests.support.syntax import nodes

SOURCE = Path(headrace.__file__).parent
ARGUMENT = re.compile(r"(?<![^\s(])([a-z_]+)=(?!=)")
PYTHON_ONLY = {"sslmode", "sslrootcert", "order_by", "q", "session", "timeout", "username"}
"""Arguments of calls that no command makes, and parts of the address of a database."""


@cache
def texts_for_people() -> list[tuple[str, str]]:
    return [*_texts_for_people()]


def _texts_for_people() -> Iterator[tuple[str, str]]:
    """Every literal that is a hint, a detail of a finding, or part of a message, outside the command line."""
    for path in sorted(SOURCE.rglob("*.py")):
        if path.relative_to(SOURCE).parts[0] in ("cli", "settings"):
            continue  # the keys of headrace.toml are no arguments
        for node in nodes(path):
            for given in _spoken(node):
                for text in _literals(given):
                    yield f"{path.relative_to(SOURCE)}:{given.lineno}", text


def _spoken(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign | ast.AugAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if any(ast.unparse(target).lower().endswith(("hint", "message")) for target in targets):
            yield node.value
    if isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg in ("hint", "detail"))
        called = ast.unparse(node.func).rpartition(".")[2]
        if called.endswith("Error") or called in ("add", "report", "fault", "_report"):
            yield from node.args


def _literals(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    else:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from _literals(child)


def test_no_text_names_an_argument_on_the_command_line() -> None:
    texts = texts_for_people()
    assert len(texts) > 500
    translated = 0
    for where, text in texts:
        shown = with_options(text)
        translated += shown != text
        # What a call of Python, written out, takes is no matter of the command line.
        left = set(ARGUMENT.findall(re.sub(r"[\w.]+\(.*?\)", "", shown))) - PYTHON_ONLY
        assert not left, f"{where}: {shown!r}"
    assert translated > 20


def test_arguments_are_recognisable_and_options_stay_out_of_the_library() -> None:
    names = "|".join(name for name in [*OPTIONS, *OPPOSITES] if "_" in name.strip("_"))
    bare = re.compile(rf"\b({names})\b(?!=)")
    for where, text in texts_for_people():
        assert not bare.search(text), f"{where}: write the argument with an equals sign: {text!r}"
        if "headrace " not in text:
            assert not re.search(r"(?<!\S)--[a-z]", text), f"{where}: name the argument: {text!r}"


def test_every_argument_is_one_of_a_public_function() -> None:
    public = [getattr(headrace, name) for name in headrace.__all__]
    public += [getattr(formats, name) for name in formats.__all__]
    functions = [each for each in public if inspect.isfunction(each)] + [serve]
    for each in filter(inspect.isclass, public):
        functions += [
            method
            for name, method in inspect.getmembers(each, inspect.isfunction)
            if not name.startswith("_")
        ]
    known = {name for each in functions for name in inspect.signature(each).parameters}
    known |= set(ConvertKeywords.__annotations__) | set(ConvertKeywords.__optional_keys__)
    assert {*OPTIONS, *OPPOSITES, *VALUES} <= known


def test_every_option_is_one_of_a_command() -> None:
    app = make_app()
    apps = [app[name] for name in COMMANDS]
    apps += [app[name][inner] for name, (*_, inners) in SUBCOMMANDS.items() for inner in inners]
    known = {
        name
        for each in apps
        for argument in each.assemble_argument_collection()
        for name in argument.names
    }
    own = {option for each in VALUES.values() for option in each.values()}
    options = {option.split()[0] for option in OPTIONS.values()}
    assert {*options, *OPPOSITES.values(), *own} <= known


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pass api_token= or set HEADRACE_TOKEN", "pass --token - or set HEADRACE_TOKEN"),
        ("or pass overwrite=True", "or pass --overwrite"),
        ("pass on_error='skip' to go", "pass --on-error skip to go"),
        ('pass on_error="skip"', "pass --on-error skip"),
        ("with workers=1, all work", "with --workers 1, all work"),
        ("pass fail_on_asset_not_found=False", "pass --allow-missing"),
        ("omit force_create_label=False.", "omit --known-labels."),
        ("pass from_=, one of: a b", "pass --from, one of: a b"),
        ("use voc_origin=one_inclusive if", "use --voc-origin one_inclusive if"),
        ("'overwrite=True' is no file", "'overwrite=True' is no file"),
        ("data/format=coco/a.json", "data/format=coco/a.json"),
        ("formats.read(path, predictions=True)", "formats.read(path, predictions=True)"),
        ("workers==1", "workers==1"),
    ],
)
def test_wording(text: str, shown: str) -> None:
    assert with_options(text) == shown


def test_messages_hints_and_findings_are_translated() -> None:
    missing = AuthenticationError("no token was sent", hint="pass api_token=")
    assert explain(missing).line() == "no token was sent. Pass --token -"
    assert explain(missing).json()["hint"] == "pass --token -"
    both = FormatError("strict=True and on_error='skip' contradict each other")
    assert explain(both).line() == "--strict and --on-error skip contradict each other"
    finding = Finding(
        code="V01",
        severity=Severity.NOTE,
        message="corners start at 1",
        count=1,
        examples=[Place(path="a.xml", detail="use voc_origin=one_inclusive")],
    )
    assert finding_lines([finding])[1].endswith("a.xml (use --voc-origin one_inclusive)")
    assert findings_data([finding])[0]["examples"] == ["a.xml use --voc-origin one_inclusive"]
