"""Wrong command lines: exit 2, one line that names the thing and the cure; the same as JSON."""

from __future__ import annotations

import pytest

from headrace import formats
from headrace.cli.console.options import FORMAT_NAMES
from tests.support.processes.cli import headrace

WRONG = [
    (["exprot", "lake"], "unknown command 'exprot'. Did you mean 'export'?"),
    (["zzz"], "unknown command 'zzz'. Commands: push pull sync import"),
    (["token", "lst"], "unknown command 'token lst'. Did you mean 'token list'?"),
    (["push"], "TARGET is missing. See: headrace push --help"),
    (["push", "lake"], "VERSION is missing"),
    (["push", "lake", "a/b"], "IMAGES is missing"),
    (["push", "lake", "ab", "x.png"], "'ab' is not a version name. Write dataset/version"),
    (["import", "lake", "a/b"], "FILE is missing"),
    (
        ["import", "lake", "a/b", "x.json", "--mode", "repl"],
        "--mode cannot be 'repl'. Did you mean 'replace'? Choices: replace, keep",
    ),
    (["export", "lake", "a/b", "out"], "--to is missing"),
    (
        ["export", "lake", "a/b", "out", "--format", "coko"],
        "no format 'coko'. Did you mean 'coco'?",
    ),
    (
        ["convert", "a", "b", "--to", "coco-vido"],
        "no format 'coco-vido'. Did you mean 'coco-video'? Formats: coco coco-video yolo voc",
    ),
    (["convert", "a", "b", "--to", "yolo", "--from", "vocc"], "Did you mean 'voc'?"),
    (["import", "lake", "a/b", "x.json", "--format", "yolov"], "Did you mean 'yolo'?"),
    (["convert", "a", "b"], "--to is missing"),
    (["stats", "lake", "a/b", "--workers"], "unknown option --workers. See: headrace stats"),
    (["pull", "lake", "a/b", "out", "--forse"], "unknown option --forse. Did you mean --force?"),
    (["serve", "lake", "--port", "x"], "--port cannot be 'x'. Give a whole number"),
    (
        ["convert", "a", "b", "--to", "yolo", "--overwrit"],
        "unknown option --overwrit. Did you mean --overwrite?",
    ),
    (
        ["convert", "a", "b", "--to", "yolo", "--overwrit=1"],
        "unknown option --overwrit. Did you mean --overwrite?",
    ),
    (
        ["convert", "a", "b", "--to", "yolo", "--on-error", "Skipp"],
        "--on-error cannot be 'Skipp'. Did you mean 'skip'?",
    ),
    (["convert", "a", "b", "--to", "yolo", "--workers", "0"], "--workers must be >= 1"),
    (
        ["push", "lake", "a/b", "x.png", "--type", "masc"],
        "--type cannot be 'masc'. Did you mean 'mask'?",
    ),
    (
        ["pull", "lake", "a/b", "out", "--workers", "0"],
        "--workers must be >= 1. See: headrace pull --help",
    ),
    (["serve", "lake", "--port", "99999"], "--port must be <= 65535"),
    (["processing", "rn"], "unknown command 'processing rn'. Did you mean 'processing run'?"),
    (
        ["processing", "add", "lake", "n", "--cpus", "2"],
        "unknown option --cpus. Did you mean --cpu?",
    ),
    (["--verison"], "unknown option --verison. Did you mean --version?"),
    (["help"], "unknown command 'help'. See: headrace --help"),
    (["ls", "lake", "a/b", "c"], "unexpected argument 'c'. See: headrace ls --help"),
    (["pull", "lake", "a/b", "out", "--force", "--force"], "--force is given more than once"),
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

    answer = headrace(*arguments, "--json")
    assert answer.status == 2
    assert answer.json()["schema"] == "headrace.error/1"
    error = answer.json()["error"]
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
    answer = headrace("export", "lake", "a/b", "out", "--format", "coko", "--json")
    assert answer.json()["error"]["code"] == "unknown-format"


@pytest.mark.parametrize("arguments", [[], ["--help"], ["push", "--help"], ["token", "--help"]])
def test_help_is_no_error(arguments: list[str]) -> None:
    shown = headrace(*arguments)
    assert shown.status == 0
    assert shown.out.startswith("Usage: headrace")
    assert shown.err == ""
    assert "\x1b" not in shown.out


def test_help_is_wrapped_once() -> None:
    lines = headrace("import", "--help", COLUMNS="80").out.splitlines()
    start = next(n for n, line in enumerate(lines) if "--voc-origin" in line)
    assert lines[start + 1].startswith("      one_inclusive")
    assert max(map(len, lines)) <= 80
    options = lines[lines.index("Parameters:") + 1 :]
    assert all(line[:1] in ("", " ") for line in options[: options.index("")])
