"""The unit of every stream: one asset with its shapes. Also the labels that a source declares."""

from __future__ import annotations

from msgspec import Struct, field

from headrace.model.shapes import AnyShape, Attributes


class Sample(Struct, kw_only=True, gc=False):
    """One asset (image or video) with its shapes.

    ``filename`` is spelled as in the source, with ``/`` between folders. ``width`` and ``height`` are in pixels, None
    where the source does not give them. ``annotated`` distinguishes an annotated asset without objects (background) from
    one that was not annotated. ``id`` and ``extra`` are values of the source, kept for writing the same format. ``path``
    is the path of the asset's file below the folder of the source, with ``/`` between folders, where a reader knows it;
    it tells apart files of equal names in different folders. Readers may put a sequence in place of the list ``shapes``,
    which makes the shapes when something asks for them, and can be used and changed as a list can; ``list(shapes)`` is
    for what accepts only lists, such as an encoder.
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
    path: str | None = None


class LabelInfo(Struct, kw_only=True):
    """A label as a source declares it.

    ``id`` is the number or key in the source; ``supercategory`` a dotted path of groups. ``keypoints`` are the names of
    the points of its skeleton, and ``skeleton`` the pairs of points that are joined, counted from 1 (COCO).
    """

    name: str
    id: int | str | None = None
    supercategory: str | None = None
    keypoints: list[str] = field(default_factory=list)
    skeleton: list[tuple[int, int]] = field(default_factory=list)
    extra: Attributes | None = None
