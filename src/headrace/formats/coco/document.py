"""A COCO file in memory, for callers who need its records rather than a file. Fields have the names of the format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import orjson
from msgspec import Struct, field

from headrace.folders.lakes import check_no_lake
from headrace.formats.coco.encode import dump
from headrace.formats.findings.collect import Finding


class CocoImage(Struct, kw_only=True):
    """An entry of ``images``; width and height are pixels."""

    id: int
    file_name: str
    width: int | None = None
    height: int | None = None
    attributes: dict[str, Any] | None = None


class CocoCategory(Struct, kw_only=True):
    """An entry of ``categories``; ``skeleton`` has pairs of keypoint numbers, counted from 1."""

    id: int
    name: str
    supercategory: str | None = None
    keypoints: list[str] | None = None
    skeleton: list[list[int]] | None = None


class CocoAnnotation(Struct, kw_only=True):
    """An entry of ``annotations``; ``bbox`` is x, y, w, h in pixels, or empty for an annotation without geometry."""

    id: int
    image_id: int
    category_id: int
    bbox: list[float] = field(default_factory=list)
    segmentation: list[list[float]] | dict[str, Any] = field(default_factory=list)
    area: float = 0.0
    iscrowd: int = 0
    keypoints: list[float] | None = None
    num_keypoints: int | None = None
    utf8_string: str | None = None
    attributes: dict[str, Any] | None = None


class CocoFile(Struct, kw_only=True):
    """A COCO file. ``findings`` lists what COCO cannot represent of the dataset version."""

    info: dict[str, Any] = field(default_factory=dict)
    licenses: list[dict[str, Any]] = field(default_factory=list)
    images: list[CocoImage] = field(default_factory=list)
    annotations: list[CocoAnnotation] = field(default_factory=list)
    categories: list[CocoCategory] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def model_dump(self) -> dict[str, Any]:
        """Return the file as dicts and lists, without the findings and without values that are None."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        del plain["findings"]
        for name in ("images", "annotations", "categories"):
            plain[name] = [_present(record) for record in plain[name]]
        return plain

    def model_dump_json(self, indent: int | None = None) -> str:
        """Return the text of the file.

        Args:
            indent: Indent the text, by two spaces whatever the number; None for compact text.
        """
        plain = self.model_dump()
        if indent:
            try:
                return orjson.dumps(plain, option=orjson.OPT_INDENT_2).decode()
            except TypeError:  # a whole number beyond 64 bits
                return json.dumps(plain, ensure_ascii=False, indent=2)
        return dump(plain).decode()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file to a path, in place of a file that is there; raises LakeError for a path in a lake."""
        check_no_lake(Path(path), below=False)
        Path(path).write_text(self.model_dump_json(), encoding="utf-8")


def _present(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
