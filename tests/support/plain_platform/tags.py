"""Tags of data, assets, datasets and versions (reference 3 and 7)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform import paging
from tests.support.plain_platform.datalake import DATALAKE, in_datalake
from tests.support.plain_platform.kinds import NAME, TEXT, UUID, list_of, needed, one_of, record
from tests.support.plain_platform.records import Tag
from tests.support.plain_platform.routes import Call, Route, taken
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.store import only, refuse_locked

TAG = "/api/tag/{tag}"
_VERSION_TAGS = "/api/dataset/version/{dv}/tags"
_OF_ORGANIZATION = one_of("DATASET", "DATASET_VERSION", "MODEL", "MODEL_VERSION", "DEPLOYMENT")
_NAMED = record({"name": needed(NAME)})


def show_tag(tag: Tag) -> dict[str, Any]:
    return {"id": tag.id, "name": tag.name, "target_type": tag.target_type}


def create_tag(call: Call, scope: str, target_type: str) -> dict[str, Any]:
    name = call.body["name"]
    if _named(call, scope, target_type, name):
        raise taken("name")
    tag = Tag(name=name, target_type=target_type, scope=scope)
    call.store.tags[tag.id] = tag
    return show_tag(tag)


def _named(call: Call, scope: str, target_type: str, name: str | None = None) -> list[Tag]:
    return [
        tag
        for tag in call.store.tags.values()
        if (tag.scope, tag.target_type) == (scope, target_type) and name in (None, tag.name)
    ]


def _find(call: Call, scope: str, target_type: str) -> dict[str, Any]:
    return show_tag(only(_named(call, scope, target_type, call.query["name"]), "tag"))


def _list(call: Call, scope: str, target_type: str) -> dict[str, Any]:
    sorts = {"name": lambda tag: tag.name}
    return paging.items_only(_named(call, scope, target_type), call, show_tag, sorts)


def _create_of_data(call: Call) -> dict[str, Any]:
    in_datalake(call)
    return create_tag(call, call.store.datalake_id, "DATA")


def _find_of_data(call: Call) -> dict[str, Any]:
    in_datalake(call)
    return _find(call, call.store.datalake_id, "DATA")


def _list_of_data(call: Call) -> dict[str, Any]:
    in_datalake(call)
    return _list(call, call.store.datalake_id, "DATA")


def _create_of_assets(call: Call) -> dict[str, Any]:
    version = refuse_locked(call.at(call.store.versions, "dv"))
    return create_tag(call, version.id, "ASSET")


def _find_of_assets(call: Call) -> dict[str, Any]:
    return _find(call, call.at(call.store.versions, "dv").id, "ASSET")


def _list_of_assets(call: Call) -> dict[str, Any]:
    return _list(call, call.at(call.store.versions, "dv").id, "ASSET")


def _create_of_organization(call: Call) -> dict[str, Any]:
    in_organization(call)
    return create_tag(call, call.store.organization_id, call.body["target_type"])


def _find_of_organization(call: Call) -> dict[str, Any]:
    in_organization(call)
    return _find(call, call.store.organization_id, call.query["target_type"])


def _list_of_organization(call: Call) -> dict[str, Any]:
    in_organization(call)
    return _list(call, call.store.organization_id, call.query["target_type"])


def _get(call: Call) -> dict[str, Any]:
    return show_tag(call.at(call.store.tags, "tag"))


def _open_tag(call: Call) -> Tag:
    """The tag, unless it is one of a locked version."""
    tag = call.at(call.store.tags, "tag")
    version = call.store.versions.get(tag.scope)
    if version is not None:
        refuse_locked(version)
    return tag


def _patch(call: Call) -> dict[str, Any]:
    tag = _open_tag(call)
    if any(
        other is not tag for other in _named(call, tag.scope, tag.target_type, call.key("name"))
    ):
        raise taken("name")
    tag.name = call.body["name"]
    return show_tag(tag)


def _delete(call: Call) -> None:
    del call.store.tags[_open_tag(call).id]


def _targets(call: Call, tag: Tag) -> set[str]:
    """The ids in the body that the tag can be on; the others are skipped."""
    store = call.store
    wanted = set(call.body)
    if tag.target_type == "DATA":
        return wanted & store.datas.keys()
    if tag.target_type == "ASSET":
        return {asset.id for asset in store.assets_of(tag.scope) if asset.id in wanted}
    if tag.target_type == "DATASET":
        return wanted & store.datasets.keys()
    if tag.target_type == "DATASET_VERSION":
        found = wanted & store.versions.keys()
        for version_id in found:
            refuse_locked(store.versions[version_id])
        return found
    return set()


def _attach(call: Call) -> dict[str, Any]:
    tag = _open_tag(call)
    targets = _targets(call, tag)
    tag.targets |= targets
    return {"tag": show_tag(tag), "count": len(targets)}


def _detach(call: Call) -> dict[str, Any]:
    tag = _open_tag(call)
    targets = _targets(call, tag)
    tag.targets -= targets
    return {"tag": show_tag(tag), "count": len(targets)}


ROUTES = [
    Route("POST", f"{DATALAKE}/tags", _create_of_data, body=_NAMED),
    Route("GET", f"{DATALAKE}/tags/find", _find_of_data, query={"name": needed(TEXT)}),
    Route("GET", f"{DATALAKE}/tags", _list_of_data, query=paging.PAGE),
    Route("POST", _VERSION_TAGS, _create_of_assets, body=_NAMED),
    Route("GET", f"{_VERSION_TAGS}/find", _find_of_assets, query={"name": needed(TEXT)}),
    Route("GET", _VERSION_TAGS, _list_of_assets, query=paging.PAGE),
    Route(
        "POST",
        f"{ORGANIZATION}/tags",
        _create_of_organization,
        body=record({"name": needed(NAME), "target_type": needed(_OF_ORGANIZATION)}),
    ),
    Route(
        "GET",
        f"{ORGANIZATION}/tags/find",
        _find_of_organization,
        query={"name": needed(TEXT), "target_type": needed(_OF_ORGANIZATION)},
    ),
    Route(
        "GET",
        f"{ORGANIZATION}/tags",
        _list_of_organization,
        query={**paging.PAGE, "target_type": needed(_OF_ORGANIZATION)},
    ),
    Route("GET", TAG, _get),
    Route("PATCH", TAG, _patch, body=_NAMED),
    Route("DELETE", TAG, _delete),
    Route("POST", f"{TAG}/attach", _attach, body=list_of(UUID)),
    Route("POST", f"{TAG}/detach", _detach, body=list_of(UUID)),
]
