"""Data: registered once, read, changed, deleted."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from uuid import uuid4

import pytest
from msgspec import UNSET
from PIL import Image

from headrace.errors import BadRequestError, ConflictError, NotFoundError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import Meta
from headrace.protocol.operation import Operation
from headrace.protocol.operations.datalake import (
    CREATE_SOURCE,
    DELETE_DATA,
    DELETE_MANY_DATA,
    FIND_SOURCE,
    GET_DATA,
    GET_DATA_URL,
    LIST_DATA,
    LIST_SOURCES,
    REGISTER_DATA,
    UPDATE_CUSTOM_METADATA,
    UPDATE_DATA,
    CreateSource,
    DataId,
    DeleteManyData,
    ListData,
    ListSources,
    UpdateCustomMetadata,
    UpdateData,
)
from headrace.protocol.operations.storage import PRESIGN_DOWNLOAD, PresignDownload
from tests.support.lakes.lake import Lake, picture, png


async def test_a_registered_data_tells_all_about_itself(lake: Lake) -> None:
    content = png(64, 48)
    name = await lake.store(content)
    tag = await lake.data_tag("t")
    source = await lake.call(
        CREATE_SOURCE, CreateSource(organization_id=lake.organization, name="cam")
    )
    request = lake.registration(
        name,
        filename="ünïcode \n 🎈.png",
        tags=[tag.id],
        data_source_id=source.id,
        metadata={"acquired_by": "me"},
        custom_metadata={"k": [1, 2.5, None, {"x": "y"}]},
    )
    data = await lake.call(REGISTER_DATA, request)
    assert data.object_name == name
    assert data.filename == "ünïcode \n 🎈.png"
    assert data.type is DataType.IMAGE
    assert data.upload_status is DataUploadStatus.DONE
    assert data.meta == Meta(64, 48)
    assert data.size == len(content)
    assert data.sha256 == hashlib.sha256(content).hexdigest()
    assert data.presigned_url == f"lake:{name}"
    assert data.metadata == {"acquired_by": "me"}
    assert data.custom_metadata == {"k": [1, 2.5, None, {"x": "y"}]}
    assert data.datalake_id == lake.id
    assert data.data_source == source
    assert data.tags == [tag]
    assert await lake.call(GET_DATA, DataId(data_id=data.id)) == data
    url = await lake.call(GET_DATA_URL, DataId(data_id=data.id))
    assert url.presigned_url == f"lake:{name}"


async def test_the_very_same_registration_again_answers_the_same_data(lake: Lake) -> None:
    name = await lake.store(png())
    tag = await lake.data_tag("t")
    request = lake.registration(name, tags=[tag.id], custom_metadata={"b": 1, "a": 2})
    answers = await asyncio.gather(*[lake.call(REGISTER_DATA, request) for _ in range(5)])
    assert all(answer == answers[0] for answer in answers)
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id))
    assert page.count == 1


@pytest.mark.parametrize(
    "other",
    [
        {"filename": "b.png"},
        {"content_type": "image/jpeg"},
        {"type": DataType.VIDEO},
        {"metadata": {"a": 1}},
        {"custom_metadata": {"a": 2}},
        {"meta": Meta(9, 9)},
    ],
)
async def test_another_registration_of_the_same_object_is_a_conflict(
    lake: Lake, other: dict[str, Any]
) -> None:
    name = await lake.store(png())
    registration = {"custom_metadata": {"a": 1}}
    data = await lake.call(REGISTER_DATA, lake.registration(name, **registration))
    with pytest.raises(ConflictError, match="registered already") as caught:
        await lake.call(REGISTER_DATA, lake.registration(name, **(registration | other)))
    assert caught.value.status == 409
    assert await lake.call(GET_DATA, DataId(data_id=data.id)) == data


async def test_what_was_never_uploaded_is_not_registered(lake: Lake) -> None:
    with pytest.raises(BadRequestError, match="nothing was uploaded"):
        await lake.call(REGISTER_DATA, lake.registration(await lake.object_name()))


@pytest.mark.parametrize(
    ("format", "options", "size"),
    [
        ("PNG", {}, (40, 30)),
        ("JPEG", {}, (40, 30)),
        ("BMP", {}, (40, 30)),
        ("GIF", {}, (40, 30)),
        ("TIFF", {}, (40, 30)),
        ("WEBP", {}, (40, 30)),
        ("JPEG", {"orientation": 3}, (40, 30)),
        ("JPEG", {"orientation": 6}, (30, 40)),
        ("JPEG", {"orientation": 8}, (30, 40)),
    ],
)
async def test_sizes_are_read_from_the_header_as_people_see_the_picture(
    lake: Lake, format: str, options: dict[str, int], size: tuple[int, int]
) -> None:
    more = {}
    if "orientation" in options:
        exif = Image.Exif()
        exif[0x0112] = options["orientation"]
        more["exif"] = exif
    name = await lake.store(picture(format, 40, 30, **more))
    data = await lake.call(REGISTER_DATA, lake.registration(name))
    assert data.meta == Meta(*size)
    assert data.upload_status is DataUploadStatus.DONE


async def test_the_clients_own_size_is_taken(lake: Lake) -> None:
    name = await lake.store(b"pixels of an unknown format")
    request = lake.registration(name, type=DataType.VIDEO, meta=Meta(1920, 1080))
    data = await lake.call(REGISTER_DATA, request)
    assert (data.type, data.meta) == (DataType.VIDEO, Meta(1920, 1080))
    assert data.upload_status is DataUploadStatus.DONE


@pytest.mark.parametrize(
    "content", [b"", b"not an image", png()[:20], b"\xff\xd8\xff\xe1\x00", b"GIF89a", b"<svg/>"]
)
async def test_a_file_without_a_readable_size_is_an_error_to_see(
    lake: Lake, content: bytes
) -> None:
    data = await lake.call(REGISTER_DATA, lake.registration(await lake.store(content)))
    assert data.upload_status is DataUploadStatus.ERROR
    assert data.meta is None
    assert data.size == len(content)


@pytest.mark.parametrize(
    "values",
    [
        {"filename": ""},
        {"filename": "a\0b"},
        {"filename": "\udcff.png"},
        {"filename": "x" * 1025},
        {"content_type": ""},
        {"meta": Meta(0, 5)},
        {"meta": Meta(5, -1)},
        {"meta": Meta(1 << 31, 5)},
        {"metadata": {"\ud800": 1}},
        {"custom_metadata": {"a": "x" * 300_000}},
        {"custom_metadata": {"a": object()}},
        {"tags": [uuid4()]},
        {"data_source_id": uuid4()},
    ],
)
async def test_bad_values_are_refused_and_nothing_is_registered(
    lake: Lake, values: dict[str, Any]
) -> None:
    name = await lake.store(png())
    with pytest.raises((BadRequestError, NotFoundError)):
        await lake.call(REGISTER_DATA, lake.registration(name, **values))
    assert (await lake.call(LIST_DATA, ListData(datalake_id=lake.id))).count == 0


async def test_tags_and_sources_of_others_are_refused(lake: Lake, stranger: Lake) -> None:
    name = await lake.store(png())
    theirs = await stranger.data_tag("t")
    source = await stranger.call(
        CREATE_SOURCE, CreateSource(organization_id=stranger.organization, name="cam")
    )
    for values in ({"tags": [theirs.id]}, {"data_source_id": source.id}):
        with pytest.raises(NotFoundError):
            await lake.call(REGISTER_DATA, lake.registration(name, **values))


async def test_metadata_is_replaced_and_cleared(lake: Lake) -> None:
    data = await lake.add(metadata={"a": 1}, custom_metadata={"b": 2})
    changed = await lake.call(UPDATE_DATA, UpdateData(data_id=data.id, metadata={"c": 3}))
    assert (changed.metadata, changed.custom_metadata) == ({"c": 3}, {"b": 2})
    answer = await lake.call(
        UPDATE_CUSTOM_METADATA, UpdateCustomMetadata(data_id=data.id, custom_metadata=None)
    )
    assert answer.custom_metadata is None
    changed = await lake.call(GET_DATA, DataId(data_id=data.id))
    assert (changed.metadata, changed.custom_metadata) == ({"c": 3}, None)


@pytest.mark.folder_of_files("on S3 the file of a deleted data stays for some days")
async def test_a_deleted_data_is_gone_with_its_file_and_deleting_many_forgives(
    lake: Lake,
) -> None:
    tag = await lake.data_tag("t")
    data = [await lake.add(f"{number}.png", tags=[tag.id]) for number in range(3)]
    await lake.call(DELETE_DATA, DataId(data_id=data[0].id))
    with pytest.raises(NotFoundError, match=str(data[0].id)):
        await lake.call(GET_DATA, DataId(data_id=data[0].id))
    with pytest.raises(NotFoundError):
        await lake.call(DELETE_DATA, DataId(data_id=data[0].id))
    assert await lake.platform.context.objects.head(data[0].object_name) is None
    ids = [data[0].id, data[1].id, uuid4(), lake.id, data[1].id]
    await lake.call(DELETE_MANY_DATA, DeleteManyData(datalake_id=lake.id, ids=ids))
    page = await lake.call(LIST_DATA, ListData(datalake_id=lake.id))
    assert [item.id for item in page.items] == [data[2].id]


async def test_the_id_of_a_deleted_data_never_names_another(lake: Lake) -> None:
    old = await lake.add()
    await lake.call(DELETE_DATA, DataId(data_id=old.id))
    new = await lake.add()
    assert new.id != old.id


async def test_data_of_others_cannot_be_touched(lake: Lake, stranger: Lake) -> None:
    theirs = await stranger.add()
    calls: list[tuple[Operation[Any, Any], Any]] = [
        (GET_DATA, DataId(data_id=theirs.id)),
        (GET_DATA_URL, DataId(data_id=theirs.id)),
        (UPDATE_DATA, UpdateData(data_id=theirs.id, metadata={})),
        (
            UPDATE_CUSTOM_METADATA,
            UpdateCustomMetadata(data_id=theirs.id, custom_metadata={}),
        ),
        (DELETE_DATA, DataId(data_id=theirs.id)),
        (DELETE_MANY_DATA, DeleteManyData(datalake_id=stranger.id, ids=[theirs.id])),
    ]
    for operation, request in calls:
        with pytest.raises(NotFoundError):
            await lake.call(operation, request)
    await lake.call(DELETE_MANY_DATA, DeleteManyData(datalake_id=lake.id, ids=[theirs.id]))
    assert await stranger.call(GET_DATA, DataId(data_id=theirs.id)) == theirs


async def test_ids_of_other_kinds_name_no_data(lake: Lake) -> None:
    data = await lake.add()
    for wrong in (lake.id, lake.connector, uuid4(), type(data.id)(int=data.id.int + 1)):
        with pytest.raises(NotFoundError, match=str(wrong)):
            await lake.call(GET_DATA, DataId(data_id=wrong))


async def test_sources_are_made_found_and_listed(lake: Lake, stranger: Lake) -> None:
    made = [
        await lake.call(CREATE_SOURCE, CreateSource(organization_id=lake.organization, name=name))
        for name in ("b", "a", "c")
    ]
    with pytest.raises(ConflictError, match="'a'"):
        await lake.call(CREATE_SOURCE, CreateSource(organization_id=lake.organization, name="a"))
    find = CreateSource(organization_id=lake.organization, name="a")
    assert await lake.call(FIND_SOURCE, find) == made[1]
    with pytest.raises(NotFoundError):
        await stranger.call(
            FIND_SOURCE, CreateSource(organization_id=stranger.organization, name="a")
        )
    listed = await lake.call(LIST_SOURCES, ListSources(organization_id=lake.organization))
    assert listed.items == made
    ordered = ListSources(organization_id=lake.organization, order_by=["-name"], limit=2, offset=1)
    assert [item.name for item in (await lake.call(LIST_SOURCES, ordered)).items] == ["b", "a"]


@pytest.mark.folder_of_files("on S3 a file that is not needed stays for some days")
async def test_reuse_returns_the_data_with_the_same_content_and_description(lake: Lake) -> None:
    first = await lake.add(custom_metadata={"shift": 1})
    tag = await lake.data_tag("new")
    for more in ({}, {"sha256": first.sha256}):
        spare = await lake.store(png())
        request = lake.registration(
            spare, custom_metadata={"shift": 1}, reuse=True, tags=[tag.id], **more
        )
        again = await lake.call(REGISTER_DATA, request)
        assert (again.id, again.object_name) == (first.id, first.object_name)
        assert [each.name for each in again.tags] == ["new"]
        with pytest.raises(NotFoundError):
            await lake.call(
                PRESIGN_DOWNLOAD, PresignDownload(connector_id=lake.connector, object_name=spare)
            )
    # The answer was lost: the call comes again, and its object is gone. Only the digest tells what it was.
    assert (await lake.call(REGISTER_DATA, request)).id == first.id
    request.sha256 = UNSET
    with pytest.raises(BadRequestError, match="nothing was uploaded"):
        await lake.call(REGISTER_DATA, request)


@pytest.mark.parametrize(
    "more",
    [
        {"reuse": UNSET},
        {"filename": "b.png"},
        {"custom_metadata": {"shift": 1}},
        {"content_type": "image/x-png"},
    ],
)
async def test_data_that_differ_are_not_reused(lake: Lake, more: dict[str, Any]) -> None:
    first = await lake.add()
    request = lake.registration(await lake.store(png()), **({"reuse": True} | more))
    assert (await lake.call(REGISTER_DATA, request)).id != first.id


async def test_reuse_never_deletes_an_object_that_is_registered(lake: Lake) -> None:
    await lake.add()
    other = await lake.add("elsewhere.png")
    request = lake.registration(other.object_name, reuse=True)
    with pytest.raises(ConflictError):
        await lake.call(REGISTER_DATA, request)
    shown = PresignDownload(connector_id=lake.connector, object_name=other.object_name)
    assert (await lake.call(PRESIGN_DOWNLOAD, shown)).presigned_url
