"""Errors and findings on a terminal: colour, line width, control characters; plain in pipes."""

from __future__ import annotations

import io
import re
from itertools import takewhile
from pathlib import Path

import pytest

from headrace.cli.console.terminal import has_colour, one_line, printable, wrapped
from tests.support.processes.cli import headrace, on_terminal

WRONG = ("push", "lake", "a/b", "x.png", "--type", "masc")
RED, BOLD, PLAIN = "\x1b[1;31m", "\x1b[1m", "\x1b[0m"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_an_error_has_colour_on_a_terminal() -> None:
    shown = on_terminal("exprot", "lake")
    assert shown == (
        f"{RED}error:{PLAIN} unknown command 'exprot'. {BOLD}Did you mean 'export'?{PLAIN}\n"
    )


@pytest.mark.parametrize(
    "variables",
    [{"NO_COLOR": "1"}, {"NO_COLOR": "0", "FORCE_COLOR": "1"}, {"TERM": "dumb"}],
    ids=str,
)
def test_an_error_has_no_colour_if_that_is_asked(variables: dict[str, str]) -> None:
    shown = on_terminal("exprot", "lake", **variables)
    assert shown == "error: unknown command 'exprot'. Did you mean 'export'?\n"


def test_an_empty_variable_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TERM", "xterm")
    assert has_colour(Terminal())
    assert not has_colour(io.StringIO())
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert has_colour(io.StringIO())


def test_pipes_and_json_are_plain() -> None:
    piped = headrace(*WRONG, COLUMNS="40")
    assert "\x1b" not in piped.err
    assert piped.err.count("\n") == 1
    forced = headrace(*WRONG, "--json", FORCE_COLOR="1")
    assert "\x1b" not in forced.out + forced.err
    assert headrace("exprot", FORCE_COLOR="1").err.startswith(f"{RED}error:{PLAIN} unknown")
    assert "\x1b" not in on_terminal(*WRONG, "--json")


@pytest.mark.parametrize("columns", [40, 60, 200])
def test_a_long_error_is_wrapped(columns: int) -> None:
    lines = on_terminal(*WRONG, columns=columns, NO_COLOR="1").splitlines()
    assert (len(lines) > 1) == (columns < 200)
    assert all(len(line) <= columns for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == headrace(*WRONG).err.strip()


def test_findings_are_wrapped_below_their_message(tmp_path: Path) -> None:
    source = tmp_path / "boxes.xml"
    source.write_text(
        "<annotation><filename>boxes.jpg</filename><size><width>9</width><height>9</height></size>"
        "<object><name>cell</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax>"
        "</bndbox></object></annotation>"
    )
    convert = ("convert", str(source), str(tmp_path / "out.json"), "--to", "coco", "--dry-run")
    shown = on_terminal(*convert, columns=60, NO_COLOR="1", TERM="dumb")
    lines = shown.splitlines()
    (start,) = (number for number, line in enumerate(lines) if line.startswith("  V01"))
    first = lines[start]
    # The line after them names the command that explains the finding.
    more = list(takewhile(lambda line: line.startswith("  "), lines[start + 1 :]))
    assert more
    indent = first.index("no corner is 0")
    assert all(line.startswith(" " * indent) and line[indent] != " " for line in more)
    piped = headrace(*convert).out.splitlines()
    (whole,) = (line for line in piped if line.lstrip().startswith("V01"))
    assert whole == " ".join([first, *(line.strip() for line in more)])
    assert whole.endswith("(use --voc-origin one_inclusive if they do)")


def test_a_list_of_errors_ends_with_the_cure(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_text(
            "<annotation><filename>a.jpg</filename><size><width>9</width><height>9</height></size>"
            "<object><bndbox><xmin>1</xmin></bndbox></object></annotation>"
        )
    convert = ("convert", tmp_path, tmp_path / "out.json", "--to", "coco", "--on-error", "collect")
    first, *more = headrace(*convert).err.splitlines()
    assert first == "error: 2 records do not conform to the format; nothing was written"
    assert [line[:2] for line in more] == ["  ", "Pa"]
    assert more[-1] == "Pass --on-error skip to leave bad records out"
    shown = on_terminal(*convert, columns=50, NO_COLOR="1").splitlines()
    start = next(number for number, line in enumerate(shown) if line.startswith("  V"))
    assert all(line.startswith("      ") for line in shown[start + 1 : -1])
    assert shown[-1] == more[-1]


def test_a_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    name = tmp_path / "evil\x1b[2J\nname\x07.json"
    name.write_text("[]")
    for shown in (
        on_terminal("convert", name, tmp_path / "out", "--to", "voc", columns=500, NO_COLOR="1"),
        headrace("convert", name, tmp_path / "out", "--to", "voc").err,
    ):
        (line,) = (line for line in shown.splitlines() if "error:" in line)
        assert r"evil\x1b[2J\nname\x07.json" in line


def test_text_of_a_terminal() -> None:
    assert printable("a\x1bb\nc\x85\u202e") == r"a\x1bb" + "\n" + r"c\x85\u202e"
    assert one_line("a\nb\tc\r") == r"a\nb\tc\r"


def test_wide_and_zero_width_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert wrapped("画像 画像 画像 画像 画像", Terminal(), indent=2).splitlines() == [
        "画像 画像 画像 画像",
        "  画像",
    ]
    accents = "e\u0301" * 10
    assert wrapped(f"{accents} {accents[:-2]}", Terminal(), indent=2).count("\n") == 0
    coloured = f"{RED}error:{PLAIN} twelve chars"
    assert wrapped(coloured, Terminal(), indent=2) == coloured
    assert re.sub(r"\s+", "", wrapped("x" * 50, Terminal(), indent=2)) == "x" * 50
    assert wrapped("a " * 50, io.StringIO(), indent=2) == "a " * 50
