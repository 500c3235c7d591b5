"""Single shapes (reference 12): keypoints and tracks have no endpoints of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.support.plain_platform.annotations import ANNOTATION, annotation_of
from tests.support.plain_platform.kinds import TEXT, UUID, Kind, list_of, needed, record
from tests.support.plain_platform.records import Annotation, Shape
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing
from tests.support.plain_platform.shape_kinds import GEOMETRY, created, make_shape, show_shape
from tests.support.plain_platform.store import refuse_locked

_OPTIONAL: dict[str, Mapping[str, Kind]] = {
    kind: {key: replace(of, needed=False) for key, of in geometry.items()}
    for kind, geometry in GEOMETRY.items()
}
"""The geometry of a PATCH: each key may be absent. A box is changed edge by edge."""


def _shape(call: Call, kind: str, *, change: bool = False) -> tuple[Annotation, Shape]:
    for annotation in call.store.annotations.values():
        for shape in annotation.shapes:
            if shape.id == call.path["shape"] and shape.kind == kind:
                if change:
                    asset = call.store.assets[annotation.asset_id]
                    refuse_locked(call.store.versions[asset.version_id])
                return annotation, shape
    raise missing(kind.removesuffix("s"))


def _routes(kind: str) -> list[Route]:
    one = f"/api/{kind.removesuffix('s')}/{{shape}}"

    def list_all(call: Call) -> dict[str, Any]:
        annotation = annotation_of(call)
        found = [each for each in annotation.shapes if each.kind == kind]
        return {"items": [show_shape(call, annotation, each) for each in found]}

    def create(call: Call) -> dict[str, Any]:
        annotation = annotation_of(call, change=True)
        asset = call.store.assets[annotation.asset_id]
        made = [make_shape(call, asset, kind, item) for item in call.body[kind]]
        annotation.shapes += made
        return {kind: [show_shape(call, annotation, each) for each in made]}

    def get(call: Call) -> dict[str, Any]:
        return show_shape(call, *_shape(call, kind))

    def update(call: Call) -> dict[str, Any]:
        annotation, shape = _shape(call, kind, change=True)
        asset = call.store.assets[annotation.asset_id]
        label = call.store.labels.get(call.key("label_id", shape.label_id))
        if label is None or label.version_id != asset.version_id:
            raise RefusedError(400, "The label is not one of this version.")
        shape.label_id = label.id
        shape.text = call.key("text", shape.text)
        shape.geometry |= {key: call.body[key] for key in GEOMETRY[kind] if key in call.body}
        return show_shape(call, annotation, shape)

    def delete(call: Call) -> None:
        annotation, shape = _shape(call, kind, change=True)
        annotation.shapes.remove(shape)

    routes = [
        Route("GET", f"{ANNOTATION}/{kind}", list_all),
        Route(
            "POST",
            f"{ANNOTATION}/bulk-{kind}",
            create,
            body=record({kind: needed(list_of(created(kind), least=1))}),
        ),
        Route("GET", one, get),
        Route("DELETE", one, delete),
    ]
    if kind != "masks":
        changes = record({**_OPTIONAL[kind], "text": TEXT, "label_id": UUID})
        routes.append(Route("PATCH", one, update, body=changes))
    return routes


ROUTES = [route for kind in GEOMETRY for route in _routes(kind)]
