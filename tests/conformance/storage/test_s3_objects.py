"""Objects on a real S3 against the suite that every object store must pass."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.s3 import S3Objects
from headrace.storage.objects.s3_parts import LEAST_PART
from headrace.testing.objects_conformance import ObjectStoreConformance
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
