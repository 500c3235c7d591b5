"""Annotations without their shapes (reference 12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.support.plain_platform.assets import ASSET
from tests.support.plain_platform.kinds import (
    NUMBER,
    UUID,
    Kind,
    list_of,
    needed,
    one_of,
    record,
)
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.paging import PAGE, offset_page
from tests.support.plain_platform.records import Annotation, Asset
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing
from tests.support.plain_platform.shape_kinds import GEOMETRY, created, make_shape
from tests.support.plain_platform.store import refuse_locked
from tests.support.plain_platform.versions import VERSION

ANNOTATION = "/api/annotation/{ann}"
STATUS = one_of("PENDING", "SKIPPED", "ACCEPTED", "REFUSED")
ALL = "__all__"


def in_campaign(call: Call, asset_id: str) -> bool:
    return any(each.asset_id == asset_id for each in call.store.assignments.values())


def asset_of(call: Call, *, change: bool = False) -> Asset:
    """The asset that the path names; refused for changes of a locked version or an asset of a campaign."""
    asset = call.at(call.store.assets, "asset")
    return _may_change(call, asset) if change else asset


def annotation_of(call: Call, *, change: bool = False) -> Annotation:
    """The annotation that the path names; refused as in `asset_of`."""
    annotation = call.at(call.store.annotations, "ann")
    if change:
        _may_change(call, call.store.assets[annotation.asset_id])
    return annotation


def _may_change(call: Call, asset: Asset) -> Asset:
    refuse_locked(call.store.versions[asset.version_id])
    if in_campaign(call, asset.id):
        raise RefusedError(409, "The asset is in a campaign.")
    return asset


def annotations_in(call: Call, version_id: str) -> list[Annotation]:
    """The annotations of a version, newest first."""
    assets = {asset.id for asset in call.store.assets_of(version_id)}
    found = [row for row in call.store.annotations.values() if row.asset_id in assets]
    return sorted(found, key=lambda row: -row.order)


def show_annotation(annotation: Annotation) -> dict[str, Any]:
    return {
        "id": annotation.id,
        "duration": annotation.duration,
        "status": annotation.status,
        "attributes": annotation.attributes,
    }


def _show_with_asset(annotation: Annotation) -> dict[str, Any]:
    return {**show_annotation(annotation), "asset_id": annotation.asset_id}


def with_status(call: Call, rows: Iterable[Annotation]) -> list[Annotation]:
    """Those with the status that the query names."""
    wanted = call.query.get("status")
    return [row for row in rows if wanted in (None, row.status)]


def _list(call: Call) -> dict[str, Any]:
    rows = with_status(call, annotations_in(call, version_of(call).id))
    sorts = {"status": lambda row: row.status, "duration": lambda row: row.duration}
    return offset_page(rows, call, _show_with_asset, sorts)


def _delete_many(call: Call) -> None:
    version = version_of(call, change=True)
    if version.campaign_id is not None:
        raise RefusedError(409, "The version has a campaign.")
    rows = annotations_in(call, version.id)
    if ALL not in call.body["asset_ids"]:
        assets = set(call.body["asset_ids"])
        rows = [row for row in rows if row.asset_id in assets]
    wanted = call.key("annotation_ids")
    if wanted is not None:
        rows = [row for row in rows if row.id in wanted]
    for row in rows:
        del call.store.annotations[row.id]


def _list_of_asset(call: Call) -> dict[str, Any]:
    return {"items": [show_annotation(row) for row in call.store.annotations_of(asset_of(call).id)]}


def _find(call: Call) -> dict[str, Any]:
    rows = call.store.annotations_of(asset_of(call).id)
    if not rows:
        raise missing("annotation")
    return show_annotation(rows[0])


def _create(call: Call) -> dict[str, Any]:
    asset = asset_of(call, change=True)
    made = Annotation(asset.id, call.user.id, duration=float(call.body["duration"]))
    call.store.annotations[made.id] = made
    return show_annotation(made)


def _get(call: Call) -> dict[str, Any]:
    return show_annotation(annotation_of(call))


def _update(call: Call) -> dict[str, Any]:
    annotation = annotation_of(call, change=True)
    annotation.duration = float(call.key("duration", annotation.duration))
    annotation.status = call.key("status", annotation.status)
    return show_annotation(annotation)


def _save(call: Call) -> dict[str, Any]:
    annotation = annotation_of(call, change=True)
    asset = call.store.assets[annotation.asset_id]
    annotation.shapes = [
        make_shape(call, asset, kind, item) for kind in GEOMETRY for item in call.key(kind, [])
    ]
    annotation.duration = float(call.body["duration"])
    return show_annotation(annotation)


def _delete(call: Call) -> None:
    annotation = annotation_of(call, change=True)
    del call.store.annotations[annotation.id]


def _check_assets(value: Any, where: str) -> None:
    if value != [ALL]:
        list_of(UUID).check(value, where)


_DELETE = record(
    {
        "asset_ids": needed(Kind("a list of ids, or all", _check_assets, [ALL], [1])),
        "annotation_ids": list_of(UUID),
    }
)
_SAVE = record(
    {
        "duration": needed(NUMBER),
        **{kind: list_of(created(kind), least=1) for kind in GEOMETRY},
    }
)

ROUTES = [
    Route("GET", f"{VERSION}/annotations", _list, query={**PAGE, "status": STATUS}),
    Route("DELETE", f"{VERSION}/annotations", _delete_many, body=_DELETE),
    Route("GET", f"{ASSET}/annotations", _list_of_asset),
    Route("GET", f"{ASSET}/annotations/find", _find),
    Route("POST", f"{ASSET}/annotations", _create, body=record({"duration": needed(NUMBER)})),
    Route("GET", ANNOTATION, _get),
    Route("PATCH", ANNOTATION, _update, body=record({"duration": NUMBER, "status": STATUS})),
    Route("POST", f"{ANNOTATION}/save", _save, body=_SAVE),
    Route("DELETE", ANNOTATION, _delete),
]
