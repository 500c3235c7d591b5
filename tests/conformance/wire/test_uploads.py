"""Uploads in every protocol that a platform may name, against a storage that takes them apart."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import BodyPartReader, web

from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.multipart import PART_BYTES
from headrace.backend.upload.signed_put import SignedUploader
from headrace.backend.upload.uploader import RemoteUpload
from headrace.errors import PermissionDeniedError, TransferError
from headrace.model.records import MultipartTicket, PartUrl, UploadTarget, UploadTicket
from headrace.net.retry import RetryPolicy
from headrace.net.storage_session import StorageSession
from headrace.protocol.operations.storage import CompleteMultipart, PresignPart

NAME = 'data/x/"quoted" ä.png'
CONNECTOR = UUID(int=7)


class Storage:
    """Takes whatever comes; fails as told first."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.fields: list[tuple[str, str | None, bytes]] = []
        self.failures: list[int] = []
        self.etag = True

    async def __call__(self, request: web.Request) -> web.Response:
        if request.method == "POST":
            reader = await request.multipart()
            async for part in reader:
                assert isinstance(part, BodyPartReader)
                self.fields.append((part.name or "", part.filename, bytes(await part.read())))
            body = b""
        else:
            body = b"".join([chunk async for chunk in request.content.iter_any()])
        if self.failures:
            self.fields.clear()
            return web.Response(status=self.failures.pop(0))
        headers = dict(request.headers)
        self.requests.append((request.method, request.raw_path, headers, body))
        return web.Response(headers={"ETag": f'"{len(self.requests)}"'} if self.etag else {})


class Platform:
    """Hands out tickets of one kind."""

    def __init__(self, storage: Storage, kind: str) -> None:
        self.storage = storage
        self.kind = kind
        self.calls: list[Any] = []

    async def call(self, operation: Any, request: Any, /) -> Any:
        self.calls.append(request)
        url = f"{self.storage.address}/{operation.name}?signature=s3cret%2F"
        match operation.name:
            case "generate_presigned_url":
                target = UploadTarget(url=url, fields={"key": NAME, "policy": "p"})
                return UploadTicket(client_type=self.kind, presigned_url_data=target)
            case "init_multipart_upload":
                return MultipartTicket(client_type=self.kind, upload_id="up", url=url)
            case "generate_part_presigned_url":
                return PartUrl(url=f"{url}&part={request.part_no}")
        return None


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    found = Storage()
    runner = web.ServerRunner(web.Server(found, max_line_size=8190))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.address = f"http://127.0.0.1:{site.port}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[StorageSession]:
    found = StorageSession(user_agent="headrace/test")
    yield found
    await found.aclose()


async def send(session: StorageSession, platform: Platform, path: Path) -> None:
    uploader = SignedUploader(session, policy=RetryPolicy(attempts=3, base=0.01))
    upload = RemoteUpload(platform, uploader, Snapshot.of(path), CONNECTOR)
    await upload.send(NAME, "image/png")


