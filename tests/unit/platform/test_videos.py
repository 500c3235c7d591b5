"""Videos as data: their size comes from the header, and one of unknown size is no error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from headrace.errors import ConflictError
from headrace.model.enums import DataType, DataUploadStatus
from headrace.model.records import DataRecord, Meta
from headrace.platform.datalake.probe import video_headers
from headrace.protocol.operations.datalake import (
    GET_DATA,
    LIST_DATA,
    REGISTER_DATA,
    DataId,
    ListData,
    RegisterData,
)
from headrace.storage.objects.base import ObjectInfo
from tests.support.lakes.lake import Lake

VIDEOS = Path(__file__).resolve().parents[2] / "data" / "videos"
FACTS = {"duration_seconds": 1.2, "frame_count": 12, "fps": 10.0}


async def registration(lake: Lake, file: str, **more: Any) -> RegisterData:
    name = await lake.store((VIDEOS / file).read_bytes())
    return lake.registration(
        name, type=DataType.VIDEO, filename=file, content_type="video/mp4", **more
    )


async def registered(lake: Lake, file: str, **more: Any) -> DataRecord:
    return await lake.call(REGISTER_DATA, await registration(lake, file, **more))


@pytest.mark.parametrize("file", ["h264.mp4", "quicktime.mov", "mpeg4.avi"])
async def test_the_header_gives_the_size_and_the_length(lake: Lake, file: str) -> None:
    data = await registered(lake, file)
    assert (data.upload_status, data.meta) == (DataUploadStatus.DONE, Meta(96, 64))
    assert data.metadata == FACTS
    assert await lake.call(GET_DATA, DataId(data_id=data.id)) == data


async def test_what_the_caller_says_is_kept(lake: Lake) -> None:
    own = {"fps": 25, "note": "slow"}
    data = await registered(lake, "h264.mp4", metadata=own, meta=Meta(48, 32))
    assert (data.meta, data.metadata) == (Meta(48, 32), {**FACTS, **own})


async def test_a_video_of_unknown_size_is_done(lake: Lake) -> None:
    data = await registered(lake, "unknown.mpg")
    assert (data.upload_status, data.meta) == (DataUploadStatus.DONE, None)
    assert data.metadata is None
    # The official client reads the numbers of all data that are DONE.
    official = msgspec.structs.replace(lake.access, precise=False)
    page = await lake.platform.call(official, LIST_DATA, ListData(datalake_id=lake.id))
    assert [each.meta for each in page.items] == [Meta(0, 0)]


@pytest.mark.parametrize("metadata", [UNSET, {}, {"note": "a"}, {"fps": 25}])
async def test_the_same_registration_again_is_the_same_data(lake: Lake, metadata: Any) -> None:
    request = await registration(lake, "h264.mp4", metadata=metadata)
    first = await lake.call(REGISTER_DATA, request)
    assert await lake.call(REGISTER_DATA, request) == first
    with pytest.raises(ConflictError):
        await lake.call(
            REGISTER_DATA, msgspec.structs.replace(request, metadata={"note": "another"})
        )


@pytest.mark.folder_of_files("removes the file")
async def test_a_video_is_reused_by_its_digest_without_its_object(lake: Lake) -> None:
    first = await registered(lake, "h264.mp4", metadata={"note": "a"})
    for metadata, same in (({"note": "a"}, True), ({"note": "b"}, False)):
        again = await registered(lake, "h264.mp4", metadata=metadata, reuse=True)
        assert (again.id == first.id) is same
    request = await registration(
        lake, "h264.mp4", metadata={"note": "a"}, reuse=True, sha256=first.sha256
    )
    path = lake.platform.context.objects.local_path(request.object_name)
    assert path is not None
    Path(path).unlink()
    assert (await lake.call(REGISTER_DATA, request)).id == first.id


async def test_a_store_without_local_files_is_asked_for_both_ends(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = lake.platform.context.objects
    content = (VIDEOS / "h264.mp4").read_bytes()
    size = 3 << 20
    # The frames are a long hole; the index is behind them.
    at = content.index(b"mdat") - 4
    until = at + int.from_bytes(content[at : at + 4], "big")
    assert content[until + 4 : until + 8] == b"moov"
    grown = (until - at + size).to_bytes(4, "big")
    long = content[:at] + grown + content[at + 4 : until] + bytes(size) + content[until:]
    names = [await lake.store(each) for each in (long, content, b"none")]
    monkeypatch.setattr("headrace.platform.datalake.probe._HEADER", 1 << 20)
    local = await video_headers(objects, await infos(lake, names))
    monkeypatch.setattr(objects, "local_path", lambda name: None)
    found = await video_headers(objects, await infos(lake, names))
    assert found == local
    assert [each and each.frames for each in found] == [12, 12, None]


async def infos(lake: Lake, names: list[str]) -> list[ObjectInfo]:
    return [info for info in await lake.platform.context.objects.heads(names) if info is not None]
