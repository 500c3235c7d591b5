"""Names of objects, and the calls that lead to presigned URLs (reference 4.1, 4.2)."""

from __future__ import annotations

from typing import Any

from tests.support.plain_platform.files import etag
from tests.support.plain_platform.kinds import (
    INT,
    NAME,
    TEXT,
    UUID,
    between,
    list_of,
    needed,
    one_of,
    record,
)
from tests.support.plain_platform.records import new_id
from tests.support.plain_platform.routes import Call, RefusedError, Route, missing
from tests.support.plain_platform.session import ORGANIZATION, in_organization
from tests.support.plain_platform.signing import sign, url_for

STORAGE = "/api/object-storage/{conn}"
OBJECT_TYPES = (
    "DATA",
    "DATA_PROJECTION",
    "CAMPAIGN_FILE",
    "REVIEW_CAMPAIGN_FILE",
    "LOGGING",
    "LOG_IMAGE",
    "ARTIFACT",
    "MODEL_FILE",
    "MODEL_THUMB",
    "AGENTS_REPORT",
)
_CONTEXT = {
    "dataset_version_id": UUID,
    "deployment_id": UUID,
    "job_id": UUID,
    "experiment_id": UUID,
    "report_id": UUID,
    "model_version_id": UUID,
}
_OBJECT = record({"object_name": needed(NAME), "content_type": needed(NAME)})
_PART_NUMBER = between(INT, 1, 10_000)


def _name(call: Call) -> dict[str, Any]:
    in_organization(call)
    _on_connector(call)
    folder = call.key("upload_dir", call.body["type"].lower())
    return {"object_name": f"{folder.strip('/')}/{new_id()}/{call.body['filename']}"}


def _on_connector(call: Call) -> None:
    if call.path["conn"] != call.store.connector_id:
        raise missing("connector")


def _presign(call: Call) -> dict[str, Any]:
    _on_connector(call)
    name, content_type = call.body["object_name"], call.body["content_type"]
    _refuse_used(call, name)
    client_type = call.switches.client_type
    if client_type == "azure":
        url = url_for(call, "blob", object_name=name, content_type=content_type)
        fields = {"x-ms-version": "2021-08-06"}
    else:
        url = f"{call.address}/storage/form"
        signed = sign(
            call.store,
            call.switches.url_seconds,
            "form",
            object_name=name,
            content_type=content_type,
        )
        fields = {"key": name, "policy": signed}
    return {"client_type": client_type, "presigned_url_data": {"url": url, "fields": fields}}


def _refuse_used(call: Call, object_name: str) -> None:
    """What was registered is never overwritten."""
    if any(data.object_name == object_name for data in call.store.datas.values()):
        raise RefusedError(409, "The object name is taken.")


def _init_multipart(call: Call) -> dict[str, Any]:
    _on_connector(call)
    name = call.body["object_name"]
    _refuse_used(call, name)
    client_type = call.switches.client_type
    upload = new_id()
    if client_type == "azure":
        return {"client_type": client_type}
    call.store.parts[upload] = {}
    if client_type == "google":
        return {
            "client_type": client_type,
            "url": url_for(call, "resumable", object_name=name, upload=upload),
        }
    return {"client_type": client_type, "upload_id": upload}


def _presign_part(call: Call) -> dict[str, Any]:
    _on_connector(call)
    upload = _upload(call)
    return {"url": url_for(call, "part", upload=upload, part=call.body["part_no"])}


def _upload(call: Call) -> str:
    upload = call.body["upload_id"]
    if upload not in call.store.parts or call.switches.client_type not in ("aws", "minio"):
        raise missing("upload")
    assert isinstance(upload, str)
    return upload


def _complete(call: Call) -> dict[str, Any]:
    _on_connector(call)
    upload = _upload(call)
    stored = call.store.parts[upload]
    parts = call.body["parts"]
    if [part["PartNumber"] for part in parts] != list(range(1, len(stored) + 1)):
        raise RefusedError(400, "The parts must be all parts, in their order.")
    for part in parts:
        if part["ETag"] != etag(stored[part["PartNumber"]]):
            raise RefusedError(400, f"Part {part['PartNumber']} has another ETag.")
    call.store.files[call.body["object_name"]] = b"".join(
        stored[number] for number in sorted(stored)
    )
    del call.store.parts[upload]
    return {}


def _retrieve(call: Call) -> dict[str, Any]:
    _on_connector(call)
    if call.body["object_name"] not in call.store.files:
        raise missing("object")
    return {"presigned_url": url_for(call, "file", object_name=call.body["object_name"])}


ROUTES = [
    Route(
        "POST",
        f"{ORGANIZATION}/connector/{{conn}}/generate_object_name",
        _name,
        body=record(
            {
                "filename": needed(NAME),
                "type": needed(one_of(*OBJECT_TYPES)),
                "context": record(_CONTEXT),
                "upload_dir": TEXT,
            }
        ),
    ),
    Route("POST", f"{STORAGE}/generate_presigned_url", _presign, body=_OBJECT),
    Route("POST", f"{STORAGE}/init_multipart_upload", _init_multipart, body=_OBJECT),
    Route(
        "POST",
        f"{STORAGE}/generate_part_presigned_url",
        _presign_part,
        body=record(
            {
                "object_name": needed(NAME),
                "upload_id": needed(NAME),
                "part_no": needed(_PART_NUMBER),
            }
        ),
    ),
    Route(
        "POST",
        f"{STORAGE}/complete_part_upload",
        _complete,
        body=record(
            {
                "object_name": needed(NAME),
                "upload_id": needed(NAME),
                "parts": needed(
                    list_of(
                        record({"ETag": needed(NAME), "PartNumber": needed(_PART_NUMBER)}), least=1
                    )
                ),
            }
        ),
    ),
    Route(
        "POST",
        f"{STORAGE}/retrieve_presigned_url",
        _retrieve,
        body=record({"object_name": needed(NAME)}),
    ),
]
