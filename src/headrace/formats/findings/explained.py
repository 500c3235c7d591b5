"""What each finding means: the texts of ``headrace explain`` and of the page about findings."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct, convert

_FILES: Final = ("coco", "coco_video", "yolo", "voc", "shared")


class FindingText(Struct, frozen=True, kw_only=True):
    """The explanation of a finding.

    Attributes:
        title: The finding in a few words.
        rule: What the format says, and what headrace makes of a record that breaks it.
        example: A record that has the finding.
        lenient: What happens by default.
        strict: What happens with ``strict``.
        cure: What to do about it.
    """

    title: str
    rule: str
    example: str
    lenient: str
    strict: str
    cure: str


@cache
def own_texts() -> Mapping[str, FindingText]:
    """Return the texts of headrace's own findings by code: COCO, video COCO, YOLO, VOC, then those that all share."""
    texts: dict[str, FindingText] = {}
    for name in _FILES:
        source = files("headrace.formats.findings").joinpath("texts", f"{name}.toml")
        texts |= convert(tomllib.loads(source.read_text(encoding="utf-8")), dict[str, FindingText])
    return texts
