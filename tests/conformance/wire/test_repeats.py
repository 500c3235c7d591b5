"""Every call that creates something, sent again: one thing, one answer (F22)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import pytest

import headrace
from headrace.backend.connect import open_backend
from headrace.backend.remote import RemoteBackend
from headrace.errors import (
    BadRequestError,
    ConflictError,
    DiskFullError,
    HeadraceError,
    UnprocessableEntityError,
)
from headrace.net.retry import RetryPolicy
from headrace.platform.core.access import local_access
from headrace.platform.platform import Platform
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.operations.datasets import (
    CREATE_DATASET,
    LIST_DATASETS,
    CreateDataset,
    ListDatasets,
)
from headrace.storage.database.postgres.transaction import PostgresTransaction
from headrace.storage.database.sqlite.database import SqliteTransaction
from tests.conformance.wire.scenario import Walk, register, walk
from tests.support import storage
from tests.support.data.images import draw_images, write_coco
from tests.support.faults.faulty_proxy import WAYS, faulty_proxy
from tests.support.lakes.servers import new_lake, running

REFUSED = {"create_processing", "delete_processing"}
"""What headrace never does."""

COUNTS_OF_ONE_CALL = {"convert_tags", "undo_removal"}
"""What may be done in parts: a repeat continues, and counts what it did itself."""

CREATES = {name for name, operation in OPERATIONS.items() if operation.creates} - REFUSED


class Twice:
    """Sends each creating call twice with one key, and compares what comes."""

    def __init__(self, backend: RemoteBackend) -> None:
        self.backend = backend
        self.limits = backend.limits
        self.upload = backend.upload
        self.repeated: set[str] = set()

    async def call(self, operation: Operation[Any, Any], request: Any, /) -> Any:
        if not operation.creates:
            return await self.backend.call(operation, request)
        key = uuid4().hex
        answer = await self.backend.call(operation, request, key=key)
        assert await self.backend.call(operation, request, key=key) == answer
        self.repeated.add(operation.name)
        return answer


async def remote_walk(folder: Path, *, twice: bool = False, bad_line: bool = False) -> Walk:
    """A walk over a server: each create twice, or over a line that loses every other request or its answer."""
    folder.mkdir()
    async with (
        running(folder / "lake") as server,
        faulty_proxy(server.address, one_in=2 if bad_line else 10**9, only=b"POST /api") as proxy,
    ):
        await register(server.platform, folder)
        backend, _, organization = await open_backend(proxy.address, api_token=server.token)
        assert isinstance(backend, RemoteBackend)
        backend.policy = RetryPolicy(attempts=30, base=0.001, cap=0.1)
        try:
            if not twice:
                return await walk(backend, organization, folder)
            both = Twice(backend)
            found = await walk(both, organization, folder)
            assert both.repeated == CREATES
            return found
        finally:
            await backend.aclose()
            assert proxy.spoiled > 20 or not bad_line


async def test_f22_every_create_twice_is_one_thing(tmp_path: Path) -> None:
    once = await remote_walk(tmp_path / "once")
    twice = await remote_walk(tmp_path / "twice", twice=True)
    for first, second in zip(once.notes, twice.notes, strict=True):
        assert first == second


@pytest.mark.slow
async def test_f22_lost_answers_leave_no_trace(tmp_path: Path) -> None:
    once = await remote_walk(tmp_path / "once")
    lost = await remote_walk(tmp_path / "lost", bad_line=True)
    for first, second in zip(once.notes, lost.notes, strict=True):
        assert first == second or (first[0] == second[0] and first[0] in COUNTS_OF_ONE_CALL)


async def open_lake(folder: Path) -> Platform:
    lake, _ = await new_lake(folder / "lake")
    return await Platform.open(lake)


async def names(platform: Platform) -> list[str]:
    access = await local_access(platform.context)
    query = ListDatasets(organization_id=access.organization_id)
    return [found.name for found in (await platform.call(access, LIST_DATASETS, query)).items]


async def create(platform: Platform, name: str, key: str | None) -> Any:
    access = await local_access(platform.context)
    request = CreateDataset(organization_id=access.organization_id, name=name)
    return await platform.call(access, CREATE_DATASET, request, key=key)


async def test_a_key_belongs_to_one_call(tmp_path: Path) -> None:
    async with await open_lake(tmp_path) as platform:
        await create(platform, "a", "key-1")
        with pytest.raises(UnprocessableEntityError, match="another call"):
            await create(platform, "b", "key-1")
        assert await names(platform) == ["a"]
        with pytest.raises(ConflictError):
            await create(platform, "a", "key-2")
        with pytest.raises(ConflictError):
            await create(platform, "a", None)


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256, "line\nbreak"])
async def test_a_key_that_is_none(tmp_path: Path, key: str) -> None:
    async with await open_lake(tmp_path) as platform:
        with pytest.raises(BadRequestError, match="Idempotency-Key"):
            await create(platform, "a", key)
        assert await names(platform) == []


async def test_what_failed_is_tried_anew(tmp_path: Path) -> None:
    async with await open_lake(tmp_path) as platform:
        for _ in range(2):
            with pytest.raises(BadRequestError):
                await create(platform, " ", "key")
        assert (await create(platform, "a", "other")).name == "a"


async def test_repeats_at_the_same_time(tmp_path: Path) -> None:
    async with await open_lake(tmp_path) as platform:
        answers: list[Any] = []

        async def one() -> None:
            answers.append(await create(platform, "a", "key"))

        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(one)
        assert len({answer.id for answer in answers}) == 1
        assert len(answers) == 20
        assert await names(platform) == ["a"]


async def test_nothing_is_made_where_the_answer_cannot_be_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two would show as a thing without its answer: they are one transaction."""
    async with await open_lake(tmp_path) as platform:
        kind: Any = SqliteTransaction if storage.kind() == "lake" else PostgresTransaction
        real = kind.execute

        async def full(self: Any, statement: str, /, **params: Any) -> int:
            if statement == "idempotency.add":
                raise DiskFullError("the disk is full")
            return await real(self, statement, **params)

        monkeypatch.setattr(kind, "execute", full)
        with pytest.raises(HeadraceError, match="full"):
            await create(platform, "a", "key")
        monkeypatch.undo()
        assert await names(platform) == []
        made = await create(platform, "a", "key")
        assert (await create(platform, "a", "key")).id == made.id


