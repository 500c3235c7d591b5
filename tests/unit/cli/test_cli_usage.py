"""Wrong command lines: exit 2, one line that names the thing and the cure; the same as JSON."""

from __future__ import annotations

import pytest

from headrace import formats
from headrace.cli.console.formats import FORMAT_NAMES
from tests.support.processes.cli import headrace

WRONG = [
    (["exprot", "lake"], "no command 'exprot'. Did you mean 'export'?"),
    (["zzz"], "no command 'zzz'. Commands: push import"),
    (["token", "lst"], "no command 'token lst'. Did you mean 'list'?"),
    (["push"], "TARGET is missing. See: headrace push --help"),
    (["push", "lake"], "VERSION is missing"),
    (["push", "lake", "a/b"], "IMAGES is missing"),
    (["push", "lake", "ab", "x.png"], "'ab' names no version. Write dataset/version"),
    (["import", "lake", "a/b"], "FILE is missing"),
    (["import", "lake", "a/b", "x.json", "--mode", "repl"], 'Choose from: "replace"'),
    (["export", "lake", "a/b", "out"], "--format is missing"),
    (
        ["export", "lake", "a/b", "out", "--format", "coko"],
        "no format 'coko'. Did you mean 'coco'?",
    ),
    (
        ["convert", "a", "b", "--to", "coco-vido"],
        "no format 'coco-vido'. Did you mean 'coco-video'? formats: coco coco-video yolo voc",
    ),
    (["convert", "a", "b", "--to", "yolo", "--from", "vocc"], "Did you mean 'voc'?"),
    (["import", "lake", "a/b", "x.json", "--format", "yolov"], "Did you mean 'yolo'?"),
    (["convert", "a", "b"], "--to is missing"),
    (["pull", "lake", "a/b", "out", "--forse"], "no option '--forse'. Did you mean '--force'?"),
    (["serve", "lake", "--port", "x"], "--port"),
    (["ls", "lake", "a/b", "--limit"], "--limit needs a value"),
]


@pytest.mark.parametrize(("arguments", "words"), WRONG, ids=[" ".join(one) for one, _ in WRONG])
def test_wrong_usage(arguments: list[str], words: str) -> None:
    plain = headrace(*arguments)
    assert plain.status == 2
    assert plain.out == ""
    assert plain.err.startswith("error: ")
    assert plain.err.count("\n") == 1
    assert words in plain.err

    told = headrace(*arguments, "--json")
    assert told.status == 2
    assert told.json()["schema"] == "headrace.error/1"
    error = told.json()["error"]
    assert set(error) == {"code", "message", "hint", "retryable"}
    assert error["retryable"] is False
    assert error["message"] in plain.err


def test_help_and_usage_name_every_format() -> None:
    assert formats.names() == FORMAT_NAMES
    listed, choices = "|".join(formats.names()), f"[choices: {', '.join(formats.names())}]"
    for command in ("convert", "export", "import"):
        shown = " ".join(headrace(command, "--help").out.split())
        assert choices in shown
        assert f"{listed} [OPTIONS]" in shown or command == "import"


def test_the_code_of_a_wrong_format_says_so() -> None:
    told = headrace("export", "lake", "a/b", "out", "--format", "coko", "--json")
    assert told.json()["error"]["code"] == "unknown-format"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["push", "--help"], ["token", "--help"]])
def test_help_is_no_error(arguments: list[str]) -> None:
    shown = headrace(*arguments)
    assert shown.status == 0
    assert shown.out.startswith("Usage: headrace")
    assert shown.err == ""
    assert "\x1b" not in shown.out
