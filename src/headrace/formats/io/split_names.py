"""The names of splits in folders and files: ``valid``, ``train2017``, ``instances_val.json``."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SPLITS: Final = ("train", "val", "test", "minival")
"""The splits of a data set, as headrace calls them."""

ALIASES: Final = {"valid": "val", "validation": "val"}
"""Other names of splits, as tools write them."""

_CANONICAL: Final = {
    **{name: name for name in SPLITS},
    **ALIASES,
    "training": "train",
    "testing": "test",
    "trainval": "trainval",
    "valminusminival": "valminusminival",
}
_YEAR: Final = re.compile(r"(?:19|20)\d\d$")
_BETWEEN: Final = re.compile(r"[^A-Za-z0-9]+")

REPEATS: Final = {
    "trainval": frozenset({"train", "val"}),
    "minival": frozenset({"val"}),
    "valminusminival": frozenset({"val"}),
}
"""Splits that only repeat images of others."""


class SplitOfName(NamedTuple):
    """The split that a name contains, the word for it (``train2017``), and the other words of the name."""

    split: str | None
    word: str = ""
    rest: str = ""


def split_of_word(word: str) -> str | None:
    """Return the split that a word names, also with a year behind it; ``val`` for ``valid`` and ``validation``."""
    return _CANONICAL.get(_YEAR.sub("", word.lower()))


def split_of_stem(stem: str) -> SplitOfName:
    """Return the split that the first or the last word of a file's stem names."""
    words = [word for word in _BETWEEN.split(stem) if word]
    for at in (-1, 0) if words else ():
        split = split_of_word(words[at])
        if split is not None:
            word = words.pop(at)
            return SplitOfName(split, word, "_".join(words).lower())
    return SplitOfName(None, "", "_".join(words).lower())
