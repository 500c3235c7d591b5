"""An organization can fill the machine with launches only up to a limit, also when it sends them all at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import headrace
from headrace.errors import ConflictError
from headrace.sdk.job import Job
from headrace.server.settings import ServerSettings
from tests.support.data.images import draw_images
from tests.support.lakes.servers import running
from tests.support.processes.programs import register

LIMIT = 2
CODE = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"


@pytest.mark.every_storage
async def test_more_launches_than_the_limit_are_refused(tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 1)
    lake = tmp_path / "lake"
    async with (
        running(lake, ServerSettings(max_launches=LIMIT)) as server,
        headrace.connect(server.address, api_token=server.token) as client,
    ):
        await register(lake, "waits", CODE, parameters={"x": 0})
        await client.push("drawings/first", tmp_path / "images")
        version = await client.version("drawings/first")
        waits = await client.get_processing("waits")

        async def launch(number: int) -> Job | ConflictError:
            try:
                return await version.launch_processing(waits, {"x": number})
            except ConflictError as error:
                return error

        came = await asyncio.gather(*(launch(number) for number in range(1, 13)))
        jobs = [each for each in came if not isinstance(each, ConflictError)]
        refusals = [each for each in came if isinstance(each, ConflictError)]
        assert len(jobs) == LIMIT
        assert all("run or wait" in error.message for error in refusals)
        assert all("job cancel" in str(error.hint) for error in refusals)
        # The same launch again is the job that there is, and takes no more room.
        number = came.index(jobs[0]) + 1
        assert await launch(number) == jobs[0]
        await jobs[0].cancel()
        third = await launch(99)
        assert not isinstance(third, ConflictError)
        with pytest.raises(ConflictError):
            await version.launch_processing(waits, {"x": 100})
        (tmp_path / "go").touch()
        await third.wait_for_done()
