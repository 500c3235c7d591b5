"""The text of one VOC file: string templates, since formatting must cost less than creating the file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite
from typing import Any, Final, TypeGuard

import orjson

from headrace.formats.voc.record import FLAGS
from headrace.model.shapes import Box

# What XML 1.0 cannot hold, not even escaped; and what a parser would change on the way back.
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
    """``text`` as XML character data that reads back unchanged; what XML cannot hold becomes U+FFFD."""
    if not _ODD.search(text):
        return text
    text = FORBIDDEN.sub("\ufffd", text)
    return _SPECIAL.sub(lambda match: _ENTITIES[match.group()], text)


def head(filename: str, width: int, height: int, own: Mapping[str, Any]) -> str:
    """Everything before the objects; ``own`` holds what a VOC source said itself (``folder``, ``depth`` …)."""
    name = escaped(filename)
    if not own:
        return _USUAL_HEAD % (name[: name.rfind("/") + 1].rstrip("/"), name, name, width, height)
    folder = own.get("folder")
    if folder is None:
        folder = filename.rpartition("/")[0]
    source = own.get("source") or {"database": "Unknown"}
    return _HEAD % (
        escaped(str(folder)),
        name,
        escaped(str(own["path"])) if "path" in own else name,
        "".join(f"\t\t<{key}>{escaped(str(text))}</{key}>\n" for key, text in source.items()),
        width,
        height,
        escaped(str(own.get("depth", 3))),
        escaped(str(own.get("segmented", 0))),
    )


def object_start(label: str, attributes: Mapping[str, Any] | None) -> str:
    """An object's opening tags up to its flags."""
    have = attributes or {}
    pose = have.get("pose") or "Unspecified"
    return _OBJECT % (
        escaped(label),
        escaped(str(pose)),
        *(_flag(have.get(flag)) for flag in FLAGS),
    )


def bndbox(corners: Box) -> str:
    """The box's tags; whole numbers without a point."""
    return _BOX % numbers(corners)


def object_template(label: str) -> str:
    """A whole object that says nothing but its label and its corners: a template for four :func:`numbers`."""
    return object_start(label, None).replace("%", "%%") + _BOX + OBJECT_END


def numbers(flat: Sequence[float]) -> tuple[str, ...]:
    """Finite numbers, at least one, as short as they are read back unchanged; whole ones without a point."""
    # One C call prints them all.
    text = orjson.dumps(flat).decode()[1:-1] + ","
    return tuple(text.replace(".0,", ",").split(",")[:-1])


def polygon(ring: Sequence[float]) -> str:
    """A ring's tags, ``x1 y1 x2 y2 …``; the numbers are finite."""
    return _ring_template(len(ring) // 2) % numbers(ring)


@lru_cache(maxsize=4096)
def _ring_template(points: int) -> str:
    lines = [f"\t\t\t<x{i}>%s</x{i}>\n\t\t\t<y{i}>%s</y{i}>\n" for i in range(1, points + 1)]
    return f"\t\t<polygon>\n{''.join(lines)}\t\t</polygon>\n"


def part(label: str, corners: Box) -> str:
    """A part inside its object."""
    box = bndbox(corners).replace("\t\t", "\t\t\t")
    return f"\t\t<part>\n\t\t\t<name>{escaped(label)}</name>\n{box}\t\t</part>\n"


def own_tags(attributes: Mapping[str, Any]) -> str:
    """The devkit's own tags for actions and for a point inside the object, where attributes hold such."""
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
    """Whether an attribute is what the tag ``point`` can say."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(one) in (int, float) and isfinite(one) for one in value)
    )


def are_actions(value: object) -> TypeGuard[dict[str, bool]]:
    """Whether an attribute is what the tag ``actions`` can say."""
    return isinstance(value, dict) and all(
        isinstance(name, str) and _TAG.fullmatch(name) and isinstance(state, bool)
        for name, state in value.items()
    )


def attribute_block(attributes: Mapping[str, Any]) -> str:
    """CVAT's block of named values; empty where there are none. Values become text."""
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
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
