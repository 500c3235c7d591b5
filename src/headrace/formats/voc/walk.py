"""Walks the XML files of a dataset in a fixed order, with their devkits and splits."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Final, NamedTuple

from headrace.errors import ParseError
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.io.openat import OpenFile, open_file
from headrace.formats.io.seen_names import SeenNames
from headrace.formats.io.split_names import split_of_word
from headrace.formats.io.walk import FolderWalk, stem_of
from headrace.formats.options import ReadOptions
from headrace.formats.voc.layout import (
    Devkit,
    SplitLists,
    find_devkits,
    key_of,
    set_files,
    split_of_folder,
)
from headrace.formats.voc.media import SAMPLES, FolderMedia, MediaFolders
from headrace.formats.voc.xml_parser import MAX_BYTES

_XML: Final = frozenset({"xml"})
_BLOCK: Final = 64 * 1024


class VocFile(NamedTuple):
    """One XML file, or an image that a split lists but that has no XML file.

    Attributes:
        path: Its path; empty where there is none.
        relative: Its folder below the folder of annotations.
        stem: Its name without the suffix.
        devkit: Its devkit.
        prefix: Prefix of the sample name.
        splits: Its splits.
        media: Where the images of its folder lie, where they were found.
        image: Path of the image below the folder of the source, where there is no XML file.
    """

    path: str
    relative: str
    stem: str
    devkit: Devkit
    prefix: str
    splits: list[str]
    media: FolderMedia | None = None
    image: str | None = None


class VocWalk:
    """Walks the XML files of a path repeatedly."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._images = options.images
        split = options.split
        self._wanted = None if split is None else split_of_word(split) or split
        self.progress = 0.0
        self._seen = SeenNames()
        self._last_media: tuple[tuple[Path, str], MediaFolders] | None = None

    @cached_property
    def devkits(self) -> list[Devkit]:
        """The devkits below the path; for a single file, its folder."""
        if self._path.is_file():
            return [Devkit(self._path.parent, self._path.parent)]
        return find_devkits(self._path)

    def walk(self, found: Pass | None) -> Iterator[VocFile]:
        """Yield all files, or those of the wanted split; adds findings about folders to ``found``, if given.

        Raises:
            ParseError: There are no files.
        """
        found = found or Findings("skip").begin("walk")
        if self._path.is_file():
            stem = stem_of(self._path.name)
            media = self.media_folders(self.devkits[0], "").of_stems([stem])
            yield VocFile(str(self._path), "", stem, self.devkits[0], "", [], media)
            return
        self._seen = SeenNames()
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

    def media_folders(self, devkit: Devkit, relative: str) -> MediaFolders:
        """Return the finder of the images of one folder of XML files; that of the last folder is kept."""
        key = devkit.annotations, relative
        if self._last_media is None or self._last_media[0] != key:
            root = self._path.parent if self._path.is_file() else self._path
            self._last_media = key, MediaFolders(root, devkit, relative, self._images)
        return self._last_media[1]

    def _devkit(self, devkit: Devkit, known: set[str], found: Pass) -> Iterator[VocFile]:
        if any(
            (devkit.root / name).is_dir() for name in ("SegmentationClass", "SegmentationObject")
        ):
            found.add(
                "V08",
                "mask images are ignored; boxes are read",
                severity=Severity.NOTE,
                path=devkit.root,
            )
        lists = set_files(devkit)
        known.update(lists)
        with ExitStack() as stack:
            splits = SplitLists(lists, stack)
            walk = FolderWalk(
                devkit.annotations,
                _XML,
                boundary=self._path,
                refused=lambda path: _refused(path, found),
            )
            for folder, names in walk.folders():
                by_folder, rest = split_of_folder(folder.relative)
                full = f"{devkit.root.name}/{folder.relative}" if devkit.split else folder.relative
                by_folder = by_folder or devkit.split
                if by_folder:
                    known.add(by_folder)
                folders, _ = key_of(folder.relative, "")
                first = list(islice(names, SAMPLES))
                media = self.media_folders(devkit, folder.relative).of_stems(
                    [stem_of(name) for name in first]
                )
                is_apart = media is not None and not f"/{media.prefix}".endswith(f"/{rest}")
                if is_apart:
                    # "annots/a.xml" is about "images/a.jpg": the name is that of the image alone.
                    rest = rest[: rest.rstrip("/").rfind("/") + 1]
                prefix = f"{devkit.prefix}{rest}"
                for count, name in enumerate(chain(first, names)):
                    stem = stem_of(name)
                    listed: list[str] = []
                    if lists:
                        key = folders, stem
                        yield from self._not_annotated(devkit, splits.missing(key), found)
                        listed = splits.take(key)
                    if by_folder and not listed:
                        listed = [by_folder]
                    if count % 256 == 0 and folder.files:
                        self.progress = count / folder.files
                    path = f"{folder.path}/{name}"
                    used = prefix
                    if (by_folder or is_apart) and not self._seen.is_new(f"{prefix}{stem}"):
                        # Without its folder it would have the name of another image.
                        used = f"{devkit.prefix}{full}"
                        _renamed(path, f"{used}{stem}", found)
                    yield VocFile(path, folder.relative, stem, devkit, used, listed, media)
            yield from self._not_annotated(devkit, splits.missing(), found)

    def _not_annotated(
        self, devkit: Devkit, missing: Iterable[tuple[str, str]], found: Pass
    ) -> Iterator[VocFile]:
        """Yield the images that a split lists but that have no XML file."""
        for name, split in missing:
            folder, slash, stem = name.rpartition("/")
            media = self.media_folders(devkit, folder + slash)
            there = media.name_with_stem(stem)
            path = None if there is None else media.file(there)
            below = None if path is None else media.below_root(path)
            if there is None or below is None:
                _unlisted(name, devkit, found)
                continue
            prefix = f"{devkit.prefix}{folder}{slash}"
            yield VocFile("", folder + slash, stem, devkit, prefix, [split], None, below)

    def _nothing(self, known: set[str]) -> ParseError:
        if self._wanted is not None:
            hint = f"splits: {', '.join(sorted(known)) or 'none'}"
            return ParseError(f"no file of the split {self._wanted!r}", path=self._path, hint=hint)
        return ParseError("the folder contains no XML files", path=self._path)


def read_file(path: str, opener: OpenFile = open_file) -> bytes:
    """Return the content of a file, up to one byte more than the parser accepts."""
    fd = opener(path)
    try:
        content = os.read(fd, _BLOCK)
        if len(content) < _BLOCK:
            return content
        blocks = [content]
        left = MAX_BYTES + 1 - len(content)
        while left > 0 and (block := os.read(fd, left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)
    finally:
        os.close(fd)


def _renamed(path: str, name: str, found: Pass) -> None:
    found.add(
        "V19",
        "images of two folders have one name; the later one is named with its folder",
        severity=Severity.NOTE,
        path=path,
        detail=name,
    )


def _refused(path: str, found: Pass) -> None:
    found.add(
        "S02", "a linked folder is outside the dataset or forms a cycle; not followed", path=path
    )


def _unlisted(name: str, devkit: Devkit, found: Pass) -> None:
    found.add(
        "V15",
        "listed in a split, but there is neither an XML file nor an image",
        severity=Severity.NOTE,
        path=devkit.root,
        detail=name,
    )
