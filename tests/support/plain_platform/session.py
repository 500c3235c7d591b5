"""Session start, organization and users (reference 2, 3 and 15)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.kinds import NAME, TEXT, UUID, needed, record
from tests.support.plain_platform.records import User
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing

ORGANIZATION = "/api/organization/{org}"
SDK_VERSION = "6.37.0"


def in_organization(call: Call) -> None:
    """404 unless the path names the one organization there is."""
    if call.path["org"] != call.store.organization_id:
        raise missing("organization")


def _ping(call: Call) -> dict[str, Any]:
    return {
        "sdk_version": SDK_VERSION,
        "username": call.user.username,
        "default_organization": call.store.organization_id,
    }


def _organization(call: Call) -> dict[str, Any]:
    store = call.store
    return {
        "id": store.organization_id,
        "name": store.organization_name,
        "default_connector_id": store.connector_id,
    }


def _get_organization(call: Call) -> dict[str, Any]:
    in_organization(call)
    return _organization(call)


def _find_organization(call: Call) -> dict[str, Any]:
    if call.query["name"] != call.store.organization_name:
        raise missing("organization")
    return {"id": call.store.organization_id}


def show_user(user: User) -> dict[str, Any]:
    return {"id": user.id, "username": user.username}


def _users(call: Call) -> dict[str, Any]:
    in_organization(call)
    wanted = call.query.get("username")
    users = [user for user in call.store.users.values() if wanted in (None, user.username)]
    return {"users": [show_user(user) for user in users]}


def _dataset_users(call: Call) -> dict[str, Any]:
    call.at(call.store.datasets, "ds")
    return {"users": [show_user(user) for user in call.store.users.values()]}


def _add_dataset_user(call: Call) -> dict[str, Any]:
    call.at(call.store.datasets, "ds")
    if call.body["user_id"] not in call.store.users:
        raise RefusedError(400, "There is no such user.")
    return {}


ROUTES = [
    Route("GET", "/api/home/ping", _ping, session=False),
    Route(
        "GET",
        "/api/organizations/find",
        _find_organization,
        query={"name": needed(TEXT)},
        session=False,
    ),
    Route("GET", ORGANIZATION, _get_organization, session=False),
    Route(
        "GET",
        "/api/access/organization/{org}/users",
        _users,
        query={"username": TEXT},
    ),
    Route("GET", "/api/access/dataset/{ds}/users", _dataset_users),
    Route(
        "POST",
        "/api/access/dataset/{ds}/users",
        _add_dataset_user,
        body=record({"user_id": needed(UUID), "role": NAME}),
    ),
]
