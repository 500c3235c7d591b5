"""The JSON objects of the commands for tags and labels."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tools.documents.base import Change, Document, Part


class TagListDocument(Document):
    """headrace tag list; ``tags`` are names by what they are on."""

    version: str | None
    tags: dict[str, list[str]]


class TagCreateDocument(Change):
    """headrace tag create."""

    version: str
    on: str
    created: list[str]


class TagCountDocument(Change):
    """headrace tag add, and headrace tag remove; ``count`` objects have or had the tags."""

    version: str
    tags: list[str]
    on: str
    count: int


class TagRenameDocument(Change):
    """headrace tag rename."""

    version: str
    on: str
    old: str
    tag: str


class TagConvertDocument(Change):
    """headrace tag convert."""

    version: str
    tags: list[str]
    count: int


class TagDeleteDocument(Change):
    """headrace tag delete."""

    version: str
    on: str
    tag: str
    count: int


class LabelListDocument(Document):
    """headrace label list: the number of shapes of each label."""

    version: str
    labels: dict[str, int]


class SkeletonBody(Part):
    """The keypoints of a label, and the pairs that are joined."""

    vertices: list[str]
    edges: list[list[int]]


class LabelShowDocument(Document):
    """headrace label show."""

    version: str
    label: str
    id: str
    shapes: int
    group: str | None
    skeleton: SkeletonBody
    attributes: dict[str, Any] | None


class LabelAddDocument(Change):
    """headrace label add."""

    version: str
    labels: list[str]
    created: list[str]


class LabelRenameDocument(Change):
    """headrace label rename."""

    version: str
    old: str
    label: str


class LabelMergeDocument(Change):
    """headrace label merge."""

    version: str
    labels: list[str]
    into: str
    shapes: int


class LabelDeleteDocument(Change):
    """headrace label delete."""

    version: str
    labels: list[str]
    shapes: int


LABELS: dict[str, type[Struct]] = {
    "headrace.tag.list/1": TagListDocument,
    "headrace.tag.create/1": TagCreateDocument,
    "headrace.tag.add/1": TagCountDocument,
    "headrace.tag.remove/1": TagCountDocument,
    "headrace.tag.rename/1": TagRenameDocument,
    "headrace.tag.convert/1": TagConvertDocument,
    "headrace.tag.delete/1": TagDeleteDocument,
    "headrace.label.list/1": LabelListDocument,
    "headrace.label.show/1": LabelShowDocument,
    "headrace.label.add/1": LabelAddDocument,
    "headrace.label.rename/1": LabelRenameDocument,
    "headrace.label.merge/1": LabelMergeDocument,
    "headrace.label.delete/1": LabelDeleteDocument,
}
"""The class of each form."""
