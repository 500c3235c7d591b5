"""Data sources, and projections of data (reference 3 and 6)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform import paging
from tests.support.plain_platform.kinds import (
    INT,
    NAME,
    OBJECT,
    TEXT,
    between,
    needed,
    or_null,
    record,
)
from tests.support.plain_platform.records import Projection, Source
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing, taken
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.signing import file_url
from tests.support.plain_platform.store import only

SOURCE = "/api/data/source/{source}"
PROJECTION = "/api/data/projection/{projection}"
_LENGTH = between(INT, 1, 1 << 24)


def show_source(source: Source) -> dict[str, Any]:
    return {"id": source.id, "name": source.name}


def _refuse_taken(call: Call) -> None:
    if any(source.name == call.body["name"] for source in call.store.sources.values()):
        raise taken("name")


def _create(call: Call) -> dict[str, Any]:
    in_organization(call)
    _refuse_taken(call)
    source = Source(name=call.body["name"])
    call.store.sources[source.id] = source
    return show_source(source)


def _find(call: Call) -> dict[str, Any]:
    in_organization(call)
    found = [row for row in call.store.sources.values() if row.name == call.query["name"]]
    return show_source(only(found, "source"))


def _list(call: Call) -> dict[str, Any]:
    in_organization(call)
    sorts = {"name": lambda source: source.name}
    return paging.items_only(list(call.store.sources.values()), call, show_source, sorts)


def _get(call: Call) -> dict[str, Any]:
    return show_source(call.at(call.store.sources, "source"))


def _patch(call: Call) -> dict[str, Any]:
    source = call.at(call.store.sources, "source")
    if source.name != call.body["name"]:
        _refuse_taken(call)
        source.name = call.body["name"]
    return show_source(source)


def _delete(call: Call) -> None:
    source = call.at(call.store.sources, "source")
    for data in call.store.datas.values():
        if data.data_source_id == source.id:
            data.data_source_id = None
    del call.store.sources[source.id]


def _show_projection(call: Call, projection: Projection) -> dict[str, Any]:
    return {
        "id": projection.id,
        "compute_status": "DONE",
        "name": projection.name,
        "object_name": projection.object_name,
        "filename": projection.filename,
        "presigned_url": file_url(call, projection.object_name),
        "infos": projection.infos,
    }


def _list_projections(call: Call) -> dict[str, Any]:
    data = call.at(call.store.datas, "data")
    rows = [row for row in call.store.projections.values() if row.data_id == data.id]
    return {"items": [_show_projection(call, row) for row in rows]}


def _create_projection(call: Call) -> dict[str, Any]:
    data = call.at(call.store.datas, "data")
    body = call.body
    if body["object_name"] not in call.store.files:
        raise RefusedError(400, "Nothing was uploaded under this object name.")
    projection = Projection(
        data_id=data.id,
        name=body["name"],
        object_name=body["object_name"],
        filename=body["filename"],
        infos=body.get("additional_info") or {},
    )
    call.store.projections[projection.id] = projection
    return _show_projection(call, projection)


def _get_projection(call: Call) -> dict[str, Any]:
    return _show_projection(call, call.at(call.store.projections, "projection"))


def _get_projection_url(call: Call) -> dict[str, Any]:
    url = file_url(call, call.at(call.store.projections, "projection").object_name)
    if url is None:
        raise missing("file")
    return {"presigned_url": url}


def _delete_projection(call: Call) -> None:
    del call.store.projections[call.at(call.store.projections, "projection").id]


ROUTES = [
    Route("POST", f"{ORGANIZATION}/datasources", _create, body=record({"name": needed(NAME)})),
    Route("GET", f"{ORGANIZATION}/datasources/find", _find, query={"name": needed(TEXT)}),
    Route("GET", f"{ORGANIZATION}/datasources", _list, query=paging.PAGE),
    Route("GET", SOURCE, _get),
    Route("PATCH", SOURCE, _patch, body=record({"name": needed(NAME)})),
    Route("DELETE", SOURCE, _delete),
    Route("GET", "/api/data/{data}/projections", _list_projections),
    Route(
        "POST",
        "/api/data/{data}/projections",
        _create_projection,
        body=record(
            {
                "name": needed(NAME),
                "file_size": needed(between(INT, 0, 2**53)),
                "object_name": needed(NAME),
                "filename": needed(NAME),
                "content_type": needed(NAME),
                "width": or_null(_LENGTH),
                "height": or_null(_LENGTH),
                "additional_info": or_null(OBJECT),
            }
        ),
    ),
    Route("GET", PROJECTION, _get_projection),
    Route("GET", f"{PROJECTION}/presigned-url", _get_projection_url),
    Route("DELETE", PROJECTION, _delete_projection),
]
