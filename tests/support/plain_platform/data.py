"""Data: registering what was uploaded, listing, finding, changing, deleting (reference 5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.support.plain_platform import paging, queries
from tests.support.plain_platform.datalake import DATALAKE, in_datalake
from tests.support.plain_platform.filters import (
    BODY,
    IDS,
    QUERY,
    STATUSES,
    TEXTS,
    TYPES,
    keeps,
    key_of,
    status_of,
)
from tests.support.plain_platform.kinds import (
    INT,
    NAME,
    OBJECT,
    TEXT,
    UUID,
    between,
    list_of,
    many,
    needed,
    or_null,
    record,
)
from tests.support.plain_platform.media import size_of
from tests.support.plain_platform.records import Asset, Data
from tests.support.plain_platform.routes import Answer, Call, RefusedError, Route, missing
from tests.support.plain_platform.signing import file_url
from tests.support.plain_platform.sources import show_source
from tests.support.plain_platform.store import Store, only, refuse_locked
from tests.support.plain_platform.tags import show_tag

DATA = "/api/data/{data}"
_LENGTH = between(INT, 1, 1 << 24)
_KEY_LISTS = {"ids": IDS, "filenames": TEXTS, "object_names": TEXTS}
SORTS: dict[str, Callable[[Data], Any]] = {
    "filename": lambda data: data.filename,
    "object_name": lambda data: data.object_name,
}


def show_data(call: Call, data: Data) -> dict[str, Any]:
    """A data as listings and assets have it; each time is a look at it."""
    status = status_of(data)
    data.looks_left = max(0, data.looks_left - 1)
    shown = {
        "id": data.id,
        "object_name": data.object_name,
        "filename": data.filename,
        "type": data.type,
        "content_type": data.content_type,
        "upload_status": status,
        "presigned_url": file_url(call, data.object_name),
        "metadata": data.metadata,
        "custom_metadata": data.custom_metadata,
    }
    if status == "DONE":
        shown["meta"] = data.meta
    return shown


def fields_of_data(store: Store) -> queries.Fields:
    """What ``q`` may name of data."""

    def versions(data: Data) -> list[str]:
        return [
            store.versions[asset.version_id].version
            for asset in store.assets.values()
            if asset.data_id == data.id
        ]

    return {
        "filename": lambda data: [data.filename],
        "object_name": lambda data: [data.object_name],
        "type": lambda data: [data.type],
        "content_type": lambda data: [data.content_type],
        "tags.name": lambda data: [tag.name for tag in store.tags_of(data.id)],
        "datasets.version": versions,
    }


def _register(call: Call) -> Any:
    in_datalake(call)
    store, body = call.store, call.body
    before = [data for data in store.datas.values() if data.object_name == body["object_name"]]
    if before:
        if before[0].registered == body:
            return show_data(call, before[0])
        return Answer(208, {"message": "The object name is taken.", "detail": None})
    content = store.files.get(body["object_name"])
    if content is None:
        raise RefusedError(400, "Nothing was uploaded under this object name.")
    if body["data_source_id"] not in (None, *store.sources):
        raise RefusedError(400, "There is no such source.")
    tags = [store.tags.get(tag) for tag in body["tags"]]
    for tag in tags:
        if tag is None or tag.target_type != "DATA":
            raise RefusedError(400, "There is no such data tag.")
    data = Data(
        type=body["type"],
        filename=body["filename"],
        object_name=body["object_name"],
        content_type=body["content_type"],
        registered=body,
        data_source_id=body["data_source_id"],
        meta=body.get("meta") or size_of(content),
        metadata=body.get("metadata"),
        custom_metadata=body.get("custom_metadata"),
        looks_left=call.switches.pending_polls,
    )
    store.datas[data.id] = data
    for tag in tags:
        assert tag is not None
        tag.targets.add(data.id)
    shown = show_data(call, data)
    data.looks_left = call.switches.pending_polls  # the answer itself is no look
    return shown


def _list(call: Call) -> dict[str, Any]:
    in_datalake(call)
    rows = _matching(call, call.query)
    return paging.cursor_page(rows, call, partial(show_data, call), SORTS)


def _list_by_keys(call: Call) -> Any:
    in_datalake(call)
    name, keys = key_of(call, _KEY_LISTS)
    field = {"ids": "id", "filenames": "filename", "object_names": "object_name"}[name]
    rows = _matching(call, {**call.query, **call.body})
    rows = [data for data in rows if getattr(data, field) in keys]
    return paging.key_list(rows, call, partial(show_data, call), SORTS)


def _matching(call: Call, wish: dict[str, Any]) -> list[Data]:
    rows = [data for data in call.store.datas.values() if keeps(wish, data)]
    if "q" in wish:
        test = queries.read_query(wish["q"], fields_of_data(call.store))
        rows = [data for data in rows if test(data)]
    return rows


def _find(call: Call) -> dict[str, Any]:
    in_datalake(call)
    wish = {key: call.query[key] for key in ("id", "filename", "object_name") if key in call.query}
    if not wish:
        raise RefusedError(422, "The query needs an id, a filename or an object_name.")
    found = [
        data
        for data in call.store.datas.values()
        if keeps(call.query, data) and all(getattr(data, key) == wish[key] for key in wish)
    ]
    return show_data(call, only(found, "data"))


def _get(call: Call) -> dict[str, Any]:
    store = call.store
    data = call.at(store.datas, "data")
    source = store.sources.get(data.data_source_id or "")
    return {
        **show_data(call, data),
        "tags": [show_tag(tag) for tag in store.tags_of(data.id)],
        "datalake_id": store.datalake_id,
        "data_source": None if source is None else show_source(source),
    }


def _get_url(call: Call) -> dict[str, Any]:
    url = file_url(call, call.at(call.store.datas, "data").object_name)
    if url is None:
        raise missing("file")
    return {"presigned_url": url}


def _patch(call: Call) -> dict[str, Any]:
    data = call.at(call.store.datas, "data")
    data.metadata = call.body["metadata"]
    return show_data(call, data)


def _patch_custom(call: Call) -> dict[str, Any]:
    data = call.at(call.store.datas, "data")
    data.custom_metadata = call.body["custom_metadata"]
    return {"custom_metadata": data.custom_metadata}


def _delete(call: Call) -> None:
    _remove(call.store, [call.at(call.store.datas, "data")])


def _delete_many(call: Call) -> None:
    in_datalake(call)
    datas = call.store.datas
    _remove(call.store, [datas[data_id] for data_id in call.body["ids"] if data_id in datas])


def _remove(store: Store, datas: list[Data]) -> None:
    """With their assets in every version."""
    going = {data.id: data for data in datas}
    assets: list[Asset] = [asset for asset in store.assets.values() if asset.data_id in going]
    for version_id in {asset.version_id for asset in assets}:
        refuse_locked(store.versions[version_id])
    store.remove_assets(assets)
    for data in going.values():
        store.untag(data.id)
        store.files.pop(data.object_name, None)
        for projection in [row for row in store.projections.values() if row.data_id == data.id]:
            del store.projections[projection.id]
        del store.datas[data.id]


ROUTES = [
    Route(
        "POST",
        f"{DATALAKE}/datas",
        _register,
        body=record(
            {
                "type": needed(TYPES),
                "filename": needed(NAME),
                "object_name": needed(NAME),
                "content_type": needed(NAME),
                "tags": needed(list_of(UUID)),
                "data_source_id": needed(or_null(UUID)),
                "meta": record({"width": needed(_LENGTH), "height": needed(_LENGTH)}),
                "metadata": OBJECT,
                "custom_metadata": OBJECT,
            }
        ),
    ),
    Route("GET", f"{DATALAKE}/datas", _list, query={**paging.CURSOR, **QUERY}),
    Route(
        "XGET",
        f"{DATALAKE}/datas",
        _list_by_keys,
        query={**paging.PAGE, "custom_metadata": OBJECT},
        body=record({**_KEY_LISTS, **BODY}),
    ),
    Route(
        "GET",
        f"{DATALAKE}/datas/find",
        _find,
        query={
            "id": UUID,
            "filename": TEXT,
            "object_name": TEXT,
            "upload_statuses": many(STATUSES),
            "types": many(TYPES),
        },
    ),
    Route("DELETE", f"{DATALAKE}/datas", _delete_many, body=record({"ids": needed(list_of(UUID))})),
    Route("GET", DATA, _get),
    Route("GET", f"{DATA}/presigned-url", _get_url),
    Route("PATCH", DATA, _patch, body=record({"metadata": needed(or_null(OBJECT))})),
    Route(
        "PATCH",
        f"{DATA}/custom-metadata",
        _patch_custom,
        body=record({"custom_metadata": needed(or_null(OBJECT))}),
    ),
    Route("DELETE", DATA, _delete),
]
