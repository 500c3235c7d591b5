"""Jobs that are cancelled in the middle leave nothing half-written, and the same call again goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.backend.base import Limits
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from headrace.transfer.progress_event import ProgressEvent
from tests.support.data.images import draw_images, write_coco

COUNT = 40
NAMES = [f"image_{index:04d}.jpg" for index in range(COUNT)]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    await headrace.create_lake(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as opened:
        limits = opened.session.backend.limits
        opened.session.backend.limits = Limits(
            import_assets=4, extensions=True, whole_pixels=False, concurrency=limits.concurrency
        )
        yield opened


@pytest.fixture
async def version(client: Client, tmp_path: Path) -> DatasetVersion:
    draw_images(tmp_path / "images", COUNT)
    await client.push("d/v", tmp_path / "images")
    return await client.version("d/v")


async def cancelled_at(
    client: Client, operation: str, times: int, work: Callable[[], Any], *, natively: bool
) -> None:
    """Run ``work`` and cancel it when an operation is called for the ``times``-th time."""
    backend = client.session.backend
    original = type(backend).call
    calls = 0
    cancel: list[Callable[[], object]] = []

    async def call(request_operation: Any, request: Any, /) -> Any:
        nonlocal calls
        calls += request_operation.name == operation
        if calls == times:
            cancel[0]()
        return await original(backend, request_operation, request)

    backend.call = call  # type: ignore[method-assign]
    if natively:
        task = asyncio.ensure_future(work())
        cancel.append(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        with anyio.CancelScope() as scope:
            cancel.append(scope.cancel)
            await work()
        assert scope.cancelled_caught
    assert calls >= times
    del backend.call  # type: ignore[method-assign]


@pytest.mark.parametrize("natively", [False, True])
async def test_an_import(
    client: Client, version: DatasetVersion, tmp_path: Path, natively: bool
) -> None:
    file = write_coco(tmp_path / "in.json", NAMES)
    await cancelled_at(
        client,
        "import_packed",
        3,
        lambda: version.import_annotations(file, mode="CONCATENATE"),
        natively=natively,
    )
    report = await version.import_annotations(file, mode="CONCATENATE")
    assert (report.images_imported, report.shapes_imported) == (COUNT, 3 * (COUNT - 1))
    assert (await version.retrieve_stats()).nb_objects == 3 * (COUNT - 1)


@pytest.mark.parametrize("natively", [False, True])
async def test_an_export(
    client: Client, version: DatasetVersion, tmp_path: Path, natively: bool
) -> None:
    await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    (tmp_path / "out").mkdir()
    for name in ("coco", "yolo"):
        await cancelled_at(
            client,
            "load_annotations",
            1,
            lambda name=name: version.export(tmp_path / "out" / name, name),
            natively=natively,
        )
    assert list((tmp_path / "out").iterdir()) == []
    assert (await version.export(tmp_path / "out" / "coco", "coco")).images == COUNT


async def test_a_download(client: Client, version: DatasetVersion, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with anyio.CancelScope() as scope:

        def stop(event: ProgressEvent) -> None:
            if event.done:
                scope.cancel()

        await version.download(out, progress=stop, max_workers=2)
    images = {path.name: path.read_bytes() for path in (tmp_path / "images").iterdir()}
    there = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}
    assert there.items() <= images.items()
    await version.download(out)
    assert {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()} == images


@pytest.mark.parametrize("natively", [False, True])
async def test_a_push(client: Client, tmp_path: Path, natively: bool) -> None:
    draw_images(tmp_path / "images", COUNT)
    await cancelled_at(
        client,
        "register_data",
        15,
        lambda: client.push("d/w", tmp_path / "images"),
        natively=natively,
    )
    await client.push("d/w", tmp_path / "images")
    assert await (await client.version("d/w")).list_assets().count() == COUNT
    assert await (await client.get_datalake()).list_data().count() == COUNT
