"""Assets with the labels of their annotations, for splits (reference 13.5)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.assets import show_asset
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.paging import PAGE, offset_page
from tests.support.plain_platform.records import Annotation, Asset
from tests.support.plain_platform.routes import Call, Route
from tests.support.plain_platform.versions import VERSION

DEFAULT_LIMIT = 100
_COUNTED = ("rectangles", "classifications", "points", "polygons", "lines", "keypoints")


def _show(call: Call, asset: Asset) -> dict[str, Any]:
    annotations = [_labels(each) for each in call.store.annotations_of(asset.id)]
    return {**show_asset(call, asset), "annotations": annotations}


def _labels(annotation: Annotation) -> dict[str, Any]:
    return {
        kind: [{"label_id": each.label_id} for each in annotation.shapes if each.kind == kind]
        for kind in _COUNTED
    }


def _list(call: Call) -> dict[str, Any]:
    rows = call.store.assets_of(version_of(call).id)
    return offset_page(rows, call, lambda row: _show(call, row), default_limit=DEFAULT_LIMIT)


_QUERY = {key: PAGE[key] for key in ("limit", "offset")}
ROUTES = [Route("GET", f"{VERSION}/assets/extended", _list, query=_QUERY)]
