"""An unknown name or id is answered with the nearest one and those that exist, on every door."""

from __future__ import annotations

from uuid import uuid4

import pytest

from headrace.errors import NotFoundError
from tests.support.lakes.doors import Door
from tests.support.lakes.lake import png


async def test_candidates_of_sources_data_assets_and_jobs(
    door: Door, tmp_path_factory: pytest.TempPathFactory
) -> None:
    picture = tmp_path_factory.mktemp("pictures") / "street.png"
    picture.write_bytes(png())
    async with door.connect() as client:
        await client.push("names/v1", picture)
        await client.create_datasource("camera-north")
        lake = await client.get_datalake()
        version = await client.version("names/v1")
        with pytest.raises(
            NotFoundError, match=r"no data source 'camera-nort' .did you mean 'camera-north'"
        ):
            await client.get_datasource("camera-nort")
        with pytest.raises(
            NotFoundError, match=r"no data 'streat.png' in .*did you mean 'street.png'"
        ):
            await lake.find_data(filename="streat.png")
        with pytest.raises(NotFoundError, match=r"no asset 'streat.png' in names/v1.*'street.png'"):
            await version.find_asset(filename="streat.png")
        assert (await version.find_asset(filename="street.png")).filename == "street.png"
        with pytest.raises(NotFoundError) as caught:
            await client.get_job_by_id(uuid4())
        if client.session.backend.limits.extensions:
            assert caught.value.hint is not None
            assert "existing: " in caught.value.hint or "none exists yet" in caught.value.hint
        assert (await client.get_or_create_datasource("new")).name == "new"
