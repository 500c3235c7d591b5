"""One walk through the whole table, the same for every backend: what it asks, and what it was told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from headrace.backend.base import Backend
from headrace.errors import APIError
from headrace.model.blob.pack import pack
from headrace.model.columns import ShapeGroup, ShapeKind, Shapes
from headrace.model.enums import (
    AnnotationExportKey,
    AnnotationFileType,
    AnnotationStatus,
    DataType,
    DataUploadStatus,
    ImportAnnotationMode,
    InferenceType,
    ObjectDataType,
    ProcessingTargetType,
    TagTarget,
)
from headrace.model.records import Items, Meta, OrganizationRecord
from headrace.platform.platform import Platform
from headrace.platform.processings.programs import Program
from headrace.platform.processings.registry import register_processing
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.operations.datalake import DataDescription
from tests.conformance.wire.campaign_scenario import campaigns
from tests.support.lakes.sending import send_file

MISSING = UUID("0197c4a0-0000-7000-8000-000000000001")
EVERYTHING = {"upload_statuses": list(DataUploadStatus), "types": list(DataType)}


class Walk:
    """Calls operations by name and notes each answer, with ids and times replaced by the order they came up in."""

    def __init__(self, backend: Backend, organization: OrganizationRecord, folder: Path) -> None:
        self.backend = backend
        self.folder = folder
        self.organization = organization
        self.notes: list[tuple[str, Any]] = []
        self.called: set[str] = set()
        self._names: dict[str, str] = {}

    async def ask(self, name: str, /, **values: Any) -> Any:
        operation: Operation[Any, Any] = OPERATIONS[name]
        self.called.add(name)
        answer = await self.backend.call(operation, operation.request(**values))
        self._note(name, msgspec.to_builtins(answer))
        return answer

    async def refused(self, name: str, /, **values: Any) -> None:
        operation: Operation[Any, Any] = OPERATIONS[name]
        try:
            await self.backend.call(operation, operation.request(**values))
        except APIError as error:
            self._note(name, [type(error).__name__, error.status, error.hint, error.detail])
        else:
            raise AssertionError(f"{name} was not refused")

    def _note(self, name: str, answer: Any) -> None:
        self.notes.append((name, self._plain(answer)))

    def _plain(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {
                self._plain(k): self._plain(v, str(k)) for k, v in value.items() if k != "fields"
            }
        if isinstance(value, list):
            return [self._plain(item, key) for item in value]
        if isinstance(value, str):
            if key in (
                "presigned_url",
                "url",
                "client_type",
                "next_cursor",
                "upload_id",
                "message",
            ):
                return f"<{key}>"
            if key.endswith("object_name") or _is_id(value):
                return self._names.setdefault(value, f"<{len(self._names)}>")
        if key in ("created_at", "expires_at", "undone_at", "bytes", "free") and value is not None:
            return f"<{key}>"
        return value


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


async def walk(backend: Backend, organization: OrganizationRecord, folder: Path) -> Walk:
    """Every operation at least once, and the refusals that people meet."""
    it = Walk(backend, organization, folder)
    lake = await _session_and_lake(it)
    data = await _data(it, lake, folder)
    await _data_tags(it, lake, data)
    version = await _datasets(it)
    assets = await _assets(it, version, data)
    labels = await _labels(it, version)
    await _annotations(it, version, assets, labels)
    await _forks(it, version, assets)
    await _exports(it, version, assets)
    await _conversions(it, version, data, lake)
    await _extended(it, version)
    await _annotating(it, version, assets, labels)
    await _label_details(it, version, assets, labels)
    await _other_tags(it, version, assets)
    await campaigns(it, lake, version, assets)
    await _processings(it, lake, version, assets)
    await _endings(it, lake, version, data, assets)
    return it


async def _session_and_lake(it: Walk) -> Any:
    organization_id = it.organization.id
    ping = await it.ask("ping")
    assert ping.default_organization == organization_id
    await it.ask("find_organization", name=it.organization.name)
    await it.ask("get_organization", organization_id=organization_id)
    await it.refused("get_organization", organization_id=MISSING)
    lake = await it.ask("find_datalake", organization_id=organization_id)
    await it.ask("find_datalake", organization_id=organization_id, name=lake.name)
    await it.refused("find_datalake", organization_id=organization_id, name="none")
    await it.ask("list_datalakes", organization_id=organization_id)
    await it.ask("get_datalake", datalake_id=lake.id)
    return lake


async def _data(it: Walk, lake: Any, folder: Path) -> list[Any]:
    organization_id = it.organization.id
    source = await it.ask("create_source", organization_id=organization_id, name="camera")
    await it.ask("find_source", organization_id=organization_id, name="camera")
    await it.ask("list_sources", organization_id=organization_id)
    found = []
    for number in range(3):
        path = folder / f"é {number}.png"
        path.write_bytes(b"content %d" % number * 100)
        named = await it.ask(
            "generate_object_name",
            organization_id=organization_id,
            connector_id=lake.connector_id,
            filename=path.name,
            type=ObjectDataType.DATA,
        )
        await send_file(
            it.backend,
            path,
            connector_id=lake.connector_id,
            object_name=named.object_name,
            content_type="image/png",
        )
        values = {
            "datalake_id": lake.id,
            "type": DataType.IMAGE,
            "filename": path.name,
            "object_name": named.object_name,
            "content_type": "image/png",
            "data_source_id": source.id,
            "meta": Meta(640, 480),
            "custom_metadata": {"number": number, "lens": "f/1.8 ä"},
        }
        found.append(await it.ask("register_data", **values))
        assert (await it.ask("register_data", **values)).id == found[-1].id
    await it.refused("register_data", **values | {"object_name": "data/none.png"})
    await _many(it, lake, values)
    await _object_urls(it, lake, named.object_name)
    keys = {"datalake_id": lake.id, **EVERYTHING}
    first = await it.ask("list_data", **keys, limit=2)
    await it.ask("list_data", **keys, limit=2, cursor=first.next_cursor)
    await it.ask("list_data", **keys, order_by=["filename"], limit=2, offset=1)
    await it.refused("list_data", **keys, limit=2, cursor="x")
    await it.refused("list_data", **keys, order_by=["secret"])
    await it.ask("list_data", **keys, custom_metadata={"number": 1})
    await it.ask("list_data_by_key", **keys, filenames=[found[0].filename, "none.png"])
    await it.ask("list_data_by_key", **keys, ids=[d.id for d in found], limit=2, offset=2)
    await it.ask("find_data", datalake_id=lake.id, filename=found[1].filename)
    await it.refused("find_data", datalake_id=lake.id, filename="none.png")
    await it.ask("get_data", data_id=found[0].id)
    await it.refused("get_data", data_id=MISSING)
    await it.refused("get_data", data_id=lake.id)
    await it.ask("get_data_url", data_id=found[0].id)
    await it.ask("update_data", data_id=found[0].id, metadata={"software": None})
    await it.ask("update_data", data_id=found[0].id, metadata=None)
    await it.ask("update_custom_metadata", data_id=found[0].id, custom_metadata={"a": [1.5, "x"]})
    return found


async def _many(it: Walk, lake: Any, registered: dict[str, Any]) -> None:
    place = {"organization_id": it.organization.id, "connector_id": lake.connector_id}
    prepared = await it.ask("prepare_uploads", **place, filenames=["a.png", "b.png"])
    assert prepared.items[0].object_name != prepared.items[1].object_name
    await it.refused("prepare_uploads", **place, filenames=["a.png"] * 201)
    there = {key: value for key, value in registered.items() if key != "datalake_id"}
    absent = there | {"object_name": prepared.items[0].object_name}
    other = there | {"filename": "other.png"}
    files = [DataDescription(**each) for each in (there, absent, other)]
    answer = await it.ask("register_many_data", datalake_id=lake.id, files=files)
    known, nothing, taken = answer.items
    assert known.data.object_name == registered["object_name"]
    assert (nothing.refusal.status, taken.refusal.status) == (400, 409)
    await it.refused("register_many_data", datalake_id=lake.id, files=files * 67)


async def _object_urls(it: Walk, lake: Any, object_name: str) -> None:
    place = {"connector_id": lake.connector_id, "object_name": object_name}
    await it.ask("retrieve_presigned_url", **place)
    await it.refused("generate_presigned_url", **place, content_type="image/png")
    named = await it.ask(
        "generate_object_name",
        organization_id=it.organization.id,
        connector_id=lake.connector_id,
        filename="film.mp4",
        type=ObjectDataType.DATA,
        upload_dir="trip/one",
    )
    place["object_name"] = named.object_name
    await it.ask("generate_presigned_url", **place, content_type="video/mp4")
    ticket = await it.ask("init_multipart_upload", **place, content_type="video/mp4")
    await it.ask("generate_part_presigned_url", **place, upload_id=ticket.upload_id, part_no=1)
    it.called.add("complete_part_upload")
    await it.refused("complete_part_upload", **place, upload_id=ticket.upload_id, parts=[])


async def _data_tags(it: Walk, lake: Any, data: list[Any]) -> None:
    tag = await it.ask("create_data_tag", datalake_id=lake.id, name="raw")
    await it.refused("create_data_tag", datalake_id=lake.id, name="raw")
    await it.ask("find_data_tag", datalake_id=lake.id, name="raw")
    await it.ask("list_data_tags", datalake_id=lake.id)
    await it.ask("attach_tag", tag_id=tag.id, ids=[data[0].id, data[1].id, MISSING])
    await it.ask("list_data", datalake_id=lake.id, **EVERYTHING, q='tags.name = "raw"')
    await it.refused("list_data", datalake_id=lake.id, **EVERYTHING, q='tags.name = "raw')
    await it.ask("detach_tag", tag_id=tag.id, ids=[data[1].id])
    await it.ask("get_data", data_id=data[0].id)


async def _datasets(it: Walk) -> Any:
    organization_id = it.organization.id
    dataset = await it.ask("create_dataset", organization_id=organization_id, name="animals")
    await it.refused("create_dataset", organization_id=organization_id, name="animals")
    other = await it.ask(
        "create_dataset", organization_id=organization_id, name="other", description="x"
    )
    await it.ask("list_datasets", organization_id=organization_id)
    await it.ask("find_dataset", organization_id=organization_id, name="animals")
    await it.ask("get_dataset", dataset_id=dataset.id)
    (user,) = (await it.ask("list_dataset_users", dataset_id=dataset.id)).users
    await it.ask("list_organization_users", organization_id=organization_id)
    await it.ask("list_organization_users", organization_id=organization_id, username="nobody")
    await it.ask("add_dataset_user", dataset_id=dataset.id, user_id=user.id, role="ADMIN")
    await it.refused("add_dataset_user", dataset_id=dataset.id, user_id=MISSING)
    await it.refused("list_dataset_users", dataset_id=MISSING)
    await it.ask("update_dataset", dataset_id=dataset.id, description="cats and dogs")
    await it.ask("delete_dataset", dataset_id=other.id)
    await it.refused("get_dataset", dataset_id=other.id)
    version = await it.ask(
        "create_version", dataset_id=dataset.id, version="v1", type=InferenceType.OBJECT_DETECTION
    )
    await it.refused("create_version", dataset_id=dataset.id, version="v1")
    await it.ask("list_versions", dataset_id=dataset.id)
    await it.ask("find_version", dataset_id=dataset.id, version="v1")
    await it.ask("find_version_by_id", organization_id=organization_id, id=version.id)
    await it.ask("get_version", version_id=version.id)
    await it.ask("update_version", version_id=version.id, description="first")
    return version


async def _assets(it: Walk, version: Any, data: list[Any]) -> list[Any]:
    place = {"version_id": version.id}
    tag = await it.ask("create_asset_tag", **place, name="first")
    await it.ask("find_asset_tag", **place, name="first")
    await it.ask("list_asset_tags", **place)
    job = await it.ask("add_data", **place, data_ids=[d.id for d in data], asset_tag_ids=[tag.id])
    await it.ask("get_job", job_id=job.job.id)
    await it.refused("get_job", job_id=MISSING)
    await it.ask("list_jobs", organization_id=it.organization.id)
    await it.refused("list_jobs", organization_id=it.organization.id, limit=0)
    await it.refused("get_job_run", job_id=MISSING)
    await it.refused("find_job_run", organization_id=it.organization.id, id=MISSING)
    page = await it.ask("list_assets", **place, **EVERYTHING)
    first = await it.ask("list_assets", **place, **EVERYTHING, limit=1)
    await it.ask("list_assets", **place, **EVERYTHING, limit=1, cursor=first.next_cursor)
    await it.ask("list_assets", **place, **EVERYTHING, q='tags.name in ("first","none")')
    await it.ask("list_assets_by_key", **place, **EVERYTHING, filename_startswith=["é 1", "x"])
    await it.ask("find_asset", **place, filename=data[2].filename)
    await it.refused("find_asset", **place, filename="none.png")
    await it.ask("get_asset", asset_id=page.items[0].id)
    await it.ask("list_extended_assets", **place)
    return list(page.items)


async def _labels(it: Walk, version: Any) -> dict[str, str]:
    place = {"version_id": version.id}
    cat = await it.ask("create_label", **place, name="cat")
    await it.refused("create_label", **place, name="cat")
    both = await it.ask("ensure_labels", **place, names=["cat", "dög"])
    await it.ask("list_labels", **place)
    await it.ask("find_label", **place, name="dög")
    await it.refused("find_label", **place, name="cow")
    await it.ask("get_label", label_id=cat.id)
    group = await it.ask("create_label_group", **place, name="animal")
    pet = await it.ask("create_label_group", **place, name="pet")
    await it.ask("update_label_group", group_id=pet.id, parent_id=group.id)
    await it.refused("update_label_group", group_id=group.id, parent_id=pet.id)
    await it.ask("get_label_group", group_id=pet.id)
    await it.ask("update_label", label_id=cat.id, group_id=pet.id)
    await it.ask("list_label_groups", **place)
    kitten = await it.ask("create_label", **place, name="kitten")
    await it.refused("merge_label", label_id=kitten.id, into_id=MISSING)
    await it.ask("merge_label", label_id=kitten.id, into_id=cat.id)
    await it.refused("get_label", label_id=kitten.id)
    return {label.name: str(label.id) for label in both}


async def _annotations(it: Walk, version: Any, assets: list[Any], labels: dict[str, str]) -> None:
    from headrace.protocol.operations.annotations import (
        ClassificationIn,
        ImportItem,
        KeypointsIn,
        LineIn,
        PackedItem,
        PointIn,
        PolygonIn,
        RectangleIn,
    )

    place = {"version_id": version.id}
    cat, dog = labels["cat"], labels["dög"]
    items = [
        ImportItem(
            asset_id=str(asset.id),
            rectangles=[RectangleIn(label_id=cat, x=1.25, y=2.5, w=3.75, h=4, text="tëxt")],
            polygons=[PolygonIn(label_id=dog, polygon=[(0.5, 0), (4, 0.25), (4, 4)])],
            lines=[LineIn(label_id=dog, line=[(1, 1), (2, 2.5)])],
            points=[PointIn(label_id=cat, point=(7, 7.125))],
            classifications=[ClassificationIn(label_id=cat, attributes={"sure": True})],
            keypoints=[KeypointsIn(label_id=dog, keypoints=[(1, 2, 2), (3.5, 4, 1)])],
            attributes={"weather": None},
        )
        for asset in assets
    ]
    names = ["nothing", *[asset.data.filename for asset in assets]]
    assert await it.ask("match_assets", **place, filenames=names) == [
        [],
        *[[asset.id] for asset in assets],
    ]
    record = await it.ask("start_import", **place, source="digest")
    ledger = {"import_id": record.id, "chunk": 0}
    first = await it.ask("import_annotations", **place, annotations=items[:2], **ledger)
    again = await it.ask("import_annotations", **place, annotations=items[:2], **ledger)
    assert first == again
    await it.ask("start_import", **place, source="digest")
    await it.ask("finish_import", import_id=record.id)
    await it.ask(
        "import_annotations",
        **place,
        annotations=items,
        import_type=ImportAnnotationMode.KEEP,
        status=AnnotationStatus.ACCEPTED,
    )
    await it.ask(
        "import_annotations",
        **place,
        annotations=items[:1],
        import_type=ImportAnnotationMode.CONCATENATE,
    )
    wrong = [ImportItem(asset_id=str(MISSING))]
    await it.refused("import_annotations", **place, annotations=wrong)
    blob = pack(Shapes([ShapeGroup(ShapeKind.RECTANGLE, [0, 1], [1, 2, 3, 4, 5.5, 6, 7, 8])]))
    packed = [PackedItem(asset_id=str(asset.id), shapes=blob) for asset in assets]
    await it.ask(
        "import_packed",
        **place,
        annotations=packed,
        labels={0: cat, 1: dog},
        import_type=ImportAnnotationMode.CONCATENATE,
    )
    await it.refused("import_packed", **place, annotations=packed, labels={0: cat})
    ids = await it.ask("annotation_ids", **place)
    await it.ask(
        "annotation_ids", **place, asset_ids=[assets[0].id], status=AnnotationStatus.PENDING
    )
    await it.ask("load_annotations", **place, ids=ids)
    await it.ask("load_annotations", **place, ids=[])
    await it.ask("load_packed", **place, ids=ids)
    chosen = {"asset_ids": [each.id for each in assets], "status": AnnotationStatus.PENDING}
    await it.ask("load_packed", **place, **chosen, newest=True)
    await it.refused("load_packed", **place)
    await it.refused("load_packed", **place, ids=[MISSING])
    await it.ask("get_stats", **place)


async def _forks(it: Walk, version: Any, assets: list[Any]) -> None:
    dataset = {"dataset_id": version.origin_id, "parent_id": version.id}
    flags = {"with_tags": True, "with_annotations": True}
    fork = await it.ask("fork_version", **dataset, version="fork", **flags)
    again = await it.ask("fork_version", **dataset, version="fork", **flags)
    assert again.dataset_version.id == fork.dataset_version.id
    await it.refused("fork_version", **dataset, version="fork")
    await it.refused("fork_version", **dataset, version="other", asset_ids=[MISSING])
    place = {"version_id": fork.dataset_version.id}
    await it.ask("get_job", job_id=fork.job.id)
    await it.ask("cancel_job", job_id=fork.job.id)
    await it.refused("cancel_job", job_id=MISSING)
    copied = await it.ask("list_assets", **place, **EVERYTHING, q='tags.name = "first"')
    await it.ask("get_stats", **place)
    ids = await it.ask("annotation_ids", **place)
    await it.ask("load_annotations", **place, ids=ids)
    empty = await it.ask("fork_version", **dataset, version="empty", asset_ids=[])
    some = {"destination_id": empty.dataset_version.id, "asset_ids": [assets[1].id, assets[0].id]}
    await it.ask("copy_assets", version_id=version.id, **some, **flags)
    await it.ask("copy_assets", version_id=version.id, **some, **flags)
    await it.refused("copy_assets", **place, **some | {"asset_ids": [assets[0].id]})
    await it.refused("copy_assets", **place, destination_id=place["version_id"], asset_ids=[])
    await it.ask("list_assets", version_id=empty.dataset_version.id, **EVERYTHING)
    await it.ask("get_stats", version_id=empty.dataset_version.id)
    await it.ask("delete_version", **place)
    assert len(copied.items) == 3


async def _exports(it: Walk, version: Any, assets: list[Any]) -> None:
    place = {"version_id": version.id}
    for kind in AnnotationFileType:
        await it.ask("export_annotations", **place, type=kind)
    await it.ask(
        "export_annotations",
        **place,
        type=AnnotationFileType.COCO,
        export_key=AnnotationExportKey.ASSET_ID,
        status=AnnotationStatus.ACCEPTED,
        asset_ids=[assets[0].id],
    )
    await it.refused(
        "export_annotations", **place, type=AnnotationFileType.COCO, asset_ids=[MISSING]
    )


async def _conversions(it: Walk, version: Any, data: list[Any], lake: Any) -> None:
    place = {"version_id": version.id}
    tag = await it.ask("find_asset_tag", **place, name="first")
    asked = {**place, "tag_ids": [tag.id], "tag_type": TagTarget.ASSET}
    await it.refused("convert_tags", **asked)
    await it.ask("update_version", **place, type=InferenceType.CLASSIFICATION)
    await it.ask("convert_tags", **asked)
    await it.ask("convert_tags", **asked)
    raw = await it.ask("find_data_tag", datalake_id=lake.id, name="raw")
    await it.refused("convert_tags", **asked | {"tag_ids": [raw.id]})
    await it.ask("convert_tags", **asked | {"tag_ids": [raw.id], "tag_type": TagTarget.DATA})
    await it.ask("get_stats", **place)
    assert len(data) == 3


async def _extended(it: Walk, version: Any) -> None:
    place = {"version_id": version.id}
    first = await it.ask("list_extended_assets", **place, limit=2)
    await it.ask("list_extended_assets", **place, limit=2, cursor=first.next_cursor)
    await it.ask("list_extended_assets", **place, limit=2, offset=2)
    await it.refused("list_extended_assets", **place, order_by=["filename"])


async def _annotating(it: Walk, version: Any, assets: list[Any], labels: dict[str, str]) -> None:
    place = {"version_id": version.id}
    made = await it.ask("create_annotation", asset_id=assets[2].id, duration=1.5)
    await it.refused("create_annotation", asset_id=MISSING)
    await it.refused("create_annotation", asset_id=assets[2].id, duration=-1)
    one = {"annotation_id": made.id}
    await _shapes(it, one, labels)
    await it.ask("get_annotation", **one)
    await it.refused("get_annotation", annotation_id=MISSING)
    await it.ask(
        "update_annotation", **one, status=AnnotationStatus.REFUSED, attributes={"by": "é"}
    )
    await it.ask("update_annotation", **one, attributes={})
    first = await it.ask("list_annotations", **place, limit=1)
    await it.ask("list_annotations", **place, limit=1, cursor=first.next_cursor)
    await it.ask("list_annotations", **place, limit=2, offset=1)
    await it.ask("list_annotations", **place, order_by=["duration"], limit=1)
    await it.ask("list_annotations", **place, status=AnnotationStatus.REFUSED)
    await it.refused("list_annotations", **place, order_by=["secret"])
    await it.refused("list_annotations", **place, cursor="x")
    await it.ask("list_asset_annotations", asset_id=assets[2].id)
    await it.ask("find_annotation", asset_id=assets[2].id)
    await it.ask("delete_annotation", **one)
    await it.refused("delete_annotation", **one)
    await it.ask("delete_annotations", **place, asset_ids=[str(assets[1].id)])
    await it.refused("find_annotation", asset_id=assets[1].id)
    await it.refused("delete_annotations", **place, asset_ids=["all"])
    await it.ask("delete_annotations", **place, asset_ids=["__all__"], annotation_ids=[])
    await it.ask("list_annotations", **place)
    await it.ask("delete_annotations", **place, asset_ids=["__all__"])
    await it.ask("get_stats", **place)


async def _label_details(it: Walk, version: Any, assets: list[Any], labels: dict[str, str]) -> None:
    from headrace.model.enums import AttributeType
    from headrace.protocol.operations.annotations import ImportItem, PointIn
    from headrace.protocol.operations.label_details import AttributeRecord

    place, dog = {"version_id": version.id}, {"label_id": UUID(labels["dög"])}
    await it.ask("get_skeleton", **dog)
    await it.ask("set_skeleton", **dog, vertices=["nöse", "tail"], edges=[(1, 2)])
    await it.refused("set_skeleton", **dog, vertices=["nose"], edges=[(1, 2)])
    await it.ask("get_skeleton", **dog)
    await it.ask("list_skeletons", **place)
    kinds = {
        "colour": AttributeRecord(
            input_type=AttributeType.STRING, required=True, choices=["red", "blue"]
        ),
        "age": AttributeRecord(input_type=AttributeType.INTEGER, required=False, min=0, max=30),
    }
    wrong = {"age": AttributeRecord(input_type=AttributeType.BOOLEAN, required=False, min=0)}
    for what, where in (("label", dog), ("version", place)):
        await it.ask(f"get_{what}_attributes", **where)
        await it.ask(f"set_{what}_attributes", **where, attributes=kinds)
        await it.refused(f"set_{what}_attributes", **where, attributes=wrong)
        await it.ask(f"get_{what}_attributes", **where)
        await it.ask(f"set_{what}_attributes", **where, attributes=None)
        await it.ask(f"get_{what}_attributes", **where)
    items = [
        ImportItem(
            asset_id=str(assets[0].id),
            points=[PointIn(label_id=label, point=(1, 1)) for label in labels.values()],
        )
    ]
    await it.ask("import_annotations", **place, annotations=items)
    await it.ask("delete_label", **dog)
    await it.refused("delete_label", **dog)
    await it.ask("get_stats", **place)
    groups = await it.ask("list_label_groups", **place)
    for group in groups.items:
        await it.ask("delete_label_group", group_id=group.id)
    await it.refused("delete_label_group", group_id=groups.items[0].id)
    await it.ask("list_labels", **place)


async def _shapes(it: Walk, one: dict[str, Any], labels: dict[str, str]) -> None:
    from headrace.protocol.operations import annotations as wire

    cat, dog = labels["cat"], labels["dög"]
    runs = "P?5k`[9"  # five pixels at the top of the second column of 640 x 480
    drawn: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "rectangle": (
            [wire.RectangleIn(label_id=cat, x=i + 0.25, y=2, w=3, h=4.5) for i in range(2)],
            {"x": 7.75, "text": "tëxt"},
        ),
        "polygon": (
            [wire.PolygonIn(label_id=dog, polygon=[(0, 0), (4.5, 0), (4, 4)])],
            {"polygon": [(1.0, 1.0), (2.0, 1.0), (2.0, 2.5)]},
        ),
        "line": ([wire.LineIn(label_id=cat, line=[(1, 1), (2, 2.5)])], {"line": [(0.0, 0.5)]}),
        "point": ([wire.PointIn(label_id=cat, point=(7, 7.125))], {"point": (1.0, 2.0)}),
        "classification": (
            [wire.ClassificationIn(label_id=dog, attributes={"sure": 1})],
            {"label_id": UUID(cat)},
        ),
        "mask": ([wire.MaskIn(label_id=dog, mask=runs)], {}),
    }
    for shape, (new, change) in drawn.items():
        many = f"{shape}s"
        answer = await it.ask(f"create_{many}", **one, **{many: new})
        made = getattr(answer, many)
        await it.ask(f"list_{many}", **one)
        await it.ask(f"get_{shape}", shape_id=made[0].id)
        if change:
            await it.ask(f"update_{shape}", shape_id=made[0].id, **change)
            await it.refused(f"update_{shape}", shape_id=made[0].id, label_id=MISSING)
        await it.refused(f"get_{shape}", shape_id=MISSING)
        await it.refused(f"create_{many}", **one, **{many: [_elsewhere(new[0])]})
        await it.ask(f"delete_{shape}", shape_id=made[0].id)
        await it.refused(f"delete_{shape}", shape_id=made[0].id)
    await it.ask("save_annotation", **one, duration=2.5, points=drawn["point"][0])
    await it.ask("list_points", **one)


def _elsewhere(shape: Any) -> Any:
    """The same shape with a label that is not there."""
    return msgspec.structs.replace(shape, label_id=str(MISSING))


async def _other_tags(it: Walk, version: Any, assets: list[Any]) -> None:
    place = {"organization_id": it.organization.id, "target_type": TagTarget.DATASET_VERSION}
    tag = await it.ask("create_tag", **place, name="gold")
    await it.refused("create_tag", **place, name="gold")
    await it.refused("create_tag", **place | {"target_type": TagTarget.DATA}, name="gold")
    await it.ask("find_tag", **place, name="gold")
    await it.ask("list_tags", **place)
    await it.ask("attach_tag", tag_id=tag.id, ids=[version.id, assets[0].id])
    await it.ask("get_version", version_id=version.id)
    await it.ask("get_tag", tag_id=tag.id)
    await it.ask("update_tag", tag_id=tag.id, name="silver")
    await it.ask("delete_tag", tag_id=tag.id)
    await it.refused("get_tag", tag_id=tag.id)


async def register(platform: Platform, folder: Path) -> None:
    """A processing of its owner in the lake, which no call of the API can make."""
    await register_processing(
        platform.context,
        "look",
        Program(command=[sys.executable, "-c", "print('looked')"]),
        folder=folder,
        target=ProcessingTargetType.DATALAKE,
    )


async def _processings(it: Walk, lake: Any, version: Any, assets: list[Any]) -> None:
    place = {"organization_id": it.organization.id}
    new = {"name": "mine", "target": ProcessingTargetType.DATASET_VERSION, "docker_image": "i"}
    await it.refused("create_processing", **place, **new)
    # Refused whatever is asked: no call brings in what runs here.
    it.called |= {"create_processing", "update_processing", "delete_processing"}
    found, on_lake = (await it.ask("list_processings", **place)).items
    assert await it.ask("find_processing", **place, name=found.name) == found
    await it.refused("find_processing", **place, name="none")
    one = {"processing_id": found.id}
    await it.ask("get_processing", **one)
    await it.refused("get_processing", processing_id=MISSING)
    await it.refused("update_processing", **one, default_cpu=2)
    await it.refused("delete_processing", **one)
    launch = {"version_id": version.id, **one}
    for wrong in (
        {"parameters": {"tgg": "t"}},
        {"parameters": {"distance": "far"}},
        {"parameters": {"method": "magic"}},
        {"cpu": 0},
        {"gpu": -1},
        {"inputs": {"model": "m"}},
        {"asset_ids": []},
        {"asset_ids": [MISSING]},
        {"processing_id": MISSING},
    ):
        await it.refused("launch_on_version", **launch | wrong)
    some = {"datalake_id": lake.id, "data_ids": [assets[0].data.id]}
    await it.refused("launch_on_datalake", **some, **one)
    await it.refused("launch_on_version", version_id=version.id, processing_id=on_lake.id)
    other = {"processing_id": on_lake.id}
    await it.refused("launch_on_datalake", **some | {"data_ids": [MISSING]}, **other)
    await it.ask("launch_on_datalake", **some, **other)
    job = await it.ask("launch_on_version", **launch, asset_ids=[assets[0].id])
    looked = OPERATIONS["get_job_run"]
    while (await it.backend.call(looked, looked.request(job_id=job.id))).status in (
        "QUEUED",
        "RUNNING",
    ):
        pass
    told = await it.ask("read_job_log", job_id=job.id, wait=True)
    await it.ask("read_job_log", job_id=job.id, offset=told.next_offset, wait=True)
    await it.refused("read_job_log", job_id=job.id, offset=-1)
    await it.refused("read_job_log", job_id=MISSING)
    await it.ask("get_job_run", job_id=job.id)
    await it.ask("find_job_run", **place, id=job.id)
    await it.ask("cancel_job_run", job_id=job.id)


async def _removals(it: Walk, version: Any) -> None:
    place = {"version_id": version.id}
    await it.ask("check_removal", **place)
    await it.refused("check_removal", version_id=MISSING)
    organization = {"organization_id": it.organization.id}
    found = await it.ask("list_removals", **organization)
    name = f"{version.origin_name}/{version.version}"
    assert await it.ask("list_removals", **organization, version="no/such") == Items(items=[])
    (removal, *_) = (await it.ask("list_removals", **organization, version=name)).items
    assert removal in found.items
    one = {"removal_id": removal.id}
    await it.ask("get_removal", **one)
    await it.refused("get_removal", removal_id=MISSING)
    await it.ask("undo_removal", **one, dry_run=True)
    await it.ask("undo_removal", **one)
    await it.ask("undo_removal", **one)
    await it.refused("undo_removal", removal_id=MISSING)
    await it.ask("list_assets", version_id=version.id, **EVERYTHING)


async def _endings(it: Walk, lake: Any, version: Any, data: list[Any], assets: list[Any]) -> None:
    await it.ask("delete_asset", asset_id=assets[0].id)
    await it.refused("get_asset", asset_id=assets[0].id)
    await it.ask("delete_assets", version_id=version.id, ids=[assets[1].id])
    await it.ask("list_assets", version_id=version.id, **EVERYTHING)
    await it.ask("get_stats", version_id=version.id)
    await _removals(it, version)
    await it.ask("lock_version", version_id=version.id)
    await it.ask("get_version", version_id=version.id)
    await it.refused("delete_asset", asset_id=assets[2].id)
    await it.ask("unlock_version", version_id=version.id)
    await it.refused("lock_version", version_id=MISSING)
    await it.ask("delete_data", data_id=data[0].id)
    await it.ask("delete_many_data", datalake_id=lake.id, ids=[data[1].id])
    await it.ask("list_data", datalake_id=lake.id, **EVERYTHING)
    await it.ask("list_assets", version_id=version.id, **EVERYTHING)
    await it.ask("delete_version", version_id=version.id)
    await it.refused("get_version", version_id=version.id)
