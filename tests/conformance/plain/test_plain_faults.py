"""A platform that is not headrace's, with short pages and lost answers: nothing is missed and nothing is done twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

import pytest

from headrace.errors import ConnectError, NotFoundError, TransferError
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.plain_platform import Fault, PlainPlatform


async def test_pages_shorter_than_what_was_asked_for(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    cat = await version.create_label("cat")
    for asset in await version.list_assets():
        await (await asset.create_annotation()).create_rectangle(1, 1, 2, 2, cat)
    campaign = await version.create_campaign()
    await campaign.add_step("draw", "ANNOTATION")
    await campaign.launch()
    platform.switches.page_cap = 5
    assert await version.list_assets().count() == 12
    assert len(await version.list_assets()) == 12
    assert len(await version.list_assets(order_by=["filename"])) == 12
    assert len(await version.list_assets(limit=7)) == 7
    assert len(await version.list_annotations()) == 12
    assert len(await version.list_annotations(limit=11, offset=2)) == 10
    assert len(await campaign.list_assignments()) == 12
    assert len(await (await client.get_datalake()).list_data()) == 12
    parts = await version.train_test_split(0.5, random_seed=1)
    assert [len(part) for part in parts[:2]] == [6, 6]
    assert len(await version.load_annotations()) == 12


async def _dataset(client: Client, version: DatasetVersion) -> None:
    await client.create_dataset("more")


async def _label(client: Client, version: DatasetVersion) -> None:
    await version.create_label("dog")


async def _annotation(client: Client, version: DatasetVersion) -> None:
    await (await version.find_asset(filename="image_0000.jpg")).create_annotation()


async def _shape(client: Client, version: DatasetVersion) -> None:
    (annotation,) = await version.list_annotations(limit=1)
    await annotation.create_rectangle(1, 1, 2, 2, await version.get_label("cat"))


async def _classifications(client: Client, version: DatasetVersion) -> None:
    tags = await version.list_asset_tags()
    await version.convert_tags_to_classification("ASSET", tags)


async def _fork(client: Client, version: DatasetVersion) -> None:
    await version.fork("second")


async def _launch(client: Client, version: DatasetVersion) -> None:
    await (await version.get_campaign()).sync_assets()


@pytest.mark.parametrize(
    "act",
    [_dataset, _label, _annotation, _shape, _classifications, _fork, _launch],
    ids=lambda act: act.__name__,
)
async def test_a_call_whose_answer_is_lost_is_not_repeated(
    client: Client,
    platform: PlainPlatform,
    version: DatasetVersion,
    act: Callable[[Client, DatasetVersion], Awaitable[None]],
) -> None:
    await version.set_type("CLASSIFICATION")
    await version.create_label("cat")
    asset = await version.find_asset(filename="image_0001.jpg")
    await asset.create_annotation()
    await asset.add_tags(await version.create_asset_tag("bird"))
    await (await version.create_campaign()).add_step("draw", "ANNOTATION")
    posts = len([seen for seen in platform.log if seen.method == "POST"])
    platform.switches.faults = [Fault(cut="after", method="POST")]
    with pytest.raises(TransferError, match="look before you repeat it"):
        await act(client, version)
    assert len([seen for seen in platform.log if seen.method == "POST"]) == posts + 1


async def test_what_may_be_repeated_is_repeated(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    tag = await version.create_asset_tag("bird")
    other = await (await client.get_dataset("drawings")).create_version("second")
    data = await (await client.get_datalake()).list_data()
    platform.switches.faults = [Fault(cut="after", method="POST")]
    await other.add_data(data)
    assert await other.list_assets().count() == 12
    platform.switches.faults = [Fault(cut="before", method="POST")]
    await (await version.find_asset(filename="image_0001.jpg")).add_tags(tag)
    assert await version.list_assets(tags="bird").count() == 1


def _deletions(platform: PlainPlatform) -> int:
    return len([seen for seen in platform.log if seen.method == "DELETE"])


class Deletable(Protocol):
    async def delete(self) -> None: ...


async def _a_tag(version: DatasetVersion) -> Deletable:
    return await version.create_asset_tag("bird")


async def _a_campaign(version: DatasetVersion) -> Deletable:
    return await version.create_campaign()


async def _a_shape(version: DatasetVersion) -> Deletable:
    annotation = await (await version.find_asset(filename="image_0001.jpg")).create_annotation()
    return await annotation.create_rectangle(1, 1, 2, 2, await version.create_label("cat"))


@pytest.mark.parametrize("fault", [Fault(cut="after"), Fault(cut="before"), Fault(status=502)])
@pytest.mark.parametrize("make", [_a_tag, _a_campaign, _a_shape], ids=lambda make: make.__name__)
async def test_a_deletion_whose_answer_is_lost_is_done(
    platform: PlainPlatform,
    version: DatasetVersion,
    make: Callable[[DatasetVersion], Awaitable[Deletable]],
    fault: Fault,
) -> None:
    """The second attempt may not find it any more, since the first one has deleted it."""
    thing = await make(version)
    platform.switches.faults = [replace(fault, method="DELETE")]
    await thing.delete()
    assert _deletions(platform) == 2
    # Now each attempt is answered, if only to say that it comes too early.
    platform.switches.faults = [Fault(status=429, method="DELETE")]
    with pytest.raises(NotFoundError):
        await thing.delete()


async def test_what_is_not_found_after_a_lost_answer_is_an_error_elsewhere(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    """Only a deletion wants that nothing is found."""
    tag = await version.create_asset_tag("bird")
    await tag.delete()
    platform.switches.faults = [Fault(cut="after", method="PATCH")]
    with pytest.raises(NotFoundError):
        await tag.update("cat")


async def test_without_retries_nothing_is_sent_twice(
    client: Client, platform: PlainPlatform, version: DatasetVersion
) -> None:
    """The HTTP library sends nothing again by itself, which it would on a connection that was used before."""
    await version.create_asset_tag("bird")
    once = client.with_options(retries=0)
    (tag,) = await (await once.version("drawings/first")).list_asset_tags()
    for method in ("GET", "DELETE"):
        platform.switches.faults = [Fault(cut="after", method=method)]
        before = len(platform.log)
        with pytest.raises(ConnectError, match="broke the connection"):
            await (tag.delete() if method == "DELETE" else once.version("drawings/first"))
        assert len(platform.log) == before + 1
