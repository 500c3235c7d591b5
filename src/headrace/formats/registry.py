"""The formats that exist, by name; each package is imported when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module

from headrace.errors import UnknownFormatError
from headrace.formats.info import Format

# One line a format; its package holds ``FORMAT`` and imports nothing heavy.
_PACKAGES: Mapping[str, str] = {
    "coco": "headrace.formats.coco",
    "coco-video": "headrace.formats.coco_video",
    "yolo": "headrace.formats.yolo",
    "voc": "headrace.formats.voc",
}


def names() -> tuple[str, ...]:
    """The names of all formats, in the order of the help."""
    return tuple(_PACKAGES)


def get(name: str) -> Format:
    """The format of this name; UnknownFormatError with the nearest name where there is none."""
    package = _PACKAGES.get(name.lower())
    if package is None:
        near = get_close_matches(name.lower(), _PACKAGES, n=1)
        hint = (f"did you mean {near[0]!r}? " if near else "") + f"formats: {' '.join(_PACKAGES)}"
        raise UnknownFormatError(f"no format {name!r}", hint=hint)
    found: Format = import_module(package).FORMAT
    return found


def all_formats() -> list[Format]:
    """Every format, in the order of :func:`names`."""
    return [get(name) for name in _PACKAGES]
