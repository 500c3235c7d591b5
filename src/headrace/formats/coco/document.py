"""A COCO file in memory, for callers who want its records rather than a path; fields as the format names them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
import orjson
from msgspec import Struct, field

from headrace.formats.findings.collect import Finding


class CocoImage(Struct, kw_only=True):
    """An entry of ``images``; width and height are pixels."""

    id: int
    file_name: str
    width: int | None = None
    height: int | None = None
    attributes: dict[str, Any] | None = None


class CocoCategory(Struct, kw_only=True):
    """An entry of ``categories``; ``skeleton`` joins keypoints by numbers from 1."""

    id: int
    name: str
    supercategory: str | None = None
    keypoints: list[str] | None = None
    skeleton: list[list[int]] | None = None


class CocoAnnotation(Struct, kw_only=True):
    """An entry of ``annotations``; ``bbox`` is x, y, w, h in pixels, empty where the annotation has no geometry."""

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
    """A whole COCO file. ``findings`` says what of the version COCO has no words for."""

    info: dict[str, Any] = field(default_factory=dict)
    licenses: list[dict[str, Any]] = field(default_factory=list)
    images: list[CocoImage] = field(default_factory=list)
    annotations: list[CocoAnnotation] = field(default_factory=list)
    categories: list[CocoCategory] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def model_dump(self) -> dict[str, Any]:
        """Plain dicts and lists, as the file has them: without what is None, and without the findings."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        del plain["findings"]
        for name in ("images", "annotations", "categories"):
            plain[name] = [_present(record) for record in plain[name]]
        return plain

    def model_dump_json(self, indent: int | None = None) -> str:
        """The text of the file; any ``indent`` is of two blanks."""
        option = orjson.OPT_INDENT_2 if indent else 0
        return orjson.dumps(self.model_dump(), option=option).decode()

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the file."""
        Path(path).write_text(self.model_dump_json(), encoding="utf-8")


def _present(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}


def read_document(path: Path) -> CocoFile:
    """A file that headrace wrote, as a document."""
    return msgspec.json.decode(path.read_bytes(), type=CocoFile)
