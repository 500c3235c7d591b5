"""Copies of a client with other options, on the same connections; and raw answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import headrace
from headrace import ProgressEvent, Timeout
from headrace.errors import ConfigurationError, ConnectError, NotFoundError, TransferTimeoutError
from headrace.sdk.client.client import Client
from tests.support.lakes.doors import DOORS, Door, open_door
from tests.support.lakes.lake import png


@pytest.fixture(params=DOORS)
async def door(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Door]:
    async with open_door(request.param, tmp_path, with_version=True) as found:
        yield found


@pytest.fixture
async def client(door: Door) -> AsyncIterator[Client]:
    async with door.connect() as found:
        yield found


async def test_a_copy_shares_the_connections(client: Client) -> None:
    other = client.with_options(timeout=30, retries=1, concurrency=2)
    assert type(other) is Client
    assert other.session.backend.limits.concurrency == 2
    assert client.session.backend.limits.concurrency != 2
    version = await other.version("drawings/first")
    assert version.session is other.session
    again = version.with_options(retries=0)
    assert again == version
    assert again.session.backend.options.timeout == Timeout(total=30)
    assert again.session.backend.options.concurrency == 2
    assert await again.list_assets().count() == await version.list_assets().count()
    await other.aclose()
    with pytest.raises(Exception, match="closed"):
        await client.version("drawings/first")


async def test_a_callback_for_all_methods(client: Client, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    seen: list[ProgressEvent] = []
    own: list[ProgressEvent] = []
    other = client.with_options(progress=seen.append)
    await other.push("drawings/more", tmp_path / "a.png")
    assert seen
    seen.clear()
    version = await other.version("drawings/more")
    await version.download(tmp_path / "out", progress=own.append)
    assert own
    assert not seen


async def test_a_limit_of_no_time(client: Client) -> None:
    hasty = client.with_options(timeout=1e-9)
    with pytest.raises(TransferTimeoutError, match="did not answer within 1e-09 s") as caught:
        await hasty.list_datasets()
    assert isinstance(caught.value, TimeoutError)
    assert await client.list_datasets().count() == 1


@pytest.mark.parametrize(
    "options",
    [{"timeout": 0}, {"timeout": Timeout(read=-1)}, {"retries": -1}, {"concurrency": 0}],
)
async def test_options_out_of_range(client: Client, options: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError):
        client.with_options(**options)  # type: ignore[arg-type]


async def test_a_raw_answer(client: Client, door: Door) -> None:
    answer = await client.request("list_datasets")
    assert [each.name for each in answer.record.items] == ["drawings"]
    assert answer.status == 200
    if door.token is not None:
        assert answer.headers["content-type"].startswith("application/json")
    with pytest.raises(NotFoundError):
        await client.request("find_dataset", name="none")


async def test_blocking_copies(door: Door) -> None:
    def work() -> int:
        with headrace.blocking.connect(door.target, api_token=door.token) as client:
            other = client.with_options(concurrency=1)
            assert isinstance(other, headrace.blocking.Client)
            version = other.version("drawings/first")
            return version.with_options(timeout=60).inner.session.backend.limits.concurrency

    assert await asyncio.to_thread(work) == 1


async def test_an_error_says_how_often_a_call_was_sent() -> None:
    with pytest.raises(
        ConnectError, match=r"cannot reach http://127.0.0.1:9.*, 3 tries in \d"
    ) as caught:
        await headrace.connect("http://127.0.0.1:9", api_token="hr_x")
    assert caught.value.attempts == 3
    assert caught.value.retryable


async def test_a_list_has_options_of_its_own(client: Client, tmp_path: Path) -> None:
    version = await client.version("drawings/first")
    assets = await version.list_assets()
    seen: list[ProgressEvent] = []
    other = assets.with_options(progress=seen.append, retries=0)
    assert other == assets
    assert other[0].session.backend.options.retries == 0
    assert assets.session.backend.options.retries != 0
    await other.download(tmp_path / "out")
    assert seen
    length = len(assets)
    del other[0]
    assert len(assets) == length


async def test_a_version_tells_what_it_has_counted(client: Client) -> None:
    version = await client.version("drawings/first")
    kind, name = version.type.value.lower(), client.session.name
    assert (
        repr(version) == f"DatasetVersion('drawings/first' · ? assets · ? labels · {kind} · {name})"
    )
    count = await version.list_assets().count()
    await version.list_assets(limit=1)
    labels = await version.list_labels()
    known = f"{count} assets · {len(labels)} labels"
    assert repr(version) == f"DatasetVersion('drawings/first' · {known} · {kind} · {name})"
    await version.create_label("new")
    assert f"{count} assets · ? labels" in repr(version)
