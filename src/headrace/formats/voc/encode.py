"""Formats VOC files with string templates, since formatting must cost less than creating the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, Final, TypeGuard

import orjson

from headrace.formats.voc.record import FLAGS
from headrace.model.shapes import Box

# Characters that XML 1.0 cannot represent even escaped; below, those that a parser would change.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SPECIAL = re.compile("[&<>\t\n\r]")
_ODD = re.compile("[^ !-%'-;=?-~\x80-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ENTITIES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}

_HEAD: Final = """<?xml version="1.0" encoding="utf-8"?>
<annotation>
\t<folder>%s</folder>
\t<filename>%s</filename>
\t<path>%s</path>
\t<source>
%s\t</source>
\t<size>
\t\t<width>%s</width>
\t\t<height>%s</height>
\t\t<depth>%s</depth>
\t</size>
\t<segmented>%s</segmented>
"""
_USUAL_HEAD: Final = _HEAD % (*("%s",) * 3, "\t\t<database>Unknown</database>\n", "%d", "%d", 3, 0)
_OBJECT: Final = """\t<object>
\t\t<name>%s</name>
\t\t<pose>%s</pose>
\t\t<truncated>%s</truncated>
\t\t<difficult>%s</difficult>
\t\t<occluded>%s</occluded>
"""
_BOX: Final = (
    "\t\t<bndbox>\n\t\t\t<xmin>%s</xmin>\n\t\t\t<ymin>%s</ymin>\n"
    "\t\t\t<xmax>%s</xmax>\n\t\t\t<ymax>%s</ymax>\n\t\t</bndbox>\n"
)
OBJECT_END: Final = "\t</object>\n"
END: Final = "</annotation>\n"


def escaped(text: str) -> str:
    """Escape text as XML character data; characters that XML cannot represent become U+FFFD."""
    if not _ODD.search(text):
        return text
    text = FORBIDDEN.sub("\ufffd", text)
    return _SPECIAL.sub(lambda match: _ENTITIES[match.group()], text)


def head(filename: str, width: int, height: int, extra: Mapping[str, Any]) -> str:
    """Format everything before the objects; ``extra`` holds file-level tags of a VOC source (``folder``, ``depth`` …)."""
    name = escaped(filename)
    if not extra:
        return _USUAL_HEAD % (name[: name.rfind("/") + 1].rstrip("/"), name, name, width, height)
    folder = extra.get("folder")
    if folder is None:
        folder = filename.rpartition("/")[0]
    source = extra.get("source") or {"database": "Unknown"}
    return _HEAD % (
        escaped(str(folder)),
        name,
        escaped(str(extra["path"])) if "path" in extra else name,
        "".join(f"\t\t<{key}>{escaped(str(text))}</{key}>\n" for key, text in source.items()),
        width,
        height,
        escaped(str(extra.get("depth", 3))),
        escaped(str(extra.get("segmented", 0))),
    )


def follows_from_name(extra: Mapping[str, Any], filename: str) -> bool:
    """Return whether file-level tags say no more than :func:`head` writes without them."""
    return (
        extra.get("path") == filename
        and extra.get("folder", "") == filename.rpartition("/")[0]
        and len(extra) == 1 + ("folder" in extra)
    )


def with_filename(content: bytes, filename: str, new: str) -> bytes:
    """Return a file with another ``<filename>``."""
    tag = "<filename>%s</filename>"
    return content.replace((tag % escaped(filename)).encode(), (tag % escaped(new)).encode(), 1)


def object_start(label: str, attributes: Mapping[str, Any] | None) -> str:
    """Format the opening tags of an object, up to its flags."""
    have = attributes or {}
    pose = have.get("pose") or "Unspecified"
    return _OBJECT % (
        escaped(label),
        escaped(str(pose)),
        *(_flag(have.get(flag)) for flag in FLAGS),
    )


def bndbox(corners: Box) -> str:
    """Format a box; whole numbers have no decimal point."""
    return _BOX % numbers(corners)


def object_template(label: str) -> str:
    """Return the template of an object with only a label and corners, for four :func:`numbers`."""
    return object_start(label, None).replace("%", "%%") + _BOX + OBJECT_END


def with_rings(template: str, rings: Sequence[Sequence[float]]) -> str:
    """Return the template of an object with places for the numbers of its rings, after those of its box."""
    polygons = "".join([_ring_template(len(ring) // 2) for ring in rings])
    return f"{template[: -len(OBJECT_END)]}{polygons}{OBJECT_END}"


def numbers(flat: Sequence[float]) -> tuple[str, ...]:
    """Format one or more finite numbers in the shortest form that reads back unchanged."""
    # One C call formats them all.
    text = orjson.dumps(flat).decode()[1:-1] + ","
    return tuple(text.replace(".0,", ",").split(",")[:-1])


def polygon(ring: Sequence[float]) -> str:
    """Format a ring of finite numbers as ``x1 y1 x2 y2 …``."""
    return _ring_template(len(ring) // 2) % numbers(ring)


@lru_cache(maxsize=4096)
def _ring_template(points: int) -> str:
    lines = [f"\t\t\t<x{i}>%s</x{i}>\n\t\t\t<y{i}>%s</y{i}>\n" for i in range(1, points + 1)]
    return f"\t\t<polygon>\n{''.join(lines)}\t\t</polygon>\n"


def part(label: str, corners: Box) -> str:
    """Format a part of an object."""
    box = bndbox(corners).replace("\t\t", "\t\t\t")
    return f"\t\t<part>\n\t\t\t<name>{escaped(label)}</name>\n{box}\t\t</part>\n"


def devkit_tags(attributes: Mapping[str, Any]) -> str:
    """Format the devkit's tags ``point`` and ``actions``, where the attributes have them."""
    text = ""
    point, actions = attributes.get("point"), attributes.get("actions")
    if is_point(point):
        x, y = numbers([*map(float, point)])
        text += f"\t\t<point>\n\t\t\t<x>{x}</x>\n\t\t\t<y>{y}</y>\n\t\t</point>\n"
    if are_actions(actions):
        lines = [f"\t\t\t<{name}>{_flag(value)}</{name}>\n" for name, value in actions.items()]
        text += f"\t\t<actions>\n{''.join(lines)}\t\t</actions>\n"
    return text


def is_point(value: object) -> TypeGuard[list[float]]:
    """Return whether the tag ``point`` can represent an attribute."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) in (int, float) and isfinite(one) for one in value)
    )


def are_actions(value: object) -> TypeGuard[dict[str, bool]]:
    """Return whether the tag ``actions`` can represent an attribute."""
    return isinstance(value, dict) and all(
        isinstance(name, str) and _TAG.fullmatch(name) and isinstance(state, bool)
        for name, state in value.items()
    )


def attribute_block(attributes: Mapping[str, Any]) -> str:
    """Format attributes as CVAT does, as text; an empty string without attributes."""
    if not attributes:
        return ""
    lines = [
        f"\t\t\t<attribute>\n\t\t\t\t<name>{escaped(name)}</name>\n"
        f"\t\t\t\t<value>{escaped(_text(value))}</value>\n\t\t\t</attribute>\n"
        for name, value in attributes.items()
    ]
    return f"\t\t<attributes>\n{''.join(lines)}\t\t</attributes>\n"


def _flag(value: object) -> str:
    if isinstance(value, str):
        return escaped(value)
    return "1" if value else "0"


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # whole numbers beyond 64 bits, keys that are not text
        return json.dumps(value, default=str, ensure_ascii=False, separators=(",", ":"))
