"""Downloads by the workers of an executor: the same files and reports as by one process, whatever happens to a worker."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest

import headrace
from headrace.errors import ConnectError, PartialTransferError
from tests.support.dask_cluster import dask_cluster
from tests.support.data.images import contents, draw_images
from tests.support.lakes.doors import open_door
from tests.support.lakes.templates import copy_empty
from tests.support.processes.waiting import until
from tests.support.shard_calls import workers

COUNT = 700


@pytest.fixture(params=["lake", "http", pytest.param("process", marks=pytest.mark.slow)])
async def version(request: Any, tmp_path: Path) -> AsyncIterator[Any]:
    """A version of many small files."""
    paths = draw_images(tmp_path / "images", COUNT)
    async with open_door(request.param, tmp_path) as door, door.connect() as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(paths)
        dataset = await client.create_dataset("drawings")
        found = await dataset.create_version("first", type="MULTI")
        await found.add_data(data)
        yield found


async def test_files_and_report_are_those_of_one_process(version: Any, tmp_path: Path) -> None:
    plain = await version.download(tmp_path / "plain")
    by_workers = await version.download(tmp_path / "workers", executor="local:2")
    assert contents(tmp_path / "workers") == contents(tmp_path / "plain")
    assert (by_workers.moved, by_workers.bytes) == (plain.moved, plain.bytes)
    assert by_workers.moved == COUNT
    again = await version.download(tmp_path / "workers", executor="local:2")
    assert (again.moved, again.skipped) == (0, COUNT)
    # A process without workers knows the files too, and a changed one is kept.
    (tmp_path / "workers" / "image_0007.jpg").write_bytes(b"mine")
    (tmp_path / "workers" / "image_0008.jpg").unlink()
    last = await version.download(tmp_path / "workers")
    assert (last.moved, last.skipped, last.kept) == (1, COUNT - 2, 1)


async def test_files_of_others_are_kept(version: Any, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "image_0003.jpg").write_bytes(b"mine")
    report = await version.download(folder, executor="local:2")
    assert (report.moved, report.kept, report.kept_files) == (COUNT - 1, 1, ["image_0003.jpg"])
    assert (folder / "image_0003.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize("times", [1, 40])
async def test_workers_that_die_cost_no_file(version: Any, tmp_path: Path, times: int) -> None:
    """Once, and as soon as each of them is seen: then this process fetches the files itself."""
    killed = 0

    async def kill() -> None:
        nonlocal killed
        while killed < times:
            await until(lambda: bool(workers()))
            for child in workers():
                os.kill(child, signal.SIGKILL)
            killed += 1

    async with anyio.create_task_group() as group:
        group.start_soon(kill)
        report = await version.download(tmp_path / "files", executor="local:2")
        group.cancel_scope.cancel()
    assert killed
    assert (report.moved, report.failed) == (COUNT, 0)
    assert contents(tmp_path / "files") == contents(tmp_path / "images")


async def test_a_cancelled_download_goes_on_where_it_was(version: Any, tmp_path: Path) -> None:
    folder = tmp_path / "files"

    def some() -> bool:
        return folder.is_dir() and len([*folder.glob("*.jpg")]) > 100

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: version.download(folder, executor="local:2"))
        await until(some)
        group.cancel_scope.cancel()
    assert workers() == []
    whole = contents(tmp_path / "images")
    assert {p.name: p.read_bytes() for p in folder.glob("*.jpg")}.items() <= whole.items()
    report = await version.download(folder, executor="local:2")
    assert report.moved + report.skipped == COUNT
    assert contents(folder) == whole


async def test_a_damaged_file_is_named_and_no_other_fails(tmp_path: Path) -> None:
    paths = draw_images(tmp_path / "images", 40)
    copy_empty(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as client:
        lake = await client.get_datalake()
        data = await lake.upload_data(paths)
        version = await (await client.create_dataset("drawings")).create_version("first")
        await version.add_data(data)
        damaged = tmp_path / "lake" / "objects" / (await version.list_assets())[5].object_name
        damaged.chmod(0o600)
        damaged.write_bytes(b"x" * damaged.stat().st_size)
        with pytest.raises(PartialTransferError) as caught:
            await version.download(tmp_path / "files", executor="local:2")
    report = caught.value.report
    assert (report.moved, report.failed) == (39, 1)
    assert "sha256" in report.failures[0].message


@pytest.mark.slow
async def test_workers_of_dask_fetch_the_same_files(version: Any, tmp_path: Path) -> None:
    with dask_cluster(workers=2) as cluster:
        report = await version.download(tmp_path / "files", executor=cluster.address)
        assert (report.moved, report.failed) == (COUNT, 0)
        cluster.kill_scheduler()
        with pytest.raises(ConnectError, match="no Dask scheduler"):
            await version.download(tmp_path / "more", executor=cluster.address)
    assert contents(tmp_path / "files") == contents(tmp_path / "images")
