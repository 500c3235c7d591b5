"""Formats of other packages: found by their metadata, used like headrace's own, and blamed by name when they are broken."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import (
    FormatError,
    FormatPackageError,
    FormatPackageWarning,
    UnknownFormatError,
)
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Rectangle
from tests.support.format_packages import importable, lines_package, make_package

BOX = Rectangle(label="cat", x=1.0, y=2.0, w=3.0, h=4.0)
OWN = ("coco", "coco-video", "yolo", "voc")


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Path]:
    package = lines_package(tmp_path / "package")
    with importable(package):
        yield package


def samples(count: int) -> list[Sample]:
    return [
        Sample(filename=f"{number}.jpg", width=10, height=10, shapes=[BOX])
        for number in range(count)
    ]


def test_a_format_of_another_package_is_one_of_all(lines: Path, tmp_path: Path) -> None:
    assert formats.names() == (*OWN, "lines")
    assert [each.info.name for each in formats.all_formats()] == [*OWN, "lines"]
    assert formats.get("LINES").package == "headrace-lines 1.0"
    with pytest.raises(UnknownFormatError, match="did you mean 'lines'"):
        formats.get("line")

    formats.write(samples(3), tmp_path / "out", "lines")
    assert formats.detect(tmp_path / "out").format == "lines"
    with formats.read(tmp_path / "out") as source:
        assert [(each.filename, each.shapes) for each in source] == [
            (f"{number}.jpg", [BOX]) for number in range(3)
        ]


@pytest.mark.parametrize("workers", [1, 2])
def test_conversions_and_their_processes_use_it(lines: Path, tmp_path: Path, workers: int) -> None:
    formats.write(samples(7), tmp_path / "a", "lines")
    there = convert_blocking(tmp_path / "a", tmp_path / "b.json", to="coco", workers=workers)
    assert (there.source_format, there.images_out, there.labels) == ("lines", 7, {"cat": 7})
    assert "width and height of the image" not in [loss.what for loss in there.declared]
    back = convert_blocking(tmp_path / "b.json", tmp_path / "c", to="lines", workers=workers)
    assert (back.target_format, back.shapes_out) == ("lines", 7)
    assert "width and height of the image" in [loss.what for loss in back.declared]
    for path in (tmp_path / "a").iterdir():
        assert (tmp_path / "c" / path.name).read_text() == path.read_text()


def test_its_code_is_imported_only_when_it_is_needed(lines: Path) -> None:
    code = """
import sys, contextlib, io
import headrace
assert "importlib.metadata" not in sys.modules
from headrace.cli import main
with contextlib.redirect_stdout(io.StringIO()):
    main(["--version"])
assert "headrace.plugins" not in sys.modules
with contextlib.redirect_stdout(io.StringIO()) as shown:
    main(["convert", "--help"])
assert "lines" in shown.getvalue(), shown.getvalue()
from headrace import formats
assert "lines" in formats.names()
assert "headrace_lines" not in sys.modules
formats.get("coco")
assert "headrace_lines" not in sys.modules
formats.get("lines")
assert "headrace_lines" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


BROKEN = {
    "cannot be imported": "raise ImportError('no module named torchvision')",
    "must be a headrace.formats.Format": "FORMAT = object",
    "has no attribute": "",
    "cannot be imported: SystemExit: bye": "raise SystemExit('bye')",
    "calls it 'other'": """
from headrace.formats import Capability, Format, FormatInfo
FORMAT = Format(info=FormatInfo(name="other", title="", layout="file", suffixes=(), reads=(), writes=(),
    says=Capability(kinds={}, fields=frozenset())))
""",
}


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_package_is_named_and_breaks_nothing_else(tmp_path: Path, words: str) -> None:
    package = make_package(
        tmp_path / "package", "bad-pack", {"bad": "bad_pack:FORMAT"}, BROKEN[words]
    )
    with importable(package):
        with pytest.raises(FormatPackageError, match=f"bad-pack 1.0.*{words}"):
            formats.get("bad")
        with pytest.warns(FormatPackageWarning, match="bad-pack 1.0"):
            assert [each.info.name for each in formats.all_formats()] == list(OWN)
        formats.write(samples(2), tmp_path / "a.json", "coco")
        with pytest.warns(FormatPackageWarning, match="bad-pack 1.0") as seen:
            assert formats.detect(tmp_path / "a.json").format == "coco"
        assert len(seen) == 1


