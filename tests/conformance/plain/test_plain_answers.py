"""Answers of a platform that hold no more than the wire promises, and others that hold anything besides."""

from __future__ import annotations

from pathlib import Path

import pytest

import headrace
from headrace.errors import ServerError
from headrace.protocol.foreign import OWN_FIELDS
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import write_coco
from tests.support.plain_platform import PlainPlatform

NAMES = [f"image_{index:04d}.jpg" for index in range(12)]


async def test_an_organization_is_found_by_name(platform: PlainPlatform) -> None:
    """The answer has the id alone."""
    name = platform.store.organization_name
    async with headrace.connect(
        platform.address, api_token=platform.token, organization_name=name
    ) as client:
        assert client.session.organization.name == name
        assert await client.list_datasets() == []


@pytest.mark.parametrize("value", [None, 7, "text", [{"name": "x"}], {"a": 1}])
async def test_fields_of_headrace_may_be_anything_else_there(
    client: Client, platform: PlainPlatform, version: DatasetVersion, tmp_path: Path, value: object
) -> None:
    platform.switches.more = dict.fromkeys(OWN_FIELDS - {"bbox"}, value)
    report = await version.import_annotations(write_coco(tmp_path / "in.json", NAMES))
    assert report.images_imported == 12
    assert len(await version.load_annotations()) == 12
    await version.download(tmp_path / "files")
    campaign = await version.create_campaign()
    await campaign.add_step("draw", "ANNOTATION")
    await campaign.launch()
    await campaign.sync()
    assert [step.name for step in await campaign.list_steps()] == ["draw"]
    assert len(await campaign.list_assignments()) == 12
    fork, job = await version.fork("second", with_tags=True)
    assert job.done
    tag = await fork.create_asset_tag("night")
    asset = await fork.find_asset(filename=NAMES[0])
    await asset.add_tags(tag)
    assert [each.name for each in await asset.get_tags()] == ["night"]


async def test_what_the_wire_promises_is_needed(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    platform.store.datasets[str(version.origin_id)].name = 5  # type: ignore[assignment]
    with pytest.raises(ServerError, match="does not match the API"):
        await client.list_datasets()
