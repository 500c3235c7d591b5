"""The label files of one folder, looked up in the order of its images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import chain, islice
from typing import Final

from headrace.formats.io.walk import name_order, sorted_on_disk, stem_of

# Up to this number of label files their names are kept in memory; in larger folders they are sorted like the images.
_REMEMBERED: Final = 100_000


class LabelFiles(ExitStack):
    """The label files of one folder, and the number of those with an image. A context manager."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self.folder = folder
        texts = _texts(folder)
        names = list(islice(texts, _REMEMBERED + 1))
        self.names = set(names) if len(names) <= _REMEMBERED else None
        """The names of all label files; None where they are too many to hold."""
        self._count, self.taken = len(names), 0
        self._next: str | None = None
        if self.names is None:
            every = sorted_on_disk(chain(names, texts), name_order, self)
            self._stems = enumerate(map(stem_of, every), 1)
            self._count, self._next = next(self._stems, (0, None))

    def take(self, stem: str, again: bool = False) -> str | None:
        """Return the label file for an image with this stem, or None; call it in the order of stems."""
        name = f"{stem}.txt"
        if self.names is None:
            while self._next is not None and self._next < stem:
                self._count, self._next = next(self._stems, (self._count, None))
            there = self._next == stem
        else:
            there = name in self.names
        if not there:
            return None
        self.taken += not again
        return f"{self.folder}/{name}"

    def left(self) -> Iterator[str]:
        """Yield candidates for label files without an image: all files, if any was not taken."""
        if self.names is None:
            self._count += sum(1 for _ in self._stems)
        if self._count > self.taken:
            yield from (f"{self.folder}/{name}" for name in _texts(self.folder))


def _texts(folder: str) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name.endswith(".txt") and not name.startswith(".") and entry.is_file():
                    yield name
    except (FileNotFoundError, NotADirectoryError):
        return