@pytest.mark.parametrize("name", ["coco", "Some Name"])
def test_a_name_that_no_package_may_take_is_refused(tmp_path: Path, name: str) -> None:
    package = make_package(tmp_path / "package", "greedy", {name: "greedy:FORMAT"}, "FORMAT = None")
    with importable(package):
        assert formats.names() == OWN
        assert not formats.get("coco").package
        with pytest.warns(FormatPackageWarning, match=f"greedy 1.0 cannot add a format '{name}'"):
            assert len(formats.all_formats()) == 4


@pytest.mark.parametrize("content", [b"[headrace.formats]\nbad\n", b"\xff\xfe\x00", b"[headrace"])
def test_damaged_metadata_hide_no_other_package(
    lines: Path, tmp_path: Path, content: bytes
) -> None:
    package = make_package(tmp_path / "damaged", "damaged", {"bad": "bad:FORMAT"}, "")
    (package / "damaged-1.0.dist-info" / "entry_points.txt").write_bytes(content)
    with importable(package):
        assert formats.names()[:5] == (*OWN, "lines")
        assert formats.get("lines").info.name == "lines"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FormatPackageWarning)
            assert [each.info.name for each in formats.all_formats()] == [*OWN, "lines"]


def test_two_packages_with_one_name_are_both_named(lines: Path, tmp_path: Path) -> None:
    with importable(lines_package(tmp_path / "second", "other-lines")):
        with pytest.raises(FormatPackageError, match=r"headrace-lines 1\.0, other-lines 1.0"):
            formats.get("lines")
        with pytest.warns(FormatPackageWarning, match="several packages add a format 'lines'"):
            assert len(formats.all_formats()) == 4


@pytest.mark.parametrize(
    ("line", "replacement"),
    [
        ("    if path.is_file() or", "    raise KeyError('x')\n    if path.is_file() or"),
        ("    def parse(self, chunk, found):", "    def parse(self, chunk, found):\n        1 / 0"),
        (
            "    def _write(self, samples):",
            "    def _write(self, samples):\n        samples[0].nothing",
        ),
        (
            "        return [LabelInfo(name=name) for name in sorted(self._used)]",
            "        return sorted(self._used)",
        ),
        ("    def _start(self, temp):", "    def _start(self, temp):\n        raise SystemExit(3)"),
    ],
)
def test_errors_of_its_code_name_the_package(tmp_path: Path, line: str, replacement: str) -> None:
    package = lines_package(tmp_path / "package")
    source = package / "headrace_lines.py"
    assert line in source.read_text()
    source.write_text(source.read_text().replace(line, replacement))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg.lines").write_text("cat\t1\t2\t3\t4\n")
    with importable(package):
        if "probe" in replacement or "KeyError" in replacement:
            with (
                pytest.warns(FormatPackageWarning, match="headrace-lines 1.0 failed to say"),
                pytest.raises(UnknownFormatError),
            ):
                formats.detect(tmp_path / "in")
            return
        with pytest.raises(FormatPackageError, match=r"headrace-lines 1\.0 failed to"):
            convert_blocking(tmp_path / "in", tmp_path / "out", from_="lines", to="lines")
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["LinesReader", "LinesWriter", "probe", "count"])
def test_what_is_no_reader_writer_or_guess_is_refused(tmp_path: Path, name: str) -> None:
    package = lines_package(tmp_path / "package")
    with (package / "headrace_lines.py").open("a") as source:
        source.write(f"\n\ndef {name}(*arguments, **options):\n    return 'yes'\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.jpg.lines").write_text("cat\t1\t2\t3\t4\n")
    words = rf"headrace_lines:{name} must return \w+, not str"
    with importable(package):
        if name == "probe":
            with pytest.warns(FormatPackageWarning, match=words), pytest.raises(UnknownFormatError):
                formats.detect(tmp_path / "in")
            return
        if name == "count":
            formats.write(samples(1), tmp_path / "in" / "a.json", "coco")
            with pytest.warns(FormatPackageWarning, match=words):
                assert formats.detect(tmp_path / "in").format == "coco"
            return
        with pytest.raises(FormatPackageError, match=words):
            convert_blocking(tmp_path / "in", tmp_path / "out", from_="lines", to="lines")


def test_a_format_may_be_read_only(tmp_path: Path) -> None:
    package = lines_package(tmp_path / "package")
    source = package / "headrace_lines.py"
    source.write_text(source.read_text().replace('    writer="headrace_lines:LinesWriter",\n', ""))
    with importable(package), pytest.raises(FormatError, match="can be read, but not written"):
        formats.write([], tmp_path / "out", "lines", labels=[LabelInfo(name="cat")])
