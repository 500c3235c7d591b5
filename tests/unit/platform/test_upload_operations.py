"""Object names and the URLs to put and get bytes with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from headrace.errors import BadRequestError, ConflictError, HeadraceError, NotFoundError
from headrace.model.enums import ObjectDataType
from headrace.protocol.operation import Operation
from headrace.protocol.operations import datalake
from headrace.protocol.operations.storage import (
    COMPLETE_MULTIPART,
    GENERATE_OBJECT_NAME,
    INIT_MULTIPART,
    PRESIGN_DOWNLOAD,
    PRESIGN_PART,
    PRESIGN_UPLOAD,
    CompleteMultipart,
    GenerateObjectName,
    InitMultipart,
    PresignDownload,
    PresignPart,
    PresignUpload,
    UploadedPart,
)
from tests.support.lakes.lake import Lake, chunks, png


async def test_names_are_unique_ordered_in_time_and_spread_over_sixteen_prefixes(
    lake: Lake,
) -> None:
    names = [await lake.object_name("Straße.JPG") for _ in range(300)]
    assert len(set(names)) == 300
    pattern = re.compile(r"^([0-9a-f])/1/1/([0-9a-f-]{36})\.jpg$")
    matches = [pattern.match(name) for name in names]
    ids = [UUID(match[2]) for match in matches if match]
    assert len(ids) == 300
    times = [made.int >> 64 for made in ids]
    assert all(made.version == 7 for made in ids)
    assert times == sorted(times)
    assert len({match[1] for match in matches if match}) == 16


@pytest.mark.parametrize(
    ("filename", "ending"),
    [("a.png", ".png"), ("a", ""), ("../../etc/passwd", ""), ("a.p/../x", ""), ("\0.sh\n", "")],
)
async def test_only_a_plain_extension_is_kept(lake: Lake, filename: str, ending: str) -> None:
    name = await lake.object_name(filename)
    assert re.fullmatch(r"[0-9a-f]/1/1/[0-9a-f-]{36}" + re.escape(ending), name)


async def test_an_upload_dir_stays_inside_the_name(lake: Lake) -> None:
    name = await lake.object_name("a.png", upload_dir="/summer/2024/")
    assert re.fullmatch(r"[0-9a-f]/1/1/summer/2024/[0-9a-f-]{36}\.png", name)
    for bad in ("../x", "a//b", "a\\b/..", "x" * 300, "con"):
        with pytest.raises(BadRequestError):
            await lake.object_name("a.png", upload_dir=bad)


async def test_connectors_and_organizations_of_others_are_not_found(
    lake: Lake, stranger: Lake
) -> None:
    for organization, connector in (
        (stranger.organization, lake.connector),
        (lake.organization, stranger.connector),
        (lake.organization, uuid4()),
        (lake.organization, lake.id),
    ):
        request = GenerateObjectName(
            organization_id=organization,
            connector_id=connector,
            filename="a",
            type=ObjectDataType.DATA,
        )
        with pytest.raises(NotFoundError):
            await lake.call(GENERATE_OBJECT_NAME, request)


async def test_in_process_urls_name_the_object(lake: Lake) -> None:
    name = await lake.object_name()
    request = PresignUpload(connector_id=lake.connector, object_name=name, content_type="image/png")
    ticket = await lake.call(PRESIGN_UPLOAD, request)
    assert ticket.client_type == "lake"
    assert ticket.presigned_url_data.url == f"lake:{name}"


@pytest.mark.folder_of_files("S3 takes no parts as small as these")
async def test_a_large_file_comes_in_parts(lake: Lake) -> None:
    name = await lake.object_name()
    ticket = await lake.call(
        INIT_MULTIPART,
        InitMultipart(connector_id=lake.connector, object_name=name, content_type="image/png"),
    )
    assert ticket.upload_id is not None
    parts = []
    for number, content in enumerate([b"first", b"", b"last"], start=1):
        part = PresignPart(
            connector_id=lake.connector,
            object_name=name,
            upload_id=ticket.upload_id,
            part_no=number,
        )
        assert name in (await lake.call(PRESIGN_PART, part)).url

        etag = await lake.platform.context.objects.put_part(
            name, ticket.upload_id, number, chunks(content)
        )
        parts.append(UploadedPart(etag=etag, part_number=number))
    done = CompleteMultipart(
        connector_id=lake.connector, object_name=name, upload_id=ticket.upload_id, parts=parts
    )
    for _ in range(2):
        await lake.call(COMPLETE_MULTIPART, done)
    content = b"".join([chunk async for chunk in lake.platform.context.objects.get(name)])
    assert content == b"firstlast"


async def test_only_objects_that_are_there_can_be_downloaded(lake: Lake) -> None:
    stored = await lake.store(b"x")
    request = PresignDownload(connector_id=lake.connector, object_name=stored)
    answer = await lake.call(PRESIGN_DOWNLOAD, request)
    assert answer.presigned_url == f"lake:{stored}"
    missing = PresignDownload(connector_id=lake.connector, object_name=await lake.object_name())
    with pytest.raises(NotFoundError):
        await lake.call(PRESIGN_DOWNLOAD, missing)


async def test_objects_of_others_can_neither_be_read_nor_written_nor_registered(
    lake: Lake, stranger: Lake
) -> None:
    theirs = await stranger.store(b"secret")
    for name in (theirs, "a/2/1/x", "x", "../headrace.db", f"0/1/1/../../../{theirs}"):
        calls: list[tuple[Operation[Any, Any], Any]] = [
            (PRESIGN_DOWNLOAD, PresignDownload(connector_id=lake.connector, object_name=name)),
            (
                PRESIGN_UPLOAD,
                PresignUpload(connector_id=lake.connector, object_name=name, content_type="a/b"),
            ),
            (
                INIT_MULTIPART,
                InitMultipart(connector_id=lake.connector, object_name=name, content_type="a/b"),
            ),
            (
                PRESIGN_PART,
                PresignPart(
                    connector_id=lake.connector, object_name=name, upload_id="x", part_no=1
                ),
            ),
            (
                COMPLETE_MULTIPART,
                CompleteMultipart(
                    connector_id=lake.connector, object_name=name, upload_id="x", parts=[]
                ),
            ),
        ]
        for operation, request in calls:
            with pytest.raises((NotFoundError, BadRequestError)):
                await lake.call(operation, request)
        with pytest.raises(BadRequestError):
            await lake.call(datalake.REGISTER_DATA, lake.registration(name))


async def test_the_file_of_a_data_is_not_uploaded_over(lake: Lake) -> None:
    data = await lake.add()
    request = PresignUpload(
        connector_id=lake.connector, object_name=data.object_name, content_type="image/png"
    )
    with pytest.raises(ConflictError, match="new object name"):
        await lake.call(PRESIGN_UPLOAD, request)


@pytest.mark.folder_of_files("looks into the folder of uploads")
async def test_the_file_of_a_data_is_not_replaced_in_process(lake: Lake, tmp_path: Path) -> None:
    """Not by whoever holds an object name either, as an upload that began before the registration does."""
    data = await lake.add()
    objects, content = lake.platform.context.objects, png()
    other, fresh = tmp_path / "other.bin", await lake.object_name()
    other.write_bytes(b"other")
    with pytest.raises(ConflictError, match="already registered"):
        await objects.put(data.object_name, chunks(b"other"))
    with pytest.raises(ConflictError, match="already registered"):
        await objects.put_file(data.object_name, other)
    for _ in range(2):
        refused, stored = await objects.put_files([(data.object_name, other), (fresh, other)])
        assert isinstance(refused, ConflictError)
        assert not isinstance(stored, HeadraceError)
    assert b"".join([chunk async for chunk in objects.get(data.object_name)]) == content
    assert not any((lake.platform.context.path / "objects" / ".incoming").iterdir())
