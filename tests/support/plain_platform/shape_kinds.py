"""The kinds of shapes: what their requests must hold, and how they are shown (reference 12 and 13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.plain_platform.kinds import (
    INT,
    NUMBER,
    OBJECT,
    TEXT,
    UUID,
    Kind,
    WrongValueError,
    list_of,
    needed,
    or_null,
    record,
)
from tests.support.plain_platform.labels import show_label
from tests.support.plain_platform.records import Annotation, Asset, Shape
from tests.support.plain_platform.routes import Call, RefusedError
from tests.support.plain_platform.runs import area_and_box, runs_of

POINT = list_of(INT, least=2, most=2)
OUTLINE = list_of(POINT, least=1)


def _check_triple(value: Any, where: str) -> None:
    list_of(NUMBER, least=3, most=3).check(value, where)
    INT.check(value[2], f"{where}[2]")


TRIPLE = Kind("[x, y, v]", _check_triple, [1, 2, 2], [1, 2])
_BOX: dict[str, Kind] = {key: needed(INT) for key in "xywh"}

GEOMETRY: dict[str, Mapping[str, Kind]] = {
    "rectangles": _BOX,
    "polygons": {"polygon": needed(OUTLINE)},
    "lines": {"line": needed(OUTLINE)},
    "points": {"point": needed(POINT)},
    "classifications": {},
    "masks": {"mask": needed(TEXT)},
}
"""The keys of a shape's geometry, of the kinds that have endpoints of their own."""

_FRAME: dict[str, Kind] = {"frame_index": needed(INT)}
IMPORTED: dict[str, Mapping[str, Kind]] = {
    **{kind: GEOMETRY[kind] for kind in ("rectangles", "polygons", "classifications", "masks")},
    "keypoints": {"keypoints": needed(list_of(TRIPLE, least=1))},
    "tracks": {
        "start_frame_index": needed(INT),
        "_last_frame_index": INT,
        "rectangle_keyframes": list_of(record({**_BOX, **_FRAME})),
        "polygon_keyframes": list_of(record({"polygon": needed(OUTLINE), **_FRAME})),
        "end_keyframes": list_of(record(_FRAME)),
    },
}
"""The keys of a shape's geometry in the bulk import."""

KINDS = (*GEOMETRY, "keypoints", "tracks")


def created(kind: str) -> Kind:
    """A shape in a request that creates or saves it."""
    return record({"label_id": needed(UUID), **GEOMETRY[kind]})


def imported(kind: str) -> Kind:
    """A shape in the bulk import."""
    more = {"text": or_null(TEXT), "attributes": or_null(OBJECT)}
    return record({"label_id": needed(UUID), **more, **IMPORTED[kind]})


def make_shape(call: Call, asset: Asset, kind: str, item: Mapping[str, Any]) -> Shape:
    """A shape of a request, checked against the asset that it is drawn on; it is not stored yet."""
    label = call.store.labels.get(item["label_id"])
    if label is None or label.version_id != asset.version_id:
        raise RefusedError(400, "The label is not one of this version.")
    if kind == "masks":
        check_mask(call, asset, item["mask"])
    apart = ("label_id", "text", "attributes", "_last_frame_index")
    geometry = {key: value for key, value in item.items() if key not in apart}
    return Shape(kind, label.id, geometry, item.get("text"), item.get("attributes"))


def check_mask(call: Call, asset: Asset, counts: str) -> None:
    """Refuse a mask that is not one of this asset's pixels."""
    meta = call.store.datas[asset.data_id].meta
    if meta is None:
        raise RefusedError(400, "The size of the file is not known yet.")
    if sum(runs_of(counts)) != meta["width"] * meta["height"]:
        raise WrongValueError("the runs of the mask do not add up to the pixels of the asset")


def show_shape(call: Call, annotation: Annotation, shape: Shape) -> dict[str, Any]:
    """A single shape: its label is an object."""
    return {
        "id": shape.id,
        "label": show_label(call.store.labels[shape.label_id]),
        "text": shape.text,
        "attributes": shape.attributes,
        **shape.geometry,
        **measures(call, annotation, shape, single=True),
    }


def load_shape(call: Call, annotation: Annotation, shape: Shape) -> dict[str, Any]:
    """A shape of a loaded annotation: its label is a name."""
    return {
        "label": call.store.labels[shape.label_id].name,
        "text": shape.text,
        "attributes": shape.attributes,
        **shape.geometry,
        **measures(call, annotation, shape),
    }


def measures(
    call: Call, annotation: Annotation, shape: Shape, *, single: bool = False
) -> dict[str, Any]:
    """What is computed from the geometry: areas of polygons (of loaded ones only), areas and boxes of masks."""
    if shape.kind == "polygons" and not single:
        return {"area": polygon_area(shape.geometry["polygon"])}
    if shape.kind == "masks":
        meta = call.store.datas[call.store.assets[annotation.asset_id].data_id].meta
        assert meta is not None
        area, box = area_and_box(shape.geometry["mask"], meta["height"])
        return {"area": float(area), "bbox": box}
    return {}


def polygon_area(polygon: list[list[float]]) -> float:
    """By the shoelace formula."""
    following = [*polygon[1:], polygon[0]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) / 2
