"""Assets of a version: listing, finding, deleting (reference 10)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.support.plain_platform import paging, queries
from tests.support.plain_platform.data import show_data
from tests.support.plain_platform.filters import BODY, IDS, QUERY, TEXTS, keeps, key_of
from tests.support.plain_platform.kinds import (
    OBJECT,
    TEXT,
    UUID,
    Kind,
    list_of,
    needed,
    one_of,
    record,
)
from tests.support.plain_platform.records import Asset
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.store import Store, only, refuse_locked
from tests.support.plain_platform.tags import show_tag
from tests.support.plain_platform.versions import VERSION, open_version

ASSET = "/api/asset/{asset}"
_ASSIGNED: dict[str, Kind] = {
    "assignment_status": one_of("TO_DO", "TO_REWORK", "DONE", "SKIPPED"),
    "assignment_step_id": UUID,
    "assignment_user_id": UUID,
}
_KEY_LISTS = {
    "ids": IDS,
    "object_names": TEXTS,
    "filenames": TEXTS,
    "filename_startswith": TEXTS,
    "data_ids": IDS,
}


def show_asset(call: Call, asset: Asset) -> dict[str, Any]:
    """An asset always has the size of its data."""
    data = call.store.datas[asset.data_id]
    return {"id": asset.id, "data": {**show_data(call, data), "meta": data.meta}}


def sorts_of(store: Store) -> dict[str, Callable[[Asset], Any]]:
    return {
        "filename": lambda asset: store.datas[asset.data_id].filename,
        "object_name": lambda asset: store.datas[asset.data_id].object_name,
    }


def fields_of_asset(store: Store) -> queries.Fields:
    """What ``q`` may name of assets."""

    def labels(asset: Asset) -> list[str]:
        return [
            store.labels[shape.label_id].name
            for annotation in store.annotations_of(asset.id)
            for shape in annotation.shapes
            if shape.kind == "rectangles"
        ]

    return {
        "filename": lambda asset: [store.datas[asset.data_id].filename],
        "object_name": lambda asset: [store.datas[asset.data_id].object_name],
        "data.filename": lambda asset: [store.datas[asset.data_id].filename],
        "data.object_name": lambda asset: [store.datas[asset.data_id].object_name],
        "tags.name": lambda asset: [tag.name for tag in store.tags_of(asset.id)],
        "data.tags.name": lambda asset: [tag.name for tag in store.tags_of(asset.data_id)],
        "annotations.rectangles.label.name": labels,
    }


def _matching(call: Call, wish: dict[str, Any]) -> list[Asset]:
    store = call.store
    version = call.at(store.versions, "dv")
    rows = [row for row in store.assets_of(version.id) if keeps(wish, store.datas[row.data_id])]
    if any(key in wish for key in _ASSIGNED):
        rows = [row for row in rows if _is_assigned(store, row, wish)]
    if "q" in wish:
        test = queries.read_query(wish["q"], fields_of_asset(store))
        rows = [row for row in rows if test(row)]
    return rows


def _is_assigned(store: Store, asset: Asset, wish: dict[str, Any]) -> bool:
    return any(
        row.asset_id == asset.id
        and row.status == wish.get("assignment_status", row.status)
        and row.step_id == wish.get("assignment_step_id", row.step_id)
        and row.assigned_user_id == wish.get("assignment_user_id", row.assigned_user_id)
        for row in store.assignments.values()
    )


def _list(call: Call) -> dict[str, Any]:
    rows = _matching(call, call.query)
    return paging.cursor_page(rows, call, partial(show_asset, call), sorts_of(call.store))


def _list_by_keys(call: Call) -> Any:
    store = call.store
    call.at(store.versions, "dv")
    name, keys = key_of(call, _KEY_LISTS)
    starts = tuple(keys)

    def among(asset: Asset) -> bool:
        data = store.datas[asset.data_id]
        if name == "filename_startswith":
            return data.filename.startswith(starts)
        key = {
            "ids": asset.id,
            "data_ids": asset.data_id,
            "filenames": data.filename,
            "object_names": data.object_name,
        }[name]
        return key in keys

    rows = [row for row in _matching(call, {**call.query, **call.body}) if among(row)]
    return paging.key_list(rows, call, partial(show_asset, call), sorts_of(store))


def _find(call: Call) -> dict[str, Any]:
    store = call.store
    version = call.at(store.versions, "dv")
    if not call.query:
        raise RefusedError(422, "The query needs an id, data_id, filename or object_name.")

    def matches(asset: Asset) -> bool:
        data = store.datas[asset.data_id]
        have = {
            "id": asset.id,
            "data_id": asset.data_id,
            "filename": data.filename,
            "object_name": data.object_name,
        }
        return all(have[key] == value for key, value in call.query.items())

    return show_asset(call, only(filter(matches, store.assets_of(version.id)), "asset"))


def _get(call: Call) -> dict[str, Any]:
    asset = call.at(call.store.assets, "asset")
    tags = [show_tag(tag) for tag in call.store.tags_of(asset.id)]
    return {**show_asset(call, asset), "tags": tags}


def _delete(call: Call) -> None:
    asset = call.at(call.store.assets, "asset")
    refuse_locked(call.store.versions[asset.version_id])
    call.store.remove_assets([asset])


def _delete_many(call: Call) -> None:
    version = open_version(call)
    ids = set(call.body["ids"])
    call.store.remove_assets(row for row in call.store.assets_of(version.id) if row.id in ids)


ROUTES = [
    Route(
        "GET",
        f"{VERSION}/assets",
        _list,
        query={**paging.CURSOR, **QUERY, **_ASSIGNED},
    ),
    Route(
        "XGET",
        f"{VERSION}/assets",
        _list_by_keys,
        query={**paging.PAGE, "custom_metadata": OBJECT, **_ASSIGNED},
        body=record({**_KEY_LISTS, **BODY}),
    ),
    Route("DELETE", f"{VERSION}/assets", _delete_many, body=record({"ids": needed(list_of(UUID))})),
    Route(
        "GET",
        f"{VERSION}/assets/find",
        _find,
        query={"id": UUID, "data_id": UUID, "filename": TEXT, "object_name": TEXT},
    ),
    Route("GET", ASSET, _get),
    Route("DELETE", ASSET, _delete),
]