async def test_the_answer_outlives_the_process(tmp_path: Path) -> None:
    async with await open_lake(tmp_path) as platform:
        made = await create(platform, "a", "key")
        path = platform.context.path
    async with await Platform.open(path) as platform:
        assert await create(platform, "a", "key") == made


async def test_old_answers_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headrace.platform.idempotency.LIFE_MS", -1)
    async with await open_lake(tmp_path) as platform:
        for number in range(10):
            await create(platform, f"set {number}", f"key-{number}")
        place = {"organization": 1, "account": 1, "key": "key-0"}
        assert await platform.context.database.fetch_one("idempotency.find", now=0, **place) is None
        with pytest.raises(ConflictError):
            await create(platform, "set 3", "key-3")


async def test_a_cancelled_call_is_all_or_nothing(tmp_path: Path) -> None:
    """Cancelled anywhere: the repeat makes it, or finds it made; there is never more than one."""
    async with await open_lake(tmp_path) as platform:
        for steps in range(12):
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as group:
                    group.start_soon(create, platform, f"set {steps}", f"key-{steps}")
                    for _ in range(steps):
                        await anyio.lowlevel.checkpoint()
                    scope.cancel()
            await create(platform, f"set {steps}", f"key-{steps}")
        assert sorted(await names(platform)) == sorted(f"set {n}" for n in range(12))


async def test_a_chunk_whose_answer_is_lost_is_written_once_without_a_key(tmp_path: Path) -> None:
    """The ledger of its import has its answer, so none is stored under a key."""
    rounds = 2 * len(WAYS)
    images = draw_images(tmp_path / "images", 3)
    file = write_coco(tmp_path / "in.json", [image.name for image in images])
    async with (
        running(tmp_path / "lake") as server,
        faulty_proxy(server.address, one_in=2, only=b"/packed-annotations") as proxy,
        headrace.connect(proxy.address, api_token=server.token) as client,
    ):
        await client.push("set/one", tmp_path / "images")
        version = await client.version("set/one")
        reports = [
            await version.import_annotations(file, mode="CONCATENATE", force_create_label=True)
            for _ in range(rounds)
        ]
        assert proxy.spoiled >= len(WAYS)
        assert server.platform.context.repeats.count == 0
        stats = await version.retrieve_stats()
    assert reports[0].shapes_imported > 0
    assert stats.nb_objects == rounds * reports[0].shapes_imported
