"""The suite of formats fails formats that break its rules."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from headrace.errors import FormatPackageError, MissingExtraError
from headrace.testing import formats as suite
from headrace.testing.formats import FormatConformance
from tests.support.format_packages import importable, lines_package


class Lines(FormatConformance):
    format = "lines"


KEEPING = """\
        new = [self._one(file.name, found) for file in chunk]
        self.kept = getattr(self, "kept", []) + new
        return new"""
LOSING = """\
            self.found.shapes_out += sum(not isinstance(s, Rectangle) for s in sample.shapes)
            sample.shapes = [s for s in sample.shapes if isinstance(s, Rectangle)]
            lines = ["""

Test = Callable[[FormatConformance, Path], None]

BUGS: dict[str, tuple[Test, str, str, type[BaseException]]] = {
    "a reader that keeps everything": (
        FormatConformance.test_memory_does_not_grow_with_the_source,
        "        return [self._one(file.name, found) for file in chunk]",
        KEEPING,
        AssertionError,
    ),
    "a writer that loses without a word": (
        FormatConformance.test_kinds_are_lost_as_declared,
        "            lines = [",
        LOSING,
        AssertionError,
    ),
    "a field that is lost without a word": (
        FormatConformance.test_fields_are_lost_as_declared,
        "",
        "",
        AssertionError,
    ),
    "an error of another class": (
        FormatConformance.test_a_changed_file_is_read_or_refused,
        "",
        "",
        FormatPackageError,
    ),
    "a probe that claims everything": (
        FormatConformance.test_foreign_files_are_not_claimed,
        "    if path.is_file() or",
        "    if False and",
        AssertionError,
    ),
    "a label that is cut": (
        FormatConformance.test_names_and_labels_of_any_language_come_back,
        "label=label, x=x",
        "label=label[:3], x=x",
        AssertionError,
    ),
    "numbers that change": (
        FormatConformance.test_what_is_written_comes_back,
        "w=w, h=h",
        "w=w, h=h + 1",
        AssertionError,
    ),
}


@pytest.mark.parametrize("name", BUGS)
def test_the_suite_notices(tmp_path: Path, name: str) -> None:
    test, line, replacement, error = BUGS[name]
    package = lines_package(tmp_path / "package")
    source = package / "headrace_lines.py"
    assert line in source.read_text()
    source.write_text(
        source.read_text().replace(line, replacement, 1) if line else source.read_text()
    )
    (tmp_path / "work").mkdir()
    with importable(package), pytest.raises(error):
        test(Lines(), tmp_path / "work")


@pytest.mark.parametrize(
    "test",
    [
        FormatConformance.test_its_files_are_detected,
        FormatConformance.test_files_of_other_formats_are_left_to_them,
        FormatConformance.test_an_interrupted_target_leaves_nothing,
        FormatConformance.test_writing_twice_gives_the_same_bytes,
    ],
)
def test_the_suite_passes_what_is_right(tmp_path: Path, test: Test) -> None:
    (tmp_path / "work").mkdir()
    with importable(lines_package(tmp_path / "package")):
        test(Lines(), tmp_path / "work")


def test_without_pytest_the_suite_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="needs pytest"):
        type("Late", (FormatConformance,), {"format": "lines"})