def file_of(tmp_path: Path, size: int) -> tuple[Path, bytes]:
    content = (os.urandom(4096) * (size // 4096 + 1))[:size]
    path = tmp_path / "file.png"
    path.write_bytes(content)
    return path, content


@pytest.mark.parametrize("kind", ["minio", "AWS", "google"])
@pytest.mark.parametrize("size", [0, 1, 700_000])
async def test_forms(
    storage: Storage, session: StorageSession, tmp_path: Path, kind: str, size: int
) -> None:
    path, content = file_of(tmp_path, size)
    await send(session, Platform(storage, kind), path)
    names = [name for name, _, _ in storage.fields]
    assert names == ["key", "policy", "Content-Type", "file"]
    assert storage.fields[0][2].decode() == NAME
    assert storage.fields[-1][2] == content
    ((method, target, headers, _),) = storage.requests
    assert (method, target) == ("POST", "/generate_presigned_url?signature=s3cret%2F")
    assert int(headers["Content-Length"]) > size
    assert "Authorization" not in headers


async def test_azure(storage: Storage, session: StorageSession, tmp_path: Path) -> None:
    for size in (0, 5000, PART_BYTES + 1):
        path, content = file_of(tmp_path, size)
        storage.requests.clear()
        await send(session, Platform(storage, "azure"), path)
        ((method, _, headers, body),) = storage.requests
        assert (method, body == content) == ("PUT", True)
        assert headers["x-ms-blob-type"] == "BlockBlob"
        assert headers["Content-Type"] == "image/png"
        assert (headers["key"], headers["Content-Length"]) == (NAME_AS_HEADER, str(size))


NAME_AS_HEADER = NAME.encode().decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("size", [PART_BYTES + 1, 2 * PART_BYTES])
async def test_parts(storage: Storage, session: StorageSession, tmp_path: Path, size: int) -> None:
    path, content = file_of(tmp_path, size)
    platform = Platform(storage, "minio")
    await send(session, platform, path)
    came = {target[-1]: body for _, target, _, body in storage.requests}
    assert came["1"] + came["2"] == content
    assert sorted(c.part_no for c in platform.calls if isinstance(c, PresignPart)) == [1, 2]
    done = platform.calls[-1]
    assert isinstance(done, CompleteMultipart)
    etags = {target[-1]: f'"{at}"' for at, (_, target, _, _) in enumerate(storage.requests, 1)}
    assert [(part.part_number, part.etag) for part in done.parts] == [
        (1, etags["1"]),
        (2, etags["2"]),
    ]
    assert all("Content-Type" not in headers for _, _, headers, _ in storage.requests)


async def test_ranges(storage: Storage, session: StorageSession, tmp_path: Path) -> None:
    path, content = file_of(tmp_path, PART_BYTES + 10)
    await send(session, Platform(storage, "google"), path)
    assert b"".join(body for _, _, _, body in storage.requests) == content
    total = len(content)
    assert [headers["Content-Range"] for _, _, headers, _ in storage.requests] == [
        f"bytes 0-{PART_BYTES - 1}/{total}",
        f"bytes {PART_BYTES}-{total - 1}/{total}",
    ]


async def test_a_storage_that_stumbles_gets_the_piece_again(
    storage: Storage, session: StorageSession, tmp_path: Path
) -> None:
    path, content = file_of(tmp_path, 300_000)
    storage.failures = [503, 502]
    await send(session, Platform(storage, "minio"), path)
    assert storage.fields[-1][2] == content
    assert len(storage.fields) == 4


async def test_refusals_do_not_show_the_url(
    storage: Storage, session: StorageSession, tmp_path: Path
) -> None:
    path, _ = file_of(tmp_path, 10)
    storage.failures = [403, 403]
    with pytest.raises(PermissionDeniedError, match="refused the upload") as caught:
        await send(session, Platform(storage, "minio"), path)
    assert "s3cret" not in repr(caught.value) + str(caught.value)


async def test_a_part_without_an_etag(
    storage: Storage, session: StorageSession, tmp_path: Path
) -> None:
    path, _ = file_of(tmp_path, PART_BYTES + 1)
    storage.etag = False
    with pytest.raises(TransferError, match="returned no ETag"):
        await send(session, Platform(storage, "minio"), path)


async def test_an_unknown_protocol(
    storage: Storage, session: StorageSession, tmp_path: Path
) -> None:
    path, _ = file_of(tmp_path, 10)
    with pytest.raises(TransferError, match="'local'"):
        await send(session, Platform(storage, "local"), path)


async def test_a_file_that_is_gone(
    storage: Storage, session: StorageSession, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        await send(session, Platform(storage, "minio"), tmp_path / "none.png")


async def test_a_file_that_shrinks_while_it_is_sent(
    storage: Storage, session: StorageSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = file_of(tmp_path, 2_000_000)
    platform = Platform(storage, "minio")

    async def shrink(operation: Any, request: Any, /) -> Any:
        os.truncate(path, 1_000_000)
        return await Platform.call(platform, operation, request)

    monkeypatch.setattr(platform, "call", shrink)
    with pytest.raises(TransferError, match="became shorter"):
        await send(session, platform, path)
    assert storage.requests == []
