"""Packages that add formats, made for a test: a module and the metadata of an installed package in one folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch


def make_package(
    folder: Path, name: str, entry_points: dict[str, str], code: str | None = None
) -> Path:
    """Write the metadata of a package into a folder, and its module, unless the code lies elsewhere; return the folder."""
    about = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in entry_points.items()]
    (about / "entry_points.txt").write_text("\n".join(["[headrace.formats]", *lines, ""]))
    if code is not None:
        (folder / f"{name.replace('-', '_')}.py").write_text(code)
    return folder


@contextmanager
def importable(*folders: Path) -> Iterator[None]:
    """Put folders on the path while the block runs, and forget what was imported from them afterwards."""
    before = set(sys.modules)
    try:
        with patch.object(sys, "path", [*map(str, folders), *sys.path]):
            yield
    finally:
        for name in set(sys.modules) - before:
            if not name.startswith("headrace."):
                del sys.modules[name]


LINES = '''
"""One line an image: its name, then label and box of each object, separated by tabs."""

from pathlib import Path
from typing import NamedTuple

from headrace.formats import (
    WHOLE, Capability, ChunkedReader, Format, FormatInfo, Guess, Writer,
)
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Rectangle

INFO = FormatInfo(
    name="lines",
    title="Lines",
    layout="folder",
    suffixes=(".lines",),
    reads=("a folder of files",),
    writes=("NAME.lines",),
    says=Capability(kinds={"rectangle": WHOLE}, fields=frozenset()),
)
FORMAT = Format(
    info=INFO,
    reader="MODULE:LinesReader",
    writer="MODULE:LinesWriter",
    probe="MODULE:probe",
    counter="MODULE:count",
)


def probe(path):
    if path.is_file() or next(path.rglob("*.lines"), None) is None:
        return None
    return Guess(format="lines", confidence="certain", reason="it holds .lines")


def count(folder, most):
    return sum(1 for _ in folder.rglob("*.lines"))


class File(NamedTuple):
    name: str


class LinesReader(ChunkedReader):
    info = INFO
    labels_first = False

    def __init__(self, path, **options):
        super().__init__(path, **options)
        self._used = set()

    def _labels(self, found):
        return [LabelInfo(name=name) for name in sorted(self._used)]

    def take_learned(self):
        used, self._used = self._used, set()
        return used

    def merge_learned(self, learned):
        self._used |= learned

    def _filenames(self):
        for chunk in self.chunks(None):
            yield [file.name.removesuffix(".lines") for file in chunk]

    def chunks(self, found):
        found = self.path.rglob("*.lines")
        names = sorted(path.relative_to(self.path).as_posix() for path in found)
        for start in range(0, len(names), 2):
            yield [File(name) for name in names[start:start + 2]]

    def parse(self, chunk, found):
        return [self._one(file.name, found) for file in chunk]

    def _one(self, name, found):
        shapes = []
        for line in (self.path / name).read_text().splitlines():
            label, *box = line.split("\\t")
            x, y, w, h = map(float, box)
            self._used.add(label)
            shapes.append(Rectangle(label=label, x=x, y=y, w=w, h=h))
        found.images_in += 1
        found.shapes_in += len(shapes)
        return Sample(filename=name.removesuffix(".lines"), shapes=shapes)


class LinesWriter(Writer):
    info = INFO

    def _start(self, temp):
        self._temp = temp

    def _write(self, samples):
        for sample in samples:
            lines = [f"{s.label}\\t{s.x}\\t{s.y}\\t{s.w}\\t{s.h}\\n" for s in sample.shapes]
            path = self._temp / f"{sample.filename}.lines"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(lines))
            self.found.images_out += 1
            self.found.shapes_out += len(sample.shapes)

    def _finish(self):
        pass
'''


def lines_package(folder: Path, name: str = "headrace-lines") -> Path:
    """Make a package that adds a small format named ``lines``: a folder of text files with boxes."""
    module = name.replace("-", "_")
    return make_package(
        folder, name, {"lines": f"{module}:FORMAT"}, LINES.replace("MODULE", module)
    )
