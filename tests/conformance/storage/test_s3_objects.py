"""Objects on a real S3 against the suite that every object store must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.s3.parts import LEAST_PART
from headrace.storage.objects.s3.requests import S3Requests
from headrace.storage.objects.s3.store import S3Objects
from headrace.testing.objects_conformance import ObjectStoreConformance, stream
from tests.support.s3_server import fresh_prefix


class TestS3Objects(ObjectStoreConformance):
    least_part = LEAST_PART
    keeps_replaced_parts = True

    @pytest.fixture
    async def store(self) -> AsyncIterator[ObjectStore]:
        with fresh_prefix() as url:
            store = await S3Objects.open(url)
            yield store
            await store.aclose()


async def test_a_server_that_does_all_passes_the_probe_and_keeps_nothing_of_it() -> None:
    with fresh_prefix() as url:
        store = await S3Objects.open(url)
        await store.probe()
        assert [each async for each in store.listed()] == []
        assert (await store.unfinished(1 << 50)).count == 0
        await store.aclose()


async def test_many_of_a_folder_are_looked_up_by_listings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others between them, below them and after them make no difference."""
    sent: list[str] = []
    send = S3Requests.send

    async def counted(self: S3Requests, method: str, *request: Any, **more: Any) -> Any:
        sent.append(method)
        return await send(self, method, *request, **more)

    with fresh_prefix() as url:
        store = await S3Objects.open(url)
        names = [f"a/1/2/{number:03d}.png" for number in range(120)]
        for name in (*names, "a/1/2/010.png.d/deep", "a/1/3/000.png"):
            await store.put(name, stream(name.encode()))
        wanted = names[5:100:9]
        monkeypatch.setattr(S3Requests, "send", counted)
        found = await store.heads([*wanted, "a/1/2/missing", "a/1/3/000.png"])
        monkeypatch.undo()
        assert [info and info.size for info in found] == [*map(len, wanted), None, 13]
        assert sent.count("HEAD") == 2
        assert sent.count("GET") <= 3
        assert await store.unchanged([info for info in found if info]) == [True] * 12
        await store.put(wanted[0], stream(b"replaced"))
        assert (await store.unchanged([info for info in found if info])).count(False) == 1
        await store.aclose()
