"""The XML files of a dataset in a fixed order, each with its devkit, its folder and its splits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from headrace.errors import ParseError
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.io.openat import OpenFile, open_file
from headrace.formats.io.walk import FolderWalk, stem
from headrace.formats.options import ReadOptions
from headrace.formats.voc.layout import (
    Devkit,
    SplitLists,
    find_devkits,
    key_of,
    set_files,
    split_of_folder,
)
from headrace.formats.voc.xml_parser import MAX_BYTES

_XML: Final = frozenset({"xml"})
_CHUNK: Final = 64 * 1024
_ALIASES: Final = {"valid": "val", "validation": "val"}


class VocFile(NamedTuple):
    """One XML file: its path, its folder below the annotations, its stem, its devkit and its splits.

    ``prefix`` comes before the name of its image.
    """

    path: str
    relative: str
    bare: str
    devkit: Devkit
    prefix: str
    splits: list[str]


class VocWalk:
    """Walks the files of a path, as often as asked."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        split = options.split
        self._wanted = None if split is None else _ALIASES.get(split, split)
        self.progress = 0.0

    @cached_property
    def devkits(self) -> list[Devkit]:
        """The devkits below the path; for one file, the folder it lies in."""
        if self._path.is_file():
            return [Devkit(self._path.parent, self._path.parent)]
        return find_devkits(self._path)

    def walk(self, found: Pass | None) -> Iterator[VocFile]:
        """All files, or those of the wanted split. ``found`` gets what is odd about the folders, if given.

        Raises :class:`~headrace.errors.ParseError` where there are none.
        """
        found = found or Findings("skip").begin("walk")
        if self._path.is_file():
            yield VocFile(str(self._path), "", stem(self._path.name), self.devkits[0], "", [])
            return
        known: set[str] = set()
        nothing = True
        devkits = self.devkits
        for number, devkit in enumerate(devkits):
            self.progress = number / len(devkits)
            for file in self._devkit(devkit, known, found):
                if self._wanted is None or self._wanted in file.splits:
                    nothing = False
                    if self._wanted is not None:
                        file = file._replace(splits=[self._wanted])
                    yield file
        self.progress = 1.0
        if nothing:
            raise self._nothing(known)

    def _devkit(self, devkit: Devkit, known: set[str], found: Pass) -> Iterator[VocFile]:
        if any(
            (devkit.root / name).is_dir() for name in ("SegmentationClass", "SegmentationObject")
        ):
            found.add(
                "V08",
                "mask images are not read; the boxes are",
                severity=Severity.NOTE,
                path=devkit.root,
            )
        lists = set_files(devkit)
        known.update(lists)
        with ExitStack() as stack:
            splits = SplitLists(lists, stack, lambda name: _unlisted(name, devkit, found))
            walk = FolderWalk(
                devkit.annotations,
                _XML,
                boundary=self._path,
                refused=lambda path: _refused(path, found),
            )
            for folder, names in walk.folders():
                by_folder, rest = split_of_folder(folder.relative)
                prefix = f"{devkit.prefix}{rest}"
                if by_folder:
                    known.add(by_folder)
                folders, _ = key_of(folder.relative, "")
                for count, name in enumerate(names):
                    bare = stem(name)
                    listed = splits.take((folders, bare)) if lists else []
                    if by_folder and not listed:
                        listed = [by_folder]
                    if count % 256 == 0 and folder.files:
                        self.progress = count / folder.files
                    yield VocFile(
                        f"{folder.path}/{name}", folder.relative, bare, devkit, prefix, listed
                    )
            splits.finish()

    def _nothing(self, known: set[str]) -> ParseError:
        if self._wanted is not None:
            hint = f"splits: {', '.join(sorted(known)) or 'none'}"
            return ParseError(f"no file of the split {self._wanted!r}", path=self._path, hint=hint)
        return ParseError("no XML files below it", path=self._path)


def read_file(path: str, opener: OpenFile = open_file) -> bytes:
    """The bytes of a file; of one too large for the parser, enough that it sees so."""
    fd = opener(path)
    try:
        content = os.read(fd, _CHUNK)
        if len(content) < _CHUNK:
            return content
        chunks = [content]
        left = MAX_BYTES + 1 - len(content)
        while left > 0 and (chunk := os.read(fd, left)):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)
    finally:
        os.close(fd)


def _refused(path: str, found: Pass) -> None:
    found.add("S02", "a linked folder leads outside or in a circle; not followed", path=path)


def _unlisted(name: str, devkit: Devkit, found: Pass) -> None:
    found.add(
        "V15",
        "listed in a split, but without an XML file",
        severity=Severity.NOTE,
        path=devkit.root,
        detail=name,
    )
