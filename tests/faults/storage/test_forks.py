"""A process forks while it has a lake open (F55), as the workers of a data loader do."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from headrace import blocking
from headrace.errors import ConfigurationError
from headrace.platform.platform import Platform
from tests.support.data.images import draw_images

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:This process:DeprecationWarning"),
    pytest.mark.sqlite_only,
]

FORK = multiprocessing.get_context("fork")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    draw_images(tmp_path / "images", 6)
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        client.push("drawings/first", tmp_path / "images")
    return tmp_path / "lake"


@pytest.fixture
def children() -> Iterator[Callable[..., tuple[BaseProcess, Connection]]]:
    """Forks children that answer through a pipe; those that hang are killed."""
    started: list[BaseProcess] = []

    def fork(work: Callable[[Connection], Any]) -> tuple[BaseProcess, Connection]:
        ours, theirs = FORK.Pipe()
        child = FORK.Process(target=work, args=(theirs,))
        child.start()
        started.append(child)
        return child, ours

    yield fork
    for child in started:
        child.kill()
        child.join()


def answer(pipe: Connection) -> Any:
    assert pipe.poll(60), "the child hangs"
    return pipe.recv()


def test_children_forked_while_threads_work_in_the_lake(
    lake: Path, children: Callable[..., tuple[BaseProcess, Connection]]
) -> None:
    """What a thread holds in SQLite at the moment of the fork must not be held in the child for ever."""
    with blocking.connect(lake) as client:
        version = client.version("drawings/first")
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                version.get_or_create_asset_tag("busy")
                version.update(description=os.urandom(4).hex())

        def read() -> None:
            while not stop.is_set():
                version.retrieve_stats()

        threads = [threading.Thread(target=each) for each in (write, read, read)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(8):
                _, pipe = children(lambda pipe: pipe.send(len(version.list_assets())))
                assert answer(pipe) == 6
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def test_a_child_keeps_what_it_writes_when_its_parent_closes_the_lake(
    lake: Path, children: Callable[..., tuple[BaseProcess, Connection]]
) -> None:
    """The last connection that is closed deletes the log. With inherited locks the parent would think it has the last."""

    def work(pipe: Connection) -> None:
        version.create_label("first")
        pipe.send("has written")
        pipe.recv()
        version.create_label("second")
        pipe.send([label.name for label in version.list_labels()])

    with blocking.connect(lake) as client:
        version = client.version("drawings/first")
        version.retrieve_stats()
        child, pipe = children(work)
        assert answer(pipe) == "has written"
    pipe.send("the parent has closed it")
    assert answer(pipe) == ["first", "second"]
    child.join(60)
    with blocking.connect(lake) as client:
        labels = client.version("drawings/first").list_labels()
        assert [label.name for label in labels] == ["first", "second"]


async def test_a_child_forked_in_the_middle_of_a_change_says_so(
    lake: Path, children: Callable[..., tuple[BaseProcess, Connection]]
) -> None:
    """The transaction of the loop that forks cannot end before the fork. In the child, the lake looks locked for ever."""

    def work(pipe: Connection) -> None:
        try:
            blocking.connect(lake)
        except ConfigurationError as error:
            pipe.send(str(error))

    async with await Platform.open(lake) as platform:
        database = platform.context.database
        async with database.transaction():
            await database.reserve("changes of this test")
            _, pipe = children(work)
            assert "spawn" in await asyncio.to_thread(answer, pipe)
