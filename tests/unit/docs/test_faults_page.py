"""The page of faults, attacks and invariants has every number, and every test that it names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "tests" / "faults.md"
NUMBERS = [
    f"{kind}{number:02}"
    for kind, last in (("F", 56), ("S", 22), ("I", 13))
    for number in range(1, last + 1)
]


def gaps(text: str) -> list[str]:
    """Numbers without a row or a test, and tests that do not exist."""
    rows = dict(re.findall(r"^\| ([FSI]\d\d) \| [^|]+ \| (.*) \|$", text, re.MULTILINE))
    found = [number for number in NUMBERS if number not in rows]
    for number, cell in rows.items():
        named = re.findall(r"\[`(test_\w+)`\]\(\.\./(tests/[\w/]+\.py)\)", cell)
        if not named:
            found.append(f"{number}: no test")
        for test, file in named:
            path = ROOT / file
            if not path.is_file() or f"def {test}(" not in path.read_text(encoding="utf-8"):
                found.append(f"{number}: {file} has no {test}")
    return found


def test_every_fault_has_its_tests() -> None:
    assert gaps(PAGE.read_text(encoding="utf-8")) == []


def test_what_is_missing_is_noticed() -> None:
    text = PAGE.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("| F04 "))
    assert gaps(text.replace(f"{line}\n", "")) == ["F04"]
    assert gaps(text.replace(line, "| F04 | a kill |  |")) == ["F04: no test"]
    other = text.replace(line, "| F04 | a kill | [`test_none`](../tests/conftest.py) |")
    assert gaps(other) == ["F04: tests/conftest.py has no test_none"]
