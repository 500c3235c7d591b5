"""Parses VOC files with a hardened XML parser: no DTD, no entities, no network access, bounded size."""

from __future__ import annotations

import re
from typing import Any, Final

from lxml import etree

from headrace.formats.voc.record import (
    FLAGS,
    USUAL,
    Corners,
    VocAnnotation,
    VocObject,
    VocPart,
    flag,
    flags,
    number,
    pixels,
)
from headrace.model.shapes import Attributes

MAX_BYTES: Final = 4 * 1024 * 1024
_INSTRUCTION = re.compile(rb"<\?(?!xml[ \t\r\n])")
_BOX: Final = ("xmin", "ymin", "xmax", "ymax")
_POSITION = re.compile(r",? line \d+, column \d+$")
_COORDINATE = re.compile(r"([xy])([0-9]{1,6})")


class RefusedError(ValueError):
    """A file is rejected; ``code`` is the rule that it violates, ``line`` and ``column`` where (from 1), ``detail`` what is there."""

    def __init__(
        self,
        code: str,
        message: str,
        line: int | None = None,
        column: int | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.line = line
        self.column = column
        self.detail = detail


class NotAnAnnotationError(ValueError):
    """An XML file is not a VOC annotation."""


def parse(content: bytes) -> VocAnnotation:
    """Parse a file; raises :class:`RefusedError`, or :class:`NotAnAnnotationError` for other XML."""
    root = _root(content)
    record = VocAnnotation()
    for child in root:
        name = _name(child)
        if name == "object":
            record.objects.append(_object(child))
        elif name == "filename":
            record.filename = _text(child)
        elif name == "size":
            _size(child, record)
        elif name == "attributes":
            record.attributes = _attribute_block(child) or None
        else:
            value = _plain(child)
            if value and value != USUAL.get(name):
                record.extra[name] = value
    return record


def _root(content: bytes) -> etree._Element:
    if len(content) > MAX_BYTES:
        raise RefusedError(
            "V14", f"the file is larger than {MAX_BYTES} bytes, too large for an annotation"
        )
    bare = content.replace(b"\0", b"")  # UTF-16 has a null byte next to every ASCII character
    if b"<!DOCTYPE" in bare or b"<!ENTITY" in bare:
        raise RefusedError("V14", "rejected: the file declares a document type or entities")
    if _INSTRUCTION.search(bare):
        raise RefusedError("V14", "rejected: the file has processing instructions")
    try:
        root = etree.fromstring(content, _parser())
    except etree.XMLSyntaxError as error:
        message = _POSITION.sub("", error.msg or "")
        line, column = error.position
        raise RefusedError("V11", "invalid XML", line, column or None, message) from None
    except ValueError as error:
        raise RefusedError("V11", f"invalid XML: {error}") from None
    if _name(root) != "annotation":
        raise NotAnAnnotationError(f"its root is <{_name(root)[:80]}>")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )


def _name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _text(element: etree._Element) -> str:
    """Return the text of an element without the line breaks of its layout."""
    text = element.text or ""
    return text.strip() if text[:1] in "\r\n" or text[-1:] in "\r\n" else text


def _size(element: etree._Element, record: VocAnnotation) -> None:
    texts = {_name(child): child.text for child in element}
    record.width, record.height = pixels(texts.get("width")), pixels(texts.get("height"))
    depth = (texts.get("depth") or "").strip()
    if depth and depth != "3":
        record.extra["depth"] = depth


def _object(element: etree._Element) -> VocObject:
    obj = VocObject(label="")
    texts: dict[str, str] = {}
    more: Attributes = {}
    for child in element:
        name = _name(child)
        if name == "name":
            obj.label = _text(child)
        elif name == "bndbox":
            obj.corners = _corners(child)
            obj.broken = obj.corners is None
        elif name == "polygon":
            ring = _ring(child)
            if ring is None:
                obj.broken_rings += 1
            else:
                obj.rings.append(ring)
        elif name == "part":
            obj.parts.append(_part(child))
        elif name == "attributes":
            more |= _attribute_block(child)
        elif name == "pose" or name in FLAGS:
            texts[name] = child.text or ""
        else:
            _other(name, child, more)
    flagged = flags(texts.get("pose"), *(texts.get(name) for name in FLAGS))
    obj.attributes = (more | flagged) or None
    return obj


def _other(name: str, child: etree._Element, more: Attributes) -> None:
    if name == "point":
        more["point"] = [number(child.findtext("{*}x")), number(child.findtext("{*}y"))]
    elif name == "actions":
        more["actions"] = {_name(one): flag(one.text) for one in child}
    else:
        value = _plain(child)
        if value:
            more[name] = value


def _corners(element: etree._Element) -> Corners | None:
    texts = {_name(child): number(child.text) for child in element}
    x1, y1, x2, y2 = (texts.get(name) for name in _BOX)
    if x1 is None or y1 is None or x2 is None or y2 is None:
        return None
    return x1, y1, x2, y2


def _ring(element: etree._Element) -> list[float] | None:
    """Parse a polygon in either notation: ``x1 y1 x2 y2 …`` in any order, or repeated ``pt`` with ``x`` and ``y``."""
    points: dict[int, dict[str, float | None]] = {}
    for index, child in enumerate(element):
        name = _name(child)
        if name in ("pt", "point"):
            points[index] = {_name(one): number(one.text) for one in child}
        elif match := _COORDINATE.fullmatch(name):
            points.setdefault(int(match[2]), {})[match[1]] = number(child.text)
        else:
            return None
    ring: list[float] = []
    for _, point in sorted(points.items()):
        x, y = point.get("x"), point.get("y")
        if x is None or y is None:
            return None
        ring += (x, y)
    return ring if len(ring) >= 6 else None


def _part(element: etree._Element) -> VocPart:
    part = VocPart("", None)
    for child in element:
        if _name(child) == "name":
            part.label = _text(child)
        elif _name(child) == "bndbox":
            part.corners = _corners(child)
    return part


def _attribute_block(element: etree._Element) -> Attributes:
    """Parse the attributes of CVAT as text."""
    attributes: Attributes = {}
    for child in element:
        name, value = "", ""
        for one in child:
            if _name(one) == "name":
                name = _text(one)
            elif _name(one) == "value":
                value = _text(one)
        if name:
            attributes[name] = value
    return attributes


def _plain(element: etree._Element) -> Any:
    """Return the text of an element, or a mapping of texts for an element with children."""
    if len(element):
        texts = {_name(child): "".join(map(str, child.itertext())).strip() for child in element}
        return {name: text for name, text in texts.items() if text}
    return (element.text or "").strip()
