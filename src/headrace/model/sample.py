"""The unit of every stream: one asset with its shapes, and what a source says of its labels."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.model.shapes import AnyShape, Attributes


class Sample(Struct, kw_only=True, gc=False):
    """One asset (image or video) with its shapes.

    ``filename`` is the source's own spelling with ``/`` between folders; ``width`` and ``height`` are pixels, None
    where the source does not say. ``annotated`` tells a looked-at asset without objects (background) from one that
    nobody annotated. ``id`` and ``extra`` are the source's own, kept for writing the same format back.
    """

    filename: str
    width: int | None = None
    height: int | None = None
    shapes: list[AnyShape] = field(default_factory=list)
    annotated: bool = True
    split: str | None = None
    id: int | str | None = None
    attributes: Attributes | None = None
    extra: Attributes | None = None


class LabelInfo(Struct, kw_only=True):
    """A label as a source declares it.

    ``id`` is the source's number or key; ``supercategory`` a dotted path of groups; ``keypoints`` names the points
    of its skeleton and ``skeleton`` joins them by pairs of numbers counted from 1 (COCO).
    """

    name: str
    id: int | str | None = None
    supercategory: str | None = None
    keypoints: list[str] = field(default_factory=list)
    skeleton: list[tuple[int, int]] = field(default_factory=list)
    extra: Attributes | None = None
