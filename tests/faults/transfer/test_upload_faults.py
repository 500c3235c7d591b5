"""Uploads against storages that misbehave (F16, F18, F22 to F24, S09, S10): one object, the right bytes, or a clear refusal."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web

import headrace
from headrace.backend.upload import uploader as uploads
from headrace.backend.upload.file_body import Snapshot
from headrace.backend.upload.multipart import PART_BYTES
from headrace.backend.upload.signed_put import SignedUploader
from headrace.backend.upload.uploader import RemoteUpload
from headrace.errors import (
    AuthenticationError,
    ChecksumError,
    HeadraceError,
    PartialTransferError,
    PermissionDeniedError,
    TransferError,
)
from headrace.model.records import MultipartTicket, PartUrl, UploadTarget, UploadTicket
from headrace.net.congestion import LimiterPolicy
from headrace.net.retry import RetryPolicy
from headrace.net.storage_session import StorageSession
from headrace.transfer.progress_event import ProgressEvent
from tests.support.data.images import draw_images
from tests.support.faults.faulty_proxy import faulty_proxy
from tests.support.lakes.servers import new_lake, server_process

CONTENT = hashlib.shake_256(b"upload").digest(600_000)
QUICK = RetryPolicy(attempts=5, base=0.001, cap=0.01, budget=20.0)
GENTLE = LimiterPolicy(base=0.001, cap=0.01, longest=0.05)
CANARY = "c4n4ry"

Answer = Callable[[web.Request, bytes], Awaitable[web.Response]]


class Storage:
    """Takes PUTs; each is answered by the next of ``script``, the last one for ever."""

    def __init__(self) -> None:
        self.address = ""
        self.came: list[tuple[str, dict[str, str], bytes]] = []
        self.script: list[Answer] = [fine]

    async def __call__(self, request: web.Request) -> web.Response:
        # Not read(), which refuses bodies of more than 1 MiB: a part has more.
        body = b"".join([block async for block in request.content.iter_any()])
        self.came.append((request.path_qs, dict(request.headers), body))
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await answer(request, body)


async def fine(request: web.Request, body: bytes) -> web.Response:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return web.Response(headers={"Repr-Digest": f"sha-256=:{digest}:", "ETag": '"e"'})


async def spoiled(request: web.Request, body: bytes) -> web.Response:
    return await fine(request, body + b"!")


def status(code: int, **headers: str) -> Answer:
    async def answer(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=code, headers=headers)

    return answer


class Tickets:
    """Hands out URLs of one kind, each with a number of its own."""

    def __init__(self, storage: Storage, kind: str, *, query: str = "") -> None:
        self.storage = storage
        self.kind = kind
        self.query = query
        self.given = 0

    async def call(self, operation: Any, request: Any, /) -> Any:
        self.given += 1
        url = f"{self.storage.address}/{self.given}?signature={CANARY}{self.query}"
        match operation.name:
            case "generate_presigned_url":
                target = UploadTarget(url=url, fields={})
                return UploadTicket(client_type=self.kind, presigned_url_data=target)
            case "init_multipart_upload":
                return MultipartTicket(client_type=self.kind, upload_id="up", url=url)
            case "generate_part_presigned_url":
                return PartUrl(url=url)
        return None


@pytest.fixture
async def storage() -> AsyncIterator[Storage]:
    found = Storage()
    runner = web.ServerRunner(web.Server(found, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.address = f"http://127.0.0.1:{site.port}"
    yield found
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[StorageSession]:
    found = StorageSession(user_agent="test", limits=GENTLE)
    yield found
    await found.aclose()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file.bin"
    found.write_bytes(CONTENT)
    return found


async def send(session: StorageSession, tickets: Tickets, path: Path) -> None:
    upload = RemoteUpload(
        tickets, SignedUploader(session, policy=QUICK), Snapshot.of(path), UUID(int=1)
    )
    await upload.send("name", "application/octet-stream")


async def test_f24_bytes_that_arrive_wrong_are_sent_again(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    storage.script = [spoiled, fine]
    await send(session, Tickets(storage, "azure"), path)
    assert [body for _, _, body in storage.came] == [CONTENT, CONTENT]


async def test_f24_bytes_that_stay_wrong_are_an_error(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    storage.script = [spoiled]
    with pytest.raises(
        ChecksumError, match=r"the storage has other bytes of .*file\.bin than were sent"
    ):
        await send(session, Tickets(storage, "azure"), path)


async def test_f24_a_server_keeps_no_part_that_is_not_what_was_promised(tmp_path: Path) -> None:
    import aiohttp

    lake, token = await new_lake(tmp_path / "lake")
    async with (
        server_process(lake) as server,
        headrace.connect(server.address, api_token=token) as client,
        aiohttp.ClientSession() as http,
    ):
        connector = (await client.get_datalake()).connector_id
        name = (
            await client.request(
                "generate_object_name", connector_id=connector, filename="a.png", type="DATA"
            )
        ).record.object_name
        place = {"connector_id": connector, "object_name": name}
        begun = (
            await client.request("init_multipart_upload", **place, content_type="image/png")
        ).record
        place["upload_id"] = begun.upload_id
        url = (await client.request("generate_part_presigned_url", **place, part_no=1)).record.url
        good = base64.b64encode(hashlib.sha256(b"good").digest()).decode()
        promised = {"Content-Digest": f"sha-256=:{good}:"}
        async with http.put(url, data=b"good", headers=promised) as answer:
            etag = answer.headers["ETag"]
            assert (answer.status, answer.headers["Repr-Digest"]) == (200, f"sha-256=:{good}:")
        async with http.put(url, data=b"bad", headers=promised) as answer:
            assert answer.status == 400
            assert "Content-Digest" in (await answer.json())["message"]
        await client.request(
            "complete_part_upload", **place, parts=[{"ETag": etag, "PartNumber": 1}]
        )
        assert (lake / "objects" / name).read_bytes() == b"good"


async def test_f16_an_expired_url_is_asked_for_anew(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    storage.script = [status(403), fine]
    tickets = Tickets(storage, "azure")
    await send(session, tickets, path)
    assert [target.split("?")[0] for target, _, _ in storage.came] == ["/1", "/2"]


async def test_f16_a_url_that_ended_while_it_waited_is_not_tried(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    storage.script = [status(503), fine]
    tickets = Tickets(storage, "azure", query="&expires=1000")
    await send(session, tickets, path)
    assert [target.split("?")[0] for target, _, _ in storage.came] == ["/1", "/2"]


async def test_f16_a_real_refusal_stays_one(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    storage.script = [status(403)]
    with pytest.raises(PermissionDeniedError, match="refused the upload"):
        await send(session, Tickets(storage, "azure"), path)
    assert len(storage.came) == 2


@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_s09_f18_an_upload_goes_where_it_was_signed_for_and_nowhere_else(
    storage: Storage, session: StorageSession, path: Path, code: int
) -> None:
    storage.script = [status(code, Location=f"{storage.address}/elsewhere"), fine]
    with pytest.raises(TransferError, match="redirects the upload"):
        await send(session, Tickets(storage, "azure"), path)
    assert [target.split("?")[0] for target, _, _ in storage.came] == ["/1"]


async def test_f23_a_storage_that_is_elsewhere_is_asked_where_it_is(
    storage: Storage, session: StorageSession, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resumable upload to one URL: half a chunk is kept, a chunk lost, an offset refused."""
    monkeypatch.setattr(uploads, "PART_BYTES", 100_000)
    monkeypatch.setattr(uploads, "part_bytes", lambda size: 100_000)
    kept = bytearray()
    trouble = {1: "half", 3: "lost", 4: "answer lost"}

    async def resumable(request: web.Request, body: bytes) -> web.Response:
        place = request.headers["Content-Range"]
        start, last, total = re.fullmatch(r"bytes (?:\*|(\d+)-(\d+))/(\d+)", place).groups()  # type: ignore[union-attr]
        what = trouble.pop(len(storage.came), "")
        if start is not None and what != "lost":
            if int(start) != len(kept):
                return web.Response(status=416)
            assert len(body) == int(last) - int(start) + 1
            kept.extend(body[: len(body) // 2] if what == "half" else body)
        if what in ("lost", "answer lost"):
            return web.Response(status=503)
        if len(kept) == int(total):
            return web.Response(status=201)
        return web.Response(status=308, headers={"Range": f"bytes=0-{len(kept) - 1}"})

    storage.script = [resumable]
    await send(session, Tickets(storage, "google"), path)
    assert bytes(kept) == CONTENT
    assert sum(len(body) for _, _, body in storage.came) <= len(CONTENT) + 3 * 100_000
    assert not trouble


async def test_f23_a_storage_that_never_takes_a_byte(
    storage: Storage, session: StorageSession, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PART_BYTES", 100_000)
    monkeypatch.setattr(uploads, "part_bytes", lambda size: 100_000)

    async def stuck(request: web.Request, body: bytes) -> web.Response:
        return web.Response(status=416 if body else 308)

    storage.script = [stuck]
    with pytest.raises(TransferError, match="does not accept the bytes from 0 on"):
        await send(session, Tickets(storage, "google"), path)
    assert len(storage.came) < 20


@pytest.mark.parametrize("how", ["grown", "rewritten", "replaced"])
@pytest.mark.parametrize("size", [1_000, 600_000, PART_BYTES + 10])
async def test_a_file_that_changes_while_it_is_sent(
    storage: Storage, session: StorageSession, tmp_path: Path, how: str, size: int
) -> None:
    path = tmp_path / "changing.bin"
    path.write_bytes(bytes(size))
    tickets = Tickets(storage, "minio" if size > PART_BYTES else "azure")

    async def change(operation: Any, request: Any, /) -> Any:
        if operation.name == "generate_part_presigned_url" and request.part_no == 1:
            return await Tickets.call(tickets, operation, request)
        if how == "grown":
            with path.open("ab") as file:
                file.write(b"more")
        elif how == "rewritten":
            path.write_bytes(b"x" * size)
            os.utime(path, ns=(1, 1))
        else:
            (tmp_path / "other").write_bytes(b"x" * size)
            (tmp_path / "other").replace(path)
        return await Tickets.call(tickets, operation, request)

    tickets.call = change  # type: ignore[method-assign]
    with pytest.raises(TransferError, match=r"changing\.bin changed during the upload"):
        await send(session, tickets, path)


async def test_s10_no_secret_is_ever_told(
    storage: Storage,
    session: StorageSession,
    path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong, signatures are in no error, no trace of locals' reprs and no log."""
    caplog.set_level(logging.DEBUG)
    for script in ([status(403)], [status(500)], [spoiled], [status(302, Location="http://x/")]):
        storage.script = list(script)
        with pytest.raises(HeadraceError) as caught:
            await send(session, Tickets(storage, "azure"), path)
        error = caught.value
        shown = "".join(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
        for text in (str(error), repr(error), caplog.text):
            assert CANARY not in text
        own = [line for line in shown.splitlines() if "place = " in line or "delivered = " in line]
        assert not [line for line in own if CANARY in line]


async def test_s10_no_token_and_no_signature_in_any_output(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A push that fails in many ways, and all that client and server say of it."""
    caplog.set_level(logging.DEBUG)
    lake, token = await new_lake(tmp_path / "lake")
    paths = draw_images(tmp_path / "images", 4)
    paths[1].write_bytes(b"no picture")
    said: list[object] = []
    async with (
        server_process(lake) as server,
        faulty_proxy(server.address, one_in=1, only=b"POST /files/") as proxy,
        headrace.connect(proxy.address, api_token=token) as patient,
    ):
        client = patient.with_options(retries=1)
        with pytest.raises(PartialTransferError) as caught:
            await client.push("a/b", paths)
        said += [caught.value, caught.value.report, client, client.session, client.session.backend]
        async with headrace.connect(server.address, api_token=token) as direct:
            with pytest.raises(PartialTransferError) as caught:
                await direct.push("a/b", paths)
            said += [caught.value, caught.value.report]
        with pytest.raises(AuthenticationError) as refused:
            async with headrace.connect(server.address, api_token=token + "x"):
                pass
        said.append(refused.value)
        output = server.output.decode()
    for text in (caplog.text, output, *map(str, said), *map(repr, said)):
        assert token not in text
        assert "signature=" not in text


async def test_s09_tokens_never_go_to_storages(
    storage: Storage, session: StorageSession, path: Path
) -> None:
    await send(session, Tickets(storage, "azure"), path)
    ((_, headers, _),) = storage.came
    assert not {"authorization", "cookie", "x-picsellia-organization", "idempotency-key"} & {
        name.lower() for name in headers
    }


async def test_f22_lost_answers_make_one_object_and_one_data(tmp_path: Path) -> None:
    """Every second call to the API and the storage is refused, cut, dropped or reset."""
    lake, token = await new_lake(tmp_path / "lake")
    paths = draw_images(tmp_path / "images", 12)
    async with (
        server_process(lake) as server,
        faulty_proxy(server.address, one_in=2) as proxy,
        headrace.connect(proxy.address, api_token=token) as client,
    ):
        datalake = await client.get_datalake()
        made = await datalake.upload_data(paths)
        assert proxy.spoiled >= 12
        assert [data.filename for data in made] == [path.name for path in paths]
        listed = await datalake.list_data()
        assert sorted(data.id for data in listed) == sorted(made.ids)
        again = await datalake.upload_data(paths)
        assert again.ids == made.ids
    for data in made:
        assert (lake / "objects" / data.object_name).read_bytes() == (
            tmp_path / "images" / data.filename
        ).read_bytes()


async def test_f42_progress_that_fails_does_not_stop_an_upload_and_never_passes_the_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    paths = draw_images(tmp_path / "images", 8)
    events: list[ProgressEvent] = []

    def broken(event: ProgressEvent) -> None:
        raise ValueError("no terminal here")

    async with headrace.connect(lake) as client:
        made = await client.push("a/b", paths, progress=broken)
        assert (made.uploaded, made.transfer.failed) == (8, 0)
        assert "the progress callback of push failed" in caplog.text
        datalake = await client.get_datalake()
        await datalake.upload_data([*paths, *paths], progress=events.append)
    assert events[-1].finished
    assert all(event.done <= (event.total or 0) <= 16 for event in events)
    assert events[-1].done == 16


async def test_results_stand_in_the_order_of_the_files_and_failures_are_named(
    tmp_path: Path,
) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    paths = draw_images(tmp_path / "images", 6)
    paths[2].write_bytes(b"no picture")
    async with (
        server_process(lake) as server,
        headrace.connect(server.address, api_token=token) as client,
    ):
        datalake = await client.get_datalake()
        with pytest.raises(PartialTransferError) as caught:
            await datalake.upload_data(paths)
        report = caught.value.report
        assert (report.moved, report.failed) == (5, 1)
        assert [failure.name for failure in report.failures] == [paths[2].name]
        del paths[2]
        made = await datalake.upload_data(paths[::-1])
        assert [data.filename for data in made] == [path.name for path in paths[::-1]]
        assert made.report is not None
        assert (made.report.moved, made.report.skipped) == (0, 5)
