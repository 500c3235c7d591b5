"""The store in a folder against the suite that every object store must pass, durable at once and in batches."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.storage.objects.base import ObjectStore
from headrace.storage.objects.local import LocalObjectStore
from headrace.testing.objects_conformance import ObjectStoreConformance


class TestLocalObjectStore(ObjectStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> ObjectStore:
        return await LocalObjectStore.open(tmp_path / "objects")


class TestLocalObjectStoreFlushedLater(ObjectStoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> ObjectStore:
        return await LocalObjectStore.open(tmp_path / "objects", sync=False)
