"""Dataset versions and their lock (reference 3, 8, 9 and 18)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.support.plain_platform import paging
from tests.support.plain_platform.datasets import DATASET
from tests.support.plain_platform.kinds import NAME, TEXT, UUID, needed, one_of, record
from tests.support.plain_platform.records import Version
from tests.support.plain_platform.routes import Call, RefusedError, Route, taken
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.store import Store, only, refuse_locked
from tests.support.plain_platform.tags import show_tag

VERSION = "/api/dataset/version/{dv}"
INFERENCE = one_of(
    "NOT_CONFIGURED",
    "CLASSIFICATION",
    "OBJECT_DETECTION",
    "SEGMENTATION",
    "POINT",
    "KEYPOINT",
    "LINE",
    "MASK",
    "MULTI",
)
_SORTS: dict[str, Callable[[Version], Any]] = {"version": lambda version: version.version}


def show_version(store: Store, version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "origin_name": store.datasets[version.dataset_id].name,
        "origin_id": version.dataset_id,
        "version": version.version,
        "type": version.type,
        "annotation_campaign_id": version.campaign_id,
    }


def open_version(call: Call) -> Version:
    """The version that the path names, unless it is locked."""
    return refuse_locked(call.at(call.store.versions, "dv"))


def refuse_taken(store: Store, dataset_id: str, name: str) -> None:
    if any((row.dataset_id, row.version) == (dataset_id, name) for row in store.versions.values()):
        raise taken("version")


def _create(call: Call) -> dict[str, Any]:
    dataset = call.at(call.store.datasets, "ds")
    refuse_taken(call.store, dataset.id, call.body["version"])
    version = Version(
        dataset_id=dataset.id,
        version=call.body["version"],
        description=call.key("description", ""),
        type=call.key("type", "NOT_CONFIGURED"),
    )
    call.store.versions[version.id] = version
    return show_version(call.store, version)


def _list(call: Call) -> dict[str, Any]:
    dataset = call.at(call.store.datasets, "ds")
    rows = [row for row in call.store.versions.values() if row.dataset_id == dataset.id]
    return paging.items_only(rows, call, partial(show_version, call.store), _SORTS)


def _find(call: Call) -> dict[str, Any]:
    dataset = call.at(call.store.datasets, "ds")
    if not call.query:
        raise RefusedError(422, "The query needs a version or an id.")
    found = [
        row
        for row in call.store.versions.values()
        if row.dataset_id == dataset.id
        and all(getattr(row, key) == value for key, value in call.query.items())
    ]
    return show_version(call.store, only(found, "version"))


def _find_anywhere(call: Call) -> dict[str, Any]:
    in_organization(call)
    found = [row for row in call.store.versions.values() if row.id == call.query["id"]]
    return show_version(call.store, only(found, "version"))


def _get(call: Call) -> dict[str, Any]:
    version = call.at(call.store.versions, "dv")
    tags = [show_tag(tag) for tag in call.store.tags_of(version.id)]
    return {**show_version(call.store, version), "tags": tags}


def _patch(call: Call) -> dict[str, Any]:
    version = open_version(call)
    name = call.key("version", version.version)
    if name != version.version:
        refuse_taken(call.store, version.dataset_id, name)
    version.version = name
    version.description = call.key("description", version.description)
    version.type = call.key("type", version.type)
    return show_version(call.store, version)


def _delete(call: Call) -> None:
    call.store.remove_version(open_version(call))


def _lock(call: Call) -> dict[str, Any]:
    call.at(call.store.versions, "dv").locked = True
    return {}


def _unlock(call: Call) -> dict[str, Any]:
    call.at(call.store.versions, "dv").locked = False
    return {}


ROUTES = [
    Route(
        "POST",
        f"{DATASET}/versions",
        _create,
        body=record({"version": needed(NAME), "description": TEXT, "type": INFERENCE}),
    ),
    Route("GET", f"{DATASET}/versions", _list, query=paging.PAGE),
    Route("GET", f"{DATASET}/versions/find", _find, query={"version": TEXT, "id": UUID}),
    Route(
        "GET",
        f"{ORGANIZATION}/datasetversions/find",
        _find_anywhere,
        query={"id": needed(UUID)},
    ),
    Route("GET", VERSION, _get),
    Route(
        "PATCH",
        VERSION,
        _patch,
        body=record({"version": NAME, "description": TEXT, "type": INFERENCE}),
    ),
    Route("DELETE", VERSION, _delete),
    Route("POST", f"{VERSION}/lock", _lock),
    Route("POST", f"{VERSION}/unlock", _unlock),
]
