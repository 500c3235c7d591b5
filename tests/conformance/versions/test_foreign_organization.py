"""What a stranger cannot take over, and a job of one kind is not of the other; every id of every call: test_foreign_ids."""

from __future__ import annotations

import pytest

from headrace.errors import NotFoundError
from headrace.protocol.operations import (
    assets,
    jobs,
)
from tests.support.lakes.stocked_lake import Filled, Stocked, stranger


async def test_a_strangers_data_cannot_be_added(filled: Filled, lake: Stocked) -> None:
    foreign = await stranger(lake)
    version = await foreign.version("own")
    with pytest.raises(NotFoundError):
        await foreign.call(assets.ADD_DATA, version_id=version.id, data_ids=filled.data)
    page = await foreign.call(
        assets.LIST_ASSETS_BY_KEY, version_id=version.id, data_ids=filled.data
    )
    assert page.items == []


async def test_jobs_of_the_first_kind_are_none_of_the_second(filled: Filled) -> None:
    lake = filled.lake
    added = await lake.call(assets.ADD_DATA, version_id=filled.id, data_ids=filled.data)
    with pytest.raises(NotFoundError):
        await lake.call(jobs.GET_JOB_RUN, job_id=added.job.id)
    with pytest.raises(NotFoundError):
        await lake.call(
            jobs.FIND_JOB_RUN, organization_id=lake.access.organization_id, id=added.job.id
        )
