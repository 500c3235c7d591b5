"""Processings by the blocking twin."""

from __future__ import annotations

from pathlib import Path

import pytest

import headrace
from headrace import blocking
from headrace.errors import JobFailedError, PermissionDeniedError
from headrace.model.enums import JobRunStatus
from tests.support.data.images import draw_images
from tests.support.processes.programs import register


async def prepared(folder: Path) -> None:
    await headrace.create_lake(folder / "lake")
    await register(folder / "lake", "says", "print('hello')")
    await register(folder / "lake", "fails", "raise SystemExit(2)")


async def test_launching(tmp_path: Path) -> None:
    await prepared(tmp_path)
    draw_images(tmp_path / "images", 2)
    with blocking.connect(tmp_path / "lake") as client:
        client.push("d/v", tmp_path / "images")
        version = client.version("d/v")
        assert [each.name for each in client.list_processings()][1:] == ["says", "fails"]
        says = client.get_processing("says")
        assert isinstance(says, blocking.Processing)
        with pytest.raises(PermissionDeniedError):
            says.delete()
        job = version.launch_processing(says, assets=version.list_assets(limit=1))
        assert list(job.iter_logs()) == ["hello\n"]
        assert job.wait_for_done() is JobRunStatus.SUCCEEDED
        assert job.logs() == "hello\n"
        failed = version.launch_processing(client.get_processing("fails"))
        with pytest.raises(JobFailedError, match="exit status 2"):
            failed.wait_for_done()
        assert failed.error == "exit status 2"
        assert failed.cancel() is JobRunStatus.FAILED
