"""Datasets (reference 3 and 8)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform import paging
from tests.support.plain_platform.kinds import NAME, TEXT, UUID, needed, record
from tests.support.plain_platform.records import Dataset
from tests.support.plain_platform.routes import Call, RefusedError, Route, taken
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.store import only, refuse_locked
from tests.support.plain_platform.tags import show_tag

DATASET = "/api/dataset/{ds}"


def _show(dataset: Dataset) -> dict[str, Any]:
    return {"id": dataset.id, "name": dataset.name}


def _refuse_taken(call: Call, name: str) -> None:
    if any(dataset.name == name for dataset in call.store.datasets.values()):
        raise taken("name")


def _create(call: Call) -> dict[str, Any]:
    in_organization(call)
    _refuse_taken(call, call.body["name"])
    dataset = Dataset(name=call.body["name"], description=call.key("description", ""))
    call.store.datasets[dataset.id] = dataset
    return _show(dataset)


def _list(call: Call) -> dict[str, Any]:
    in_organization(call)
    sorts = {"name": lambda dataset: dataset.name}
    return paging.items_only(list(call.store.datasets.values()), call, _show, sorts)


def _find(call: Call) -> dict[str, Any]:
    in_organization(call)
    if not call.query:
        raise RefusedError(422, "The query needs a name or an id.")
    found = [
        dataset
        for dataset in call.store.datasets.values()
        if all(getattr(dataset, key) == value for key, value in call.query.items())
    ]
    return _show(only(found, "dataset"))


def _get(call: Call) -> dict[str, Any]:
    dataset = call.at(call.store.datasets, "ds")
    tags = [show_tag(tag) for tag in call.store.tags_of(dataset.id)]
    return {**_show(dataset), "tags": tags}


def _patch(call: Call) -> dict[str, Any]:
    dataset = call.at(call.store.datasets, "ds")
    name = call.key("name", dataset.name)
    if name != dataset.name:
        _refuse_taken(call, name)
    dataset.name = name
    dataset.description = call.key("description", dataset.description)
    return _show(dataset)


def _delete(call: Call) -> None:
    dataset = call.at(call.store.datasets, "ds")
    versions = [row for row in call.store.versions.values() if row.dataset_id == dataset.id]
    for version in versions:
        refuse_locked(version)
    for version in versions:
        call.store.remove_version(version)
    call.store.untag(dataset.id)
    del call.store.datasets[dataset.id]


ROUTES = [
    Route(
        "POST",
        f"{ORGANIZATION}/datasets",
        _create,
        body=record({"name": needed(NAME), "description": TEXT}),
    ),
    Route("GET", f"{ORGANIZATION}/datasets", _list, query=paging.PAGE),
    Route("GET", f"{ORGANIZATION}/datasets/find", _find, query={"name": TEXT, "id": UUID}),
    Route("GET", DATASET, _get),
    Route("PATCH", DATASET, _patch, body=record({"name": NAME, "description": TEXT})),
    Route("DELETE", DATASET, _delete),
]
