"""Export of annotations into one file (reference 13.3 and 23.5)."""

from __future__ import annotations

import json
from typing import Any

from tests.support.plain_platform.annotations import STATUS
from tests.support.plain_platform.export_files import (
    Drawn,
    Picture,
    coco_file,
    voc_archive,
    yolo_archive,
)
from tests.support.plain_platform.kinds import BOOL, UUID, list_of, needed, one_of, record
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.records import Annotation, Asset
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.signing import url_for
from tests.support.plain_platform.versions import VERSION


def _export(call: Call) -> dict[str, Any]:
    version = version_of(call)
    names = [label.name for label in call.store.labels_of(version.id)]
    pictures = [
        _picture(call, asset, annotation)
        for asset, annotation in _chosen(call, call.store.assets_of(version.id))
    ]
    kind = call.body["type"]
    if kind == "COCO":
        skeletons = {
            label.name: label.skeleton
            for label in call.store.labels_of(version.id)
            if label.skeleton is not None
        }
        content, ending = json.dumps(coco_file(pictures, names, skeletons)).encode(), "json"
    elif kind == "YOLO":
        content, ending = yolo_archive(pictures, names), "zip"
    else:
        content, ending = voc_archive(pictures), "zip"
    object_name = f"{call.user.id}/annotations/{version.id}_annotations.{ending}"
    call.store.files[object_name] = content
    return {
        "object_name": object_name,
        "presigned_url": url_for(call, "file", object_name=object_name),
    }


def _chosen(call: Call, assets: list[Asset]) -> list[tuple[Asset, Annotation]]:
    """The assets that were asked for with their newest annotation."""
    wanted = call.key("asset_ids")
    status = call.key("status")
    found = []
    for asset in assets:
        if wanted is not None and asset.id not in wanted:
            continue
        rows = call.store.annotations_of(asset.id)
        rows = [row for row in rows if status in (None, row.status)]
        if rows:
            found.append((asset, rows[0]))
    return found


def _picture(call: Call, asset: Asset, annotation: Annotation) -> Picture:
    data = call.store.datas[asset.data_id]
    if data.meta is None:
        raise RefusedError(400, "The size of a file is not known yet.")
    ending = "." + data.filename.rpartition(".")[2] if "." in data.filename else ""
    name = {
        "FILENAME": data.filename,
        "OBJECT_NAME": data.object_name,
        "ASSET_ID": asset.id + ending,
        "DATA_ID": data.id + ending,
    }[call.body["export_key"]]
    drawn = [
        Drawn(
            shape.kind,
            call.store.labels[shape.label_id].name,
            shape.geometry,
            shape.text,
            shape.attributes,
        )
        for shape in annotation.shapes
    ]
    return Picture(name, data.meta["width"], data.meta["height"], annotation.attributes, drawn)


_BODY = record(
    {
        "type": needed(one_of("COCO", "PASCAL_VOC", "YOLO")),
        "export_video": needed(BOOL),
        "export_key": needed(one_of("FILENAME", "OBJECT_NAME", "ASSET_ID", "DATA_ID")),
        "asset_ids": list_of(UUID),
        "status": STATUS,
    }
)
ROUTES = [Route("POST", f"{VERSION}/annotations/export", _export, body=_BODY)]
