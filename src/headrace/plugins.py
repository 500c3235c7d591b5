"""Formats of other packages, found by the metadata of the installed packages; none of their code is imported here.

A package declares a format as an entry point of the group ``headrace.formats``. The name of the entry point is that of
the format, its value refers to a :class:`~headrace.formats.Format`. The registry of formats loads it when it is needed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from typing import Final

GROUP: Final = "headrace.formats"
BUILT_IN: Final = ("coco", "coco-video", "yolo", "voc")
"""The names of headrace's own formats, in the order of the help."""

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def declared() -> Mapping[str, Sequence[EntryPoint]]:
    """Return the entry points of the installed packages by the name of their format.

    A name that several packages declare has several. The result is kept until ``sys.path`` changes.
    """
    return _declared(tuple(sys.path))


@lru_cache(maxsize=1)
def _declared(path: tuple[str, ...]) -> Mapping[str, Sequence[EntryPoint]]:
    found: dict[str, list[EntryPoint]] = {}
    for point in sorted(_points(), key=lambda each: (each.name, package_of(each))):
        found.setdefault(point.name, []).append(point)
    return found


def _points() -> Sequence[EntryPoint]:
    try:
        return tuple(entry_points(group=GROUP))
    except Exception:  # noqa: BLE001  whatever the damage, it is one package's
        return [point for each in distributions() for point in _points_of(each)]


def _points_of(distribution: Distribution) -> Sequence[EntryPoint]:
    """Return the entry points of a package, none where its metadata are damaged."""
    try:
        return tuple(distribution.entry_points.select(group=GROUP))
    except Exception:  # noqa: BLE001
        return ()


def format_names() -> tuple[str, ...]:
    """Return the names of all formats: headrace's own, then those of other packages, sorted."""
    return (*BUILT_IN, *[name for name in declared() if refusal(name) is None])


def refusal(name: str) -> str | None:
    """Return why no package may give a format this name, or None where one may."""
    if name in BUILT_IN:
        return "headrace has a format of this name itself"
    if not _NAME.fullmatch(name):
        return "a name has lower-case letters, digits and single hyphens"
    return None


def package_of(point: EntryPoint) -> str:
    """Return the name and version of the package that declares an entry point."""
    return "an unknown package" if point.dist is None else f"{point.dist.name} {point.dist.version}"
