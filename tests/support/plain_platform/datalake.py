"""The datalake and its data (reference 3 and 5)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.kinds import NAME, UUID
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing
from tests.support.plain_platform.session import ORGANIZATION, in_organization

DATALAKE = "/api/datalake/{lake}"


def in_datalake(call: Call) -> None:
    """404 unless the path names the one datalake there is."""
    if call.path["lake"] != call.store.datalake_id:
        raise missing("datalake")


def _show(call: Call) -> dict[str, Any]:
    store = call.store
    return {
        "id": store.datalake_id,
        "name": store.datalake_name,
        "connector_id": store.connector_id,
    }


def _find(call: Call) -> dict[str, Any]:
    in_organization(call)
    if len(call.query) > 1:
        raise RefusedError(400, "Give the id or the name.")
    if call.query.get("id", call.store.datalake_id) != call.store.datalake_id:
        raise missing("datalake")
    if call.query.get("name", call.store.datalake_name) != call.store.datalake_name:
        raise missing("datalake")
    return _show(call)


def _list(call: Call) -> dict[str, Any]:
    in_organization(call)
    return {"items": [_show(call)]}


def _get(call: Call) -> dict[str, Any]:
    in_datalake(call)
    return _show(call)


ROUTES = [
    Route("GET", f"{ORGANIZATION}/datalake", _find, query={"id": UUID, "name": NAME}),
    Route("GET", f"{ORGANIZATION}/datalakes", _list),
    Route("GET", DATALAKE, _get),
]
