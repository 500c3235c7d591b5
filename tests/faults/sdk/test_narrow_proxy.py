"""Imports through a proxy that takes small bodies only (F41): in halves, and nothing twice when the way changes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.engine.imports import send as sending
from headrace.engine.imports.chunks import ImportChunk, halved
from headrace.engine.imports.packing import PackedImage, SamplePacker
from headrace.errors import BadRequestError, RequestTooLargeError
from headrace.model.sample import Sample
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.faults.faulty_proxy import faulty_proxy
from tests.support.lakes.servers import ServerProcess, new_lake, server_process

COUNT = 12
SHAPES = 40


class Behind(ServerProcess):
    """A server with a version of some assets, and a COCO file for it."""

    token: str = ""
    file: Path = Path()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Behind]:
    draw_images(tmp_path / "images", COUNT)
    lake, token = await new_lake(tmp_path / "lake")
    file = tmp_path / "coco.json"
    file.write_text(json.dumps(coco()))
    async with server_process(lake) as process:
        async with headrace.connect(process.address, api_token=token) as client:
            await client.push("d/v", tmp_path / "images")
            version = await client.version("d/v")
            await version.set_type("OBJECT_DETECTION")
        yield Behind(process.address, process.process, process.log, token, file)


def coco() -> dict[str, Any]:
    return {
        "images": [
            {"id": n, "file_name": f"image_{n:04}.jpg", "width": 64, "height": 64}
            for n in range(COUNT)
        ],
        "categories": [{"id": 1, "name": "a"}],
        "annotations": [
            {"id": n, "image_id": n % COUNT, "category_id": 1, "bbox": [n, 1, 2, 3]}
            for n in range(COUNT * SHAPES)
        ],
    }


async def shapes(version: DatasetVersion) -> list[list[float]]:
    """The left edges of each asset's boxes, assets by their names."""
    names = {str(asset.id): asset.filename async for asset in version.iter_assets()}
    loaded = await version.load_annotations()
    return [
        [box["x"] for annotation in annotations for box in annotation["rectangles"]]
        for _, annotations in sorted(loaded.items(), key=lambda pair: names[pair[0]])
    ]


EXPECTED = [[float(n + COUNT * k) for k in range(SHAPES)] for n in range(COUNT)]


async def test_f41_bodies_that_are_too_large_go_in_halves(server: Behind) -> None:
    async with (
        faulty_proxy(server.address, largest=3_000) as proxy,
        headrace.connect(proxy.address, api_token=server.token) as client,
    ):
        version = await client.version("d/v")
        report = await version.import_annotations(server.file)
        assert proxy.refused > 1
        assert (report.images_imported, report.shapes_imported) == (COUNT, COUNT * SHAPES)
        assert await shapes(version) == EXPECTED


async def test_f41_one_image_that_is_too_large_is_told_of(server: Behind) -> None:
    async with (
        faulty_proxy(server.address, largest=600) as proxy,
        headrace.connect(proxy.address, api_token=server.token) as client,
    ):
        version = await client.version("d/v")
        with pytest.raises(RequestTooLargeError):
            await version.import_annotations(server.file)


async def test_f41_what_went_in_halves_does_not_go_again_as_a_whole(
    server: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import breaks off after some of the halves; the next one has no proxy in its way."""
    real = sending.ChunkSender._call
    calls = 0

    async def breaking(self: sending.ChunkSender, number: int, items: Any) -> dict[str, int]:
        nonlocal calls
        answer = await real(self, number, items)
        calls += 1
        if calls == 2:
            raise BadRequestError("enough")
        return answer

    async with faulty_proxy(server.address, largest=3_000) as proxy:
        with monkeypatch.context() as patch:
            patch.setattr(sending.ChunkSender, "_call", breaking)
            async with headrace.connect(proxy.address, api_token=server.token) as client:
                version = await client.version("d/v")
                with pytest.raises(BadRequestError, match="enough"):
                    await version.import_annotations(server.file, mode="CONCATENATE")
    async with headrace.connect(server.address, api_token=server.token) as client:
        version = await client.version("d/v")
        report = await version.import_annotations(server.file, mode="CONCATENATE")
        assert report.resumed == 2
        assert (report.images_imported, report.shapes_imported) == (COUNT, COUNT * SHAPES)
        assert await shapes(version) == EXPECTED


def test_halves_have_numbers_of_their_own() -> None:
    images = SamplePacker().pack([Sample(filename=str(n)) for n in range(5)])
    seen: dict[int, list[PackedImage]] = {}

    def walk(chunk: ImportChunk) -> None:
        assert chunk.number not in seen
        seen[chunk.number] = chunk.images
        if len(chunk.images) > 1:
            first, second = chunk.halves()
            assert first.images + second.images == chunk.images
            assert {chunk.number} <= halved([first.number]) & halved([second.number])
            walk(first)
            walk(second)

    walk(ImportChunk(7, images))
    walk(ImportChunk(8, images))
    assert halved([7, 8]) == frozenset()
    assert max(seen) < 2**63
