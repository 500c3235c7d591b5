"""Processings, their inputs, and launching them (reference 17). Here a launched one does nothing and succeeds."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.datalake import DATALAKE, in_datalake
from tests.support.plain_platform.kinds import (
    BOOL,
    INT,
    NAME,
    OBJECT,
    TEXT,
    UUID,
    Kind,
    between,
    list_of,
    needed,
    one_of,
    or_null,
    record,
)
from tests.support.plain_platform.labels import version_of
from tests.support.plain_platform.paging import PAGE, items_only
from tests.support.plain_platform.records import Processing
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing, taken
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.store import only, refuse_locked
from tests.support.plain_platform.versions import VERSION

PROCESSING = "/api/processing/{processing}"
TARGETS = one_of("DATASET_VERSION", "MODEL_VERSION", "DATALAKE")
TYPES = one_of(
    "PRE_ANNOTATION",
    "DATA_AUGMENTATION",
    "DATASET_VERSION_CREATION",
    "AUTO_TAGGING",
    "AUTO_ANNOTATION",
    "DATA_AUTO_TAGGING",
    "MODEL_COMPRESSION",
    "MODEL_CONVERSION",
)
_INPUT_TYPES = one_of(
    "TEXT", "NUMBER", "DATASET_VERSION", "MODEL_VERSION", "MODEL", "DATALAKE", "DATASET"
)
_COUNT = between(INT, 0, 1024)


def _show(processing: Processing) -> dict[str, Any]:
    shown = ("name", "target", "type", "docker_image", "docker_tag")
    return {"id": processing.id, **{key: processing.fields[key] for key in shown}}


def _list(call: Call) -> dict[str, Any]:
    in_organization(call)
    rows = list(call.store.processings.values())
    return items_only(rows, call, _show, {"name": lambda row: row.fields["name"]})


def _create(call: Call) -> dict[str, Any]:
    in_organization(call)
    if any(each.fields["name"] == call.body["name"] for each in call.store.processings.values()):
        raise taken("name")
    made = Processing(dict(call.body))
    call.store.processings[made.id] = made
    return _show(made)


def _named(call: Call, *, public: bool) -> dict[str, Any]:
    rows = call.store.processings.values()
    found = [
        each for each in rows if each.public == public and each.fields["name"] == call.query["name"]
    ]
    return _show(only(found, "processing"))


def _find(call: Call) -> dict[str, Any]:
    in_organization(call)
    return _named(call, public=False)


def _find_public(call: Call) -> dict[str, Any]:
    return _named(call, public=True)


def _of(call: Call) -> Processing:
    return call.at(call.store.processings, "processing")


def _get(call: Call) -> dict[str, Any]:
    return _show(_of(call))


def _update(call: Call) -> dict[str, Any]:
    processing = _of(call)
    processing.fields |= call.body
    return _show(processing)


def _delete(call: Call) -> None:
    del call.store.processings[_of(call).id]


# --- inputs -------------------------------------------------------------------------------------------


def _inputs(call: Call) -> dict[str, Any]:
    return {"items": list(_of(call).inputs.values())}


def _add_input(call: Call) -> dict[str, Any]:
    inputs = _of(call).inputs
    if call.body["name"] in inputs:
        raise taken("name")
    inputs[call.body["name"]] = dict(call.body)
    return inputs[call.body["name"]]


def _change_input(call: Call) -> dict[str, Any]:
    inputs = _of(call).inputs
    if call.path["name"] not in inputs:
        raise missing("input")
    del inputs[call.path["name"]]
    inputs[call.body["name"]] = dict(call.body)
    return inputs[call.body["name"]]


def _remove_input(call: Call) -> None:
    if _of(call).inputs.pop(call.path["name"], None) is None:
        raise missing("input")


# --- launching ----------------------------------------------------------------------------------------


def _launchable(call: Call, target: str) -> Processing:
    processing = call.store.processings.get(call.body["processing_id"])
    if processing is None:
        raise RefusedError(400, "There is no such processing.")
    if processing.fields["target"] != target:
        raise RefusedError(400, "The processing has another target.")
    return processing


def _start(call: Call) -> dict[str, Any]:
    return call.store.start_job(call.switches, lambda: None, second=True).look()


def _launch_on_version(call: Call) -> dict[str, Any]:
    version = refuse_locked(version_of(call))
    _launchable(call, "DATASET_VERSION")
    known = {asset.id for asset in call.store.assets_of(version.id)}
    if not known.issuperset(call.body["asset_ids"] or ()):
        raise RefusedError(400, "An asset is not one of this version.")
    return _start(call)


def _launch_on_datalake(call: Call) -> dict[str, Any]:
    in_datalake(call)
    _launchable(call, "DATALAKE")
    if not call.store.datas.keys() >= set(call.body["data_ids"] or ()):
        raise RefusedError(400, "There is no such data.")
    return _start(call)


def _launch(ids: str) -> Kind:
    return record(
        {
            "processing_id": needed(UUID),
            "parameters": needed(or_null(OBJECT)),
            ids: needed(or_null(list_of(UUID))),
            "cpu": needed(or_null(_COUNT)),
            "gpu": needed(or_null(_COUNT)),
            "inputs": needed(OBJECT),
        }
    )


_INPUT = record(
    {
        "name": needed(NAME),
        "input_type": needed(_INPUT_TYPES),
        "required": needed(BOOL),
        "inference_type_constraint": or_null(TEXT),
        "framework_constraint": or_null(TEXT),
    }
)
_CHANGES: dict[str, Kind] = {
    "docker_image": NAME,
    "docker_tag": NAME,
    "description": TEXT,
    "default_parameters": OBJECT,
    "default_cpu": _COUNT,
    "default_gpu": _COUNT,
}

ROUTES = [
    Route("GET", f"{ORGANIZATION}/processings", _list, query=PAGE),
    Route(
        "POST",
        f"{ORGANIZATION}/processings",
        _create,
        body=record(
            {
                "name": needed(NAME),
                "target": needed(TARGETS),
                "description": needed(or_null(TEXT)),
                "type": needed(or_null(TYPES)),
                "default_cpu": needed(_COUNT),
                "default_gpu": needed(_COUNT),
                "default_parameters": needed(OBJECT),
                "docker_image": needed(NAME),
                "docker_tag": needed(NAME),
                "docker_flags": needed(or_null(list_of(TEXT))),
            }
        ),
    ),
    Route("GET", f"{ORGANIZATION}/processings/find", _find, query={"name": needed(NAME)}),
    Route("GET", "/api/processings/public/find", _find_public, query={"name": needed(NAME)}),
    Route("GET", PROCESSING, _get),
    Route("PATCH", PROCESSING, _update, body=record(_CHANGES)),
    Route("DELETE", PROCESSING, _delete),
    Route("GET", f"{PROCESSING}/inputs", _inputs),
    Route("POST", f"{PROCESSING}/inputs", _add_input, body=_INPUT),
    Route("PUT", f"{PROCESSING}/inputs/{{name}}", _change_input, body=_INPUT),
    Route("DELETE", f"{PROCESSING}/inputs/{{name}}", _remove_input),
    Route("POST", f"{VERSION}/processing/launch", _launch_on_version, body=_launch("asset_ids")),
    Route("POST", f"{DATALAKE}/processing/launch", _launch_on_datalake, body=_launch("data_ids")),
]
