"""The labels of a VOC dataset: from ``labelmap.txt`` if it exists, else the names of the objects.

The devkit has no such file. CVAT and datumaro write it; without it datumaro accepts only the labels of the devkit. Its
lines are ``name:colour:parts:actions``, where all but the name may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from headrace.formats.voc import xml_parser
from headrace.formats.voc.encode import FORBIDDEN
from headrace.formats.voc.layout import Devkit
from headrace.formats.voc.walk import VocFile, read_file

LABEL_MAP: Final = "labelmap.txt"
MAP_HEADING: Final = "# label:color_rgb:parts:actions\n"
_MAX_MAP = 1024 * 1024
_NAMES = re.compile(rb"<(?:object|part)>[ \t\r\n]*<name>([^<&\r\n\t]*)</name>")
# Markup that could hide names from the pattern, or contain false ones.
_HIDERS = re.compile(rb"<!--|<!\[|<!D|<\?(?!xml )|\0|encoding=(?![\"'](?:utf|UTF)-8)")


def has_map(devkits: Iterable[Devkit]) -> bool:
    """Return whether a label map exists."""
    return any((devkit.root / LABEL_MAP).is_file() for devkit in devkits)


def declared_labels(devkits: Iterable[Devkit]) -> dict[str, None]:
    """Return the names of the label map in order; empty without one."""
    names: dict[str, None] = {}
    for devkit in devkits:
        path = devkit.root / LABEL_MAP
        if not path.is_file():
            continue
        with path.open("rb") as file:
            text = file.read(_MAX_MAP).decode("utf-8", "replace")
        for line in text.splitlines():
            name = line.partition(":")[0].strip()
            if name and not line.startswith("#"):
                names[name] = None
    return names


def label_line(name: str) -> str | None:
    """Return the line of the label map for a label, or None where its name cannot be written."""
    shown = FORBIDDEN.sub("\ufffd", name)
    if not shown or shown != shown.strip() or shown.startswith("#") or ":" in shown:
        return None
    return f"{shown}:::\n" if len(shown.splitlines()) == 1 else None


def met_labels(files: Iterable[VocFile]) -> dict[str, None]:
    """Return the names of objects and parts in order of occurrence."""
    names: dict[str, None] = {}
    for file in files:
        if file.image is None:
            names.update(dict.fromkeys(_names(read_file(file.path))))
    return names


def _names(content: bytes) -> list[str]:
    found = _NAMES.findall(content)
    plain = len(found) == content.count(b"<object") + content.count(b"<part")
    if plain and not _HIDERS.search(content):
        try:
            return [name.decode() for name in found if name]
        except UnicodeDecodeError:
            return []  # reading reports it
    try:
        record = xml_parser.parse(content)
    except (xml_parser.RefusedError, xml_parser.NotAnAnnotationError):
        return []
    return [
        name
        for obj in record.objects
        for name in (obj.label, *(part.label for part in obj.parts))
        if name
    ]
