"""Labels and label groups of a version (reference 11)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.kinds import NAME, UUID, list_of, needed, record
from tests.support.plain_platform.records import Label, LabelGroup, Version
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing, taken
from tests.support.plain_platform.store import refuse_locked
from tests.support.plain_platform.versions import VERSION

LABEL = "/api/label/{label}"
GROUP = "/api/label/group/{group}"


def version_of(call: Call, *, change: bool = False) -> Version:
    """The version that the path names; 423 for a change of a locked one."""
    version = call.at(call.store.versions, "dv")
    return refuse_locked(version) if change else version


def label_of(call: Call, *, change: bool = False) -> Label:
    """The label that the path names; 423 for a change below a locked version."""
    label = call.at(call.store.labels, "label")
    if change:
        refuse_locked(call.store.versions[label.version_id])
    return label


def show_label(label: Label) -> dict[str, Any]:
    return {"id": label.id, "name": label.name, "group_id": label.group_id}


def _show_group(group: LabelGroup) -> dict[str, Any]:
    return {"id": group.id, "name": group.name, "parent_id": group.parent_id}


def _named(call: Call, version: Version, name: str) -> Label | None:
    return next((label for label in call.store.labels_of(version.id) if label.name == name), None)


def make_label(call: Call, version: Version, name: str) -> Label:
    """The label of that name, a new one where there is none."""
    found = _named(call, version, name)
    if found is None:
        found = Label(version_id=version.id, name=name)
        call.store.labels[found.id] = found
    return found


def _list(call: Call) -> dict[str, Any]:
    return {"items": [show_label(label) for label in call.store.labels_of(version_of(call).id)]}


def _create(call: Call) -> dict[str, Any]:
    version = version_of(call, change=True)
    if _named(call, version, call.body["name"]):
        raise taken("name")
    return show_label(make_label(call, version, call.body["name"]))


def _find(call: Call) -> dict[str, Any]:
    found = _named(call, version_of(call), call.query["name"])
    if found is None:
        raise missing("label")
    return show_label(found)


def _bulk(call: Call) -> list[dict[str, Any]]:
    version = version_of(call, change=True)
    names = dict.fromkeys(call.body["names"])
    return [show_label(make_label(call, version, name)) for name in names]


def _get(call: Call) -> dict[str, Any]:
    return show_label(label_of(call))


def _update(call: Call) -> dict[str, Any]:
    label = label_of(call, change=True)
    version = call.store.versions[label.version_id]
    name, group_id = call.key("name"), call.key("group_id")
    if name is not None and _named(call, version, name) not in (None, label):
        raise taken("name")
    if group_id is not None:
        label.group_id = _group_in(call, version.id, group_id).id
    label.name = name or label.name
    return show_label(label)


def _delete(call: Call) -> None:
    label = label_of(call, change=True)
    for annotation in call.store.annotations.values():
        annotation.shapes = [each for each in annotation.shapes if each.label_id != label.id]
    del call.store.labels[label.id]


# --- groups -------------------------------------------------------------------------------------------


def _groups_of(call: Call, version_id: str) -> list[LabelGroup]:
    groups = call.store.label_groups.values()
    return [group for group in groups if group.version_id == version_id]


def _group_in(call: Call, version_id: str, group_id: str) -> LabelGroup:
    group = call.store.label_groups.get(group_id)
    if group is None or group.version_id != version_id:
        raise RefusedError(400, "The group is not one of this version.")
    return group


def _list_groups(call: Call) -> dict[str, Any]:
    return {"items": [_show_group(group) for group in _groups_of(call, version_of(call).id)]}


def _create_group(call: Call) -> dict[str, Any]:
    version = version_of(call, change=True)
    if any(group.name == call.body["name"] for group in _groups_of(call, version.id)):
        raise taken("name")
    parent_id = call.key("parent_id")
    if parent_id is not None:
        _group_in(call, version.id, parent_id)
    group = LabelGroup(version_id=version.id, name=call.body["name"], parent_id=parent_id)
    call.store.label_groups[group.id] = group
    return _show_group(group)


def _group(call: Call, *, change: bool = False) -> LabelGroup:
    group = call.at(call.store.label_groups, "group")
    if change:
        refuse_locked(call.store.versions[group.version_id])
    return group


def _get_group(call: Call) -> dict[str, Any]:
    return _show_group(_group(call))


def _update_group(call: Call) -> dict[str, Any]:
    group = _group(call, change=True)
    name, parent_id = call.key("name"), call.key("parent_id")
    others = [each for each in _groups_of(call, group.version_id) if each is not group]
    if name is not None and any(each.name == name for each in others):
        raise taken("name")
    if parent_id is not None:
        above = _group_in(call, group.version_id, parent_id)
        while above is not None:
            if above is group:
                raise RefusedError(400, "A group cannot hold itself.")
            above = call.store.label_groups.get(above.parent_id or "")
        group.parent_id = parent_id
    group.name = name or group.name
    return _show_group(group)


def _delete_group(call: Call) -> None:
    group = _group(call, change=True)
    for label in call.store.labels.values():
        if label.group_id == group.id:
            label.group_id = None
    for other in call.store.label_groups.values():
        if other.parent_id == group.id:
            other.parent_id = None
    del call.store.label_groups[group.id]


_NAMED = record({"name": needed(NAME)})
ROUTES = [
    Route("GET", f"{VERSION}/labels", _list),
    Route("POST", f"{VERSION}/labels", _create, body=_NAMED),
    Route("GET", f"{VERSION}/labels/find", _find, query={"name": needed(NAME)}),
    Route("XGET", f"{VERSION}/bulk-labels", _bulk, body=record({"names": needed(list_of(NAME))})),
    Route("GET", f"{VERSION}/labelgroups", _list_groups),
    Route(
        "POST",
        f"{VERSION}/labelgroups",
        _create_group,
        body=record({"name": needed(NAME), "parent_id": UUID}),
    ),
    Route("GET", GROUP, _get_group),
    Route("PATCH", GROUP, _update_group, body=record({"name": NAME, "parent_id": UUID})),
    Route("DELETE", GROUP, _delete_group),
    Route("GET", LABEL, _get),
    Route("PATCH", LABEL, _update, body=record({"name": NAME, "group_id": UUID})),
    Route("DELETE", LABEL, _delete),
]
