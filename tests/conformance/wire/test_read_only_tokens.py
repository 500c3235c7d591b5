"""A read-only token: every operation that changes something is refused, everything else works."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

import headrace
from headrace.backend.connect import open_backend
from headrace.errors import APIError, PermissionDeniedError
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.server.serve import serving
from tests.conformance.wire.scenario import register, walk
from tests.conformance.wire.test_authentication import path_of
from tests.support.data.images import draw_images
from tests.support.lakes.servers import running
from tests.support.lakes.templates import COUNT, copy_with_version
from tests.support.storage import files_on_s3

FILE_URL = re.compile(rb'http://[^"\s]+[?&](?:X-Amz-S|s)ignature=[^"\s]+')


async def test_every_operation_without_exception(tmp_path: Path) -> None:
    async with running(tmp_path / "lake") as server:
        token, _ = await create_token(server.platform.context, read_only=True)
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            for name, operation in OPERATIONS.items():
                async with session.request(
                    operation.method, server.address + path_of(name), data=b"{}"
                ) as answer:
                    said = await answer.text()
                    assert ("read-only" in said) is not operation.safe, name
                    if not operation.safe:
                        assert answer.status == 403, name


async def test_the_whole_walk_with_a_read_only_token_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call of the walk is first made with the read-only token: writes are refused, and no URL of it uploads."""
    outcomes: dict[str, set[str]] = defaultdict(set)
    urls: set[bytes] = set()
    async with running(tmp_path / "lake") as server:
        await register(server.platform, tmp_path)
        token, _ = await create_token(server.platform.context, read_only=True)
        backend, _, organization = await open_backend(server.address, api_token=server.token)
        reader, _, _ = await open_backend(server.address, api_token=token)
        call = backend.call

        async def both(operation: Operation[Any, Any], request: Any, /, **more: Any) -> Any:
            try:
                answer = await reader.call(operation, request)
            except PermissionDeniedError as error:
                outcomes[operation.name].add("refused" if "read-only" in str(error) else "403")
            except APIError as error:
                outcomes[operation.name].add(str(error.status))
            else:
                outcomes[operation.name].add("answered")
                urls.update(FILE_URL.findall(msgspec.json.encode(answer)))
            return await call(operation, request, **more)

        monkeypatch.setattr(backend, "call", both)
        try:
            await walk(backend, organization, tmp_path)
        finally:
            await backend.aclose()
            await reader.aclose()
        for name, operation in OPERATIONS.items():
            if not operation.safe:
                assert outcomes[name] <= {"refused"}, name
            else:
                assert "refused" not in outcomes[name], name
        reads = {name for name, operation in OPERATIONS.items() if operation.safe}
        assert {name for name in reads if "answered" in outcomes[name]} == reads
        assert len(urls) > 5
        async with aiohttp.ClientSession() as session:
            for url in urls:
                for method in ("PUT", "POST"):
                    async with session.request(method, url.decode(), data=b"x") as answer:
                        # S3 has no such method on an object.
                        assert answer.status == (405 if files_on_s3() and method == "POST" else 403)


async def test_what_people_do_with_one(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    copy_with_version(lake)
    async with await Platform.open(lake) as platform, serving(platform) as address:
        token, _ = await create_token(platform.context, read_only=True)
        async with headrace.connect(address, api_token=token) as client:
            version = await client.version("drawings/first")
            assert len(await version.list_assets()) == COUNT
            await version.download(tmp_path / "pulled")
            assert len(list((tmp_path / "pulled").rglob("*.*"))) >= COUNT
            await version.export(tmp_path / "out.json", format="coco")
            assert (tmp_path / "out.json").stat().st_size
            await version.retrieve_stats()
            await client.list_jobs()
            draw_images(tmp_path / "images", 1)
            with pytest.raises(PermissionDeniedError, match="read-only"):
                await client.push("drawings/second", tmp_path / "images")
            with pytest.raises(PermissionDeniedError, match="use another token"):
                await version.lock()
            with pytest.raises(PermissionDeniedError, match="read-only"):
                await (await version.list_assets(limit=1)).delete()
            assert len(await version.list_assets()) == COUNT
