"""The bulk import of annotations (reference 13.1 and 22.1)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.annotations import STATUS, in_campaign
from tests.support.plain_platform.kinds import (
    OBJECT,
    UUID,
    list_of,
    needed,
    one_of,
    or_null,
    record,
)
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.records import Annotation, Asset, Shape, Version
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.shape_kinds import IMPORTED, imported, make_shape
from tests.support.plain_platform.versions import VERSION

ASSETS_OF_A_CALL = 100

_ITEM = record(
    {
        "asset_id": needed(UUID),
        "attributes": or_null(OBJECT),
        **{kind: list_of(imported(kind)) for kind in IMPORTED},
    }
)
BODY = record(
    {
        "import_type": needed(one_of("REPLACE", "KEEP", "CONCATENATE")),
        "annotations": needed(list_of(_ITEM, most=ASSETS_OF_A_CALL)),
        "status": STATUS,
    }
)


def _import(call: Call) -> dict[str, int]:
    """Everything is checked before anything is written."""
    version = version_of(call, change=True)
    checked = [_checked(call, version, item) for item in call.body["annotations"]]
    written = {}
    for asset, shapes, attributes in checked:
        if in_campaign(call, asset.id):
            continue
        annotation = _target(call, asset)
        if annotation is None:
            continue
        annotation.shapes += shapes
        if attributes is not None:
            annotation.attributes = attributes
        written[annotation.id] = len(shapes)
    return written


def _checked(
    call: Call, version: Version, item: dict[str, Any]
) -> tuple[Asset, list[Shape], dict[str, Any] | None]:
    asset = call.store.assets.get(item["asset_id"])
    if asset is None or asset.version_id != version.id:
        raise RefusedError(400, "The asset is not one of this version.")
    shapes = [
        make_shape(call, asset, kind, shape) for kind in IMPORTED for shape in item.get(kind, [])
    ]
    return asset, shapes, item.get("attributes")


def _target(call: Call, asset: Asset) -> Annotation | None:
    """The annotation that takes the shapes; None where the mode leaves the asset alone."""
    mode = call.body["import_type"]
    there = call.store.annotations_of(asset.id)
    if there and mode == "KEEP":
        return None
    if there and mode == "CONCATENATE":
        return there[0]
    own = [row for row in there if row.user_id == call.user.id]
    if own:
        del call.store.annotations[own[0].id]
    made = Annotation(asset.id, call.user.id, status=call.key("status", "PENDING"))
    call.store.annotations[made.id] = made
    return made


ROUTES = [Route("POST", f"{VERSION}/bulk-annotations", _import, body=BODY)]
