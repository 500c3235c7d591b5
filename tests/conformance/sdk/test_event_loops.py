"""A client in several event loops: one after another it just works; two at a time have a clear error."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

import headrace
from headrace.errors import EventLoopError
from headrace.sdk.client.client import Client
from tests.support.lakes.lake import png
from tests.support.processes.cli import Place, new_lake, served


@pytest.fixture(params=["lake", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "lake":
        yield new_lake(tmp_path / "lake")
    else:
        with served(tmp_path / "lake") as reached:
            yield reached


def opened(place: Place) -> headrace.sdk.client.connect.Connection:
    target = place.target if "HEADRACE_TOKEN" in place.variables else str(place.lake)
    return headrace.connect(target, api_token=place.variables.get("HEADRACE_TOKEN"))


def run(work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """A program's ``asyncio.run``; what it leaves behind must be silent."""
    with warnings.catch_warnings():
        # Sockets that a program did not close end with its loop.
        warnings.simplefilter("ignore", ResourceWarning)
        found = asyncio.run(work())
        gc.collect()
    return found


def test_one_client_in_several_runs(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(png())
    kept: dict[str, Any] = {}

    async def first() -> None:
        kept["client"] = client = await opened(place)
        await client.push("demo/v1", picture)
        kept["version"] = await client.version("demo/v1")
        kept["asset"] = await kept["version"].list_assets().first()

    async def second() -> int:
        await kept["asset"].download(tmp_path / "out")
        await kept["client"].push("demo/v2", picture)
        return await kept["version"].list_assets().count()

    async def last() -> None:
        client: Client = kept["client"]
        assert [each.name async for each in client.list_datasets()] == ["demo"]
        await client.aclose()

    run(first)
    assert run(second) == 1
    assert (tmp_path / "out" / "a.png").read_bytes() == picture.read_bytes()
    run(last)
    assert "loop is closed" not in caplog.text
    assert "Unclosed" not in caplog.text


def test_closing_in_another_run(place: Place) -> None:
    async def first() -> Client:
        return await opened(place)

    client = run(first)
    run(client.aclose)


async def test_a_second_live_loop_has_a_clear_error(place: Place) -> None:
    async with opened(place) as client:
        raised: list[BaseException] = []

        def elsewhere() -> None:
            try:
                asyncio.run(client.get_dataset("demo"))
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=elsewhere)
        thread.start()
        await asyncio.to_thread(thread.join)
        (error,) = raised
        assert isinstance(error, EventLoopError)
        assert "headrace.blocking" in str(error)
        assert await client.list_datasets().count() == 0


@pytest.mark.parametrize("what", ["connect", "create_lake", "convert"])
def test_another_kind_of_loop_has_a_clear_error(what: str, tmp_path: Path) -> None:
    work = {
        "connect": lambda: headrace.connect(tmp_path).__await__(),
        "create_lake": lambda: headrace.create_lake(tmp_path / "lake").__await__(),
        "convert": lambda: headrace.convert(tmp_path, tmp_path / "out", to="coco").__await__(),
    }[what]()
    # What trio does with a coroutine: no loop of asyncio runs.
    with pytest.raises(EventLoopError, match=r"under trio, use headrace\.blocking"):
        work.send(None)
    assert not (tmp_path / "lake").exists()
