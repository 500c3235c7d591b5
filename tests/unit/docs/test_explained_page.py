"""Every finding and every error has an explanation, on the command line and on a page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from headrace.cli import main
from headrace.cli.look.explain import errors, findings
from headrace.formats.findings.explained import own_texts
from tests.support.processes.cli import headrace
from tests.support.syntax import nodes
from tools import make_explained

REPORTS = {"add", "_add", "_note", "_report", "_leave_out"}
SOURCE = Path(__file__).resolve().parents[3] / "src" / "headrace"
CODE = re.compile(r"(?:[CTVY][0-9]{2}|S0[0-9])(?=$|  )")
WORD = re.compile(r"[A-Z]{4,6}")


def test_the_page_is_fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert make_explained.main(["--check"]) == 0
    monkeypatch.setattr(make_explained, "PAGE", tmp_path / "explained.md")
    assert make_explained.main(["--check"]) == 1
    assert make_explained.main([]) == 0
    assert make_explained.main(["--check"]) == 0
    assert make_explained.main(["--nonsense"]) == 2


def test_every_code_of_the_source_has_a_text_and_no_other() -> None:
    used = set()
    for path in SOURCE.rglob("*.py"):
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                match = CODE.match(node.value)
                if match:
                    used.add(match[0])
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                # A code that several functions report: its name is the code.
                if isinstance(node.value, ast.Constant) and node.value.value == node.target.id:
                    used.add(node.target.id)
            elif isinstance(node, ast.Call) and len(node.args) > 1:
                # A call that reports a finding: a code in capital letters, then a message.
                first = node.args[0]
                is_report = isinstance(node.func, ast.Attribute) and node.func.attr in REPORTS
                if is_report and isinstance(first, ast.Constant) and WORD.fullmatch(first.value):
                    used.add(first.value)
    assert used == set(own_texts())


def test_explain_prints_the_text_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The command runs in this process: it is called for every code."""
    page = make_explained.PAGE.read_text(encoding="utf-8")
    for code, text in own_texts().items():
        assert main(["explain", code.lower()]) == 0
        shown = capsys.readouterr()
        assert shown.err == ""
        assert shown.out.startswith(f"{code}  {text.title}\n")
        for part in (text.rule, text.example, text.lenient, text.strict, text.cure):
            assert part in page
        assert [line.split()[0] for line in shown.out.splitlines()[1:]] == [
            "rule",
            "example",
            "lenient",
            "strict",
            "cure",
        ]


def test_explain_names_options_of_the_command_line() -> None:
    shown = headrace("explain", "Y10").out
    assert "--on-error skip" in shown
    assert "`" not in shown
    assert headrace("explain", "Y10", "--json").json()["cure"] == own_texts()["Y10"].cure


def test_errors_are_explained_too() -> None:
    shown = headrace("explain", "unknown-format")
    assert shown.out.splitlines()[0].startswith("unknown-format  There is no format of that name")
    assert all(each.rule for each in errors().values())


def test_explain_lists_all_codes_and_suggests_the_nearest() -> None:
    listed = headrace("explain").out
    codes = [line.split()[0] for line in listed.splitlines()]
    assert codes == [*findings(), *errors()]
    wrong = headrace("explain", "unknown-fromat")
    assert (wrong.status, wrong.out) == (2, "")
    assert "did you mean 'unknown-format'?" in wrong.err.lower()
