"""Skeletons of keypoints and definitions of attributes (reference 11)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.kinds import (
    BOOL,
    INT,
    NAME,
    NUMBER,
    Kind,
    WrongValueError,
    between,
    list_of,
    needed,
    one_of,
    or_null,
    record,
)
from tests.support.plain_platform.labels import LABEL, label_of, version_of
from tests.support.plain_platform.routes import Call, RefusedError, Route
from tests.support.plain_platform.versions import VERSION

_EDGE = list_of(between(INT, 1, 10_000), least=2, most=2)
_SKELETON = record({"vertices": needed(list_of(NAME)), "edges": needed(list_of(_EDGE))})

_CONFIGURATION = record(
    {
        "display_name": or_null(NAME),
        "required": needed(BOOL),
        "input_type": needed(one_of("STRING", "INTEGER", "FLOAT", "BOOLEAN")),
        "archived": BOOL,
        "choices": or_null(list_of(Kind("any value", lambda value, where: None, 1, None), 1, 64)),
        "allow_multiple": or_null(BOOL),
        "min": or_null(NUMBER),
        "max": or_null(NUMBER),
    }
)


def _check_definitions(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise WrongValueError(f"{where} must be an object")
    for name, definition in value.items():
        _CONFIGURATION.check(definition, f"{where}.{name}")
        _check_together(definition, f"{where}.{name}")


def _check_together(definition: dict[str, Any], where: str) -> None:
    kind, choices = definition["input_type"], definition.get("choices")
    bounds = [definition.get(key) for key in ("min", "max") if definition.get(key) is not None]
    if definition.get("archived") and definition["required"]:
        raise WrongValueError(f"{where}: what is archived cannot be required")
    if choices is not None and (kind == "BOOLEAN" or bounds):
        raise WrongValueError(f"{where}: choices do not go with a boolean or with bounds")
    if choices is not None and kind == "STRING" and len(choices) < 2:
        raise WrongValueError(f"{where}: a text needs two choices")
    if definition.get("allow_multiple") and choices is None:
        raise WrongValueError(f"{where}: several values need choices")
    if bounds and kind not in ("INTEGER", "FLOAT"):
        raise WrongValueError(f"{where}: only numbers have bounds")
    if len(bounds) == 2 and not bounds[0] < bounds[1]:
        raise WrongValueError(f"{where}: the least is not below the greatest")


_ATTRIBUTES = record(
    {"attributes": needed(or_null(Kind("definitions of attributes", _check_definitions, {}, [1])))}
)


def _skeletons(call: Call) -> dict[str, Any]:
    labels = call.store.labels_of(version_of(call).id)
    return {"items": {label.id: label.skeleton for label in labels if label.skeleton}}


def _get_skeleton(call: Call) -> dict[str, Any]:
    return label_of(call).skeleton or {"vertices": [], "edges": []}


def _set_skeleton(call: Call) -> None:
    label = label_of(call, change=True)
    vertices, edges = call.body["vertices"], call.body["edges"]
    if any(number > len(vertices) for edge in edges for number in edge):
        raise RefusedError(400, "An edge names a vertex that there is not.")
    label.skeleton = {"vertices": vertices, "edges": edges} if vertices else None


def _version_attributes(call: Call) -> dict[str, Any]:
    return {"attributes": version_of(call).attributes}


def _set_version_attributes(call: Call) -> None:
    version_of(call, change=True).attributes = call.body["attributes"]


def _label_attributes(call: Call) -> dict[str, Any]:
    return {"attributes": label_of(call).attributes}


def _set_label_attributes(call: Call) -> None:
    label_of(call, change=True).attributes = call.body["attributes"]


ROUTES = [
    Route("GET", f"{VERSION}/labels/skeleton", _skeletons),
    Route("GET", f"{LABEL}/skeleton", _get_skeleton),
    Route("POST", f"{LABEL}/skeleton", _set_skeleton, body=_SKELETON),
    Route("GET", f"{VERSION}/attributes", _version_attributes),
    Route("POST", f"{VERSION}/attributes", _set_version_attributes, body=_ATTRIBUTES),
    Route("GET", f"{LABEL}/attributes", _label_attributes),
    Route("POST", f"{LABEL}/attributes", _set_label_attributes, body=_ATTRIBUTES),
]
