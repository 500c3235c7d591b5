"""How a server stops: it finishes what is under way, within bounds, and says nothing that is secret."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from headrace.backend.connect import open_backend
from headrace.errors import ConfigurationError, ConnectError
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.platform import Platform
from headrace.server.serve import serving
from headrace.server.signing import UrlSigner
from tests.support.lakes.servers import new_lake, server_process
from tests.support.processes.waiting import until

MIB = 1024 * 1024
NAME = "data/0/file.bin"


async def upload_url(lake: Path, address: str) -> str:
    async with await Platform.open(lake) as platform:
        urls = UrlSigner(address, (await signing_keys(platform.context))[0])
        return urls.upload(1, NAME, "application/octet-stream")[0]


async def stored(lake: Path) -> int | None:
    async with await Platform.open(lake) as platform:
        found = await platform.context.objects.head(NAME)
        return None if found is None else found.size


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_server_stops_at_once(tmp_path: Path, how: signal.Signals) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    async with server_process(lake) as server:
        # A connection that is kept alive must not hold the server.
        backend, _, _ = await open_backend(server.address, api_token=token)
        assert await server.stop(how) == 0
        assert b"stopped" in server.output
        await backend.aclose()


@pytest.mark.folder_of_files("the server receives the file")
async def test_what_is_under_way_is_finished(tmp_path: Path) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    async with server_process(lake) as server:
        started = asyncio.Event()
        go_on = asyncio.Event()
        form = aiohttp.FormData()
        form.add_field("key", NAME)

        async def content() -> AsyncIterator[bytes]:
            for number in range(8):
                yield os.urandom(MIB)
                if number == 3:
                    started.set()
                    await go_on.wait()

        form.add_field("file", content(), filename="f")
        url = await upload_url(lake, server.address)

        async def upload() -> int:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, data=form) as answer,
            ):
                return answer.status

        uploading = asyncio.create_task(upload())
        await started.wait()
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: refuses(server.address))
        go_on.set()
        assert await uploading == 204
        assert await server.process.wait() == 0
    assert await stored(lake) == 8 * MIB


async def refuses(address: str) -> bool:
    async with aiohttp.ClientSession() as session:
        try:
            async with session.get(address + "/healthz"):
                return False
        except aiohttp.ClientConnectionError:
            return True


async def test_what_does_not_finish_in_time_is_cut_and_leaves_nothing(tmp_path: Path) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    async with server_process(lake, stop_seconds=0.5) as server:
        url = await upload_url(lake, server.address)
        host, port = server.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        path = url.removeprefix(server.address)
        writer.write(
            f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 90000000\r\n"
            f"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
            f'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
            + bytes(3 * MIB)
        )
        await writer.drain()
        assert await server.stop() == 0
        writer.close()
        assert not (await reader.read()).startswith(b"HTTP/1.1 2")
    assert await stored(lake) is None


async def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    async with server_process(lake, stop_seconds=600) as server:
        url = await upload_url(lake, server.address)
        host, port = server.address.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST {url.removeprefix(server.address)} HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
            f"Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 100 ")
        server.process.send_signal(signal.SIGTERM)
        await until(lambda: refuses(server.address))
        assert await server.stop() == -signal.SIGTERM
        writer.close()
    assert await stored(lake) is None


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    lake, _ = await new_lake(tmp_path / "lake")
    async with await Platform.open(lake) as platform, serving(platform) as address:
        port = int(address.rpartition(":")[2])
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with serving(platform, port=port):
                pass


@pytest.mark.folder_of_files("the server receives the file")
async def test_nothing_that_the_server_writes_is_secret(tmp_path: Path) -> None:
    """With every logger at its loudest: no token, no signature, no trace of the wrong ones either."""
    lake, token = await new_lake(tmp_path / "lake")
    async with server_process(lake) as server:
        backend, _, _ = await open_backend(server.address, api_token=token)
        await backend.aclose()
        url = await upload_url(lake, server.address)
        signature = url.partition("signature=")[2].partition("&")[0]
        assert len(signature) > 20
        async with aiohttp.ClientSession() as session:
            form = {"key": NAME, "file": io.BytesIO(b"content")}
            async with session.post(url, data=form) as answer:
                assert answer.status == 204
            async with session.get(url) as answer:
                assert signature not in await answer.text()
            for wrong in (token[:-3] + "xyz", "Basic " + token):
                headers = {"Authorization": f"Bearer {wrong}"}
                async with session.post(
                    server.address + "/api/home/ping?" + signature, headers=headers
                ) as answer:
                    text = await answer.text()
                    assert token[3:20] not in text
                    assert signature not in text
        path = url.removeprefix(server.address)
        for damaged in (
            f"GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nbad header\r\n\r\n",
            f"XGET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\nbad\r\n\r\n",
            f"Bearer {token}\r\n\r\n",
            f"GET /{signature * 900} HTTP/1.1\r\n\r\n",
        ):
            assert await status_of(server.address, damaged) == 400
        assert await server.stop() == 0
        assert b"operation=upload_form" in server.output  # the access log is on
        assert b"Error handling request" in server.output  # and so is the protocol's
        assert token[3:20].encode() not in server.output
        assert signature.encode() not in server.output


async def status_of(address: str, sent: str) -> int:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent.encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def test_a_server_that_is_killed_leaves_a_lake_that_opens(tmp_path: Path) -> None:
    lake, token = await new_lake(tmp_path / "lake")
    async with server_process(lake) as server:
        backend, _, _ = await open_backend(server.address, api_token=token)
        await server.stop(signal.SIGKILL)
        await backend.aclose()
        with pytest.raises(ConnectError):
            await open_backend(server.address, api_token=token)
    async with server_process(lake) as server:
        backend, _, _ = await open_backend(server.address, api_token=token)
        await backend.aclose()
