"""The official client, unmodified, against a headrace server whose objects are on S3: forms, parts and signed URLs."""

from __future__ import annotations

from pathlib import Path

import pytest

from headrace.storage.objects.s3.store import S3Objects
from tests.interop.test_official_client import SCRIPT, check, prepare
from tests.support.lakes.on_s3 import running_on_s3
from tests.support.processes.official import OFFICIAL, OURS, drive
from tests.support.tiers import slow


@pytest.mark.sqlite_only("the files of a lake's own catalog are in S3 here")
@pytest.mark.parametrize("client", [OFFICIAL, slow(OURS)])
async def test_the_main_job(tmp_path: Path, client: str) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    prepare(folder)
    async with running_on_s3(tmp_path / "lake") as server:
        seen = await drive(SCRIPT, server.address, server.token, folder, client=client)
        objects = server.platform.context.objects
        assert isinstance(objects, S3Objects)
        names = [each.name async for batch in objects.listed() for each in batch]
        assert len(names) == 3
    check(seen, folder)
