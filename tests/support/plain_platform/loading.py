"""Annotations with all their shapes, and how many there are (reference 13.2 and 13.4)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.support.plain_platform.annotations import (
    STATUS,
    annotations_in,
    show_annotation,
    with_status,
)
from tests.support.plain_platform.kinds import UUID, list_of, many
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.records import Annotation
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.shape_kinds import KINDS, load_shape
from tests.support.plain_platform.versions import VERSION

ASSETS_OF_A_CALL = 50
ANNOTATIONS_OF_A_CALL = 1000


def loaded(call: Call, annotation: Annotation) -> dict[str, Any]:
    """An annotation with all its shapes; labels are names."""
    shapes = {
        kind: [
            load_shape(call, annotation, each) for each in annotation.shapes if each.kind == kind
        ]
        for kind in KINDS
    }
    return {**show_annotation(annotation), "asset_id": annotation.asset_id, **shapes}


def _ids(call: Call) -> list[str]:
    assets = call.query.get("asset_ids")
    if assets is not None and len(assets) > ASSETS_OF_A_CALL:
        raise RefusedError(422, f"At most {ASSETS_OF_A_CALL} assets.")
    rows = with_status(call, annotations_in(call, version_of(call).id))
    return [row.id for row in rows if assets is None or row.asset_id in assets]


def _load(call: Call) -> list[dict[str, Any]]:
    """Those of the ids that are annotations of this version, newest first."""
    wanted = set(call.body)
    rows = annotations_in(call, version_of(call).id)
    return [loaded(call, row) for row in rows if row.id in wanted]


def _stats(call: Call) -> dict[str, Any]:
    rows = annotations_in(call, version_of(call).id)
    labels = Counter(call.store.labels[shape.label_id].name for row in rows for shape in row.shapes)
    return {
        "label_repartition": dict(labels),
        "nb_objects": labels.total(),
        "nb_annotations": len(rows),
    }


ROUTES = [
    Route(
        "GET",
        f"{VERSION}/annotations/ids",
        _ids,
        query={"status": STATUS, "asset_ids": many(UUID)},
    ),
    Route("XGET", f"{VERSION}/annotations", _load, body=list_of(UUID, most=ANNOTATIONS_OF_A_CALL)),
    Route("GET", f"{VERSION}/stats", _stats),
]
