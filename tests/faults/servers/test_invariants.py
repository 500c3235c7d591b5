"""What holds on two servers over one PostgreSQL and one S3, whatever they do at once; tests/faults.md has the whole list."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NamedTuple

import obstore
import pytest

import headrace
from headrace.backend.base import Backend
from headrace.backend.connect import open_backend
from headrace.platform.accounts.tokens import create_token, revoke_token
from headrace.platform.context import CALLER_SECONDS
from headrace.platform.core.access import local_access
from headrace.platform.jobs.runner import JobRunner
from headrace.platform.platform import Platform
from headrace.platform.remembered import Remembered
from headrace.protocol.operations import OPERATIONS, assets
from headrace.storage.database.locks import Lock, LockKind
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.objects.s3.requests import S3Requests
from tests.conformance.wire.scenario import Walk, register, walk
from tests.support.alternating import alternating
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.servers import new_lake
from tests.support.lakes.shared_servers import RefusedError, Servers, served
from tests.support.lakes.stocked_lake import Filled, Stocked
from tests.support.postgres_server import fresh_database
from tests.support.s3_server import fresh_prefix


@asynccontextmanager
async def two_servers(folder: Path) -> AsyncIterator[Servers]:
    with fresh_database("template0") as dsn, fresh_prefix() as objects:
        async with served(dsn, folder, objects=objects) as servers:
            yield servers


@pytest.fixture
async def servers(tmp_path: Path) -> AsyncIterator[Servers]:
    async with two_servers(tmp_path / "platform") as servers:
        yield servers


@pytest.fixture
async def backends(servers: Servers) -> AsyncIterator[list[Backend]]:
    """A connection to each server."""
    async with AsyncExitStack() as stack:
        opened = []
        for address in servers.addresses:
            backend, _, _ = await open_backend(address, api_token=servers.token)
            stack.push_async_callback(backend.aclose)
            opened.append(backend)
        yield opened


async def filled(servers: Servers, count: int) -> Filled:
    """A version with assets, and files that are not there."""
    platform = servers.platforms[0]
    return await Stocked(platform, await local_access(platform.context)).filled(count)


async def assert_sound(servers: Servers) -> None:
    """A look at everything finds nothing: counters are those of a recount, and what is named is there."""
    target = servers.target
    report = await headrace.check_lake(target.dsn, objects=target.objects, read_data=True)
    assert report.ok, report


@pytest.mark.parametrize("mode", ["REPLACE", pytest.param("CONCATENATE", marks=pytest.mark.slow)])
async def test_i02_i03_one_annotation_each_and_counters_as_a_recount(
    servers: Servers, tmp_path: Path, mode: str
) -> None:
    """Four imports of one file into one version at once, two through each server."""
    images = draw_images(tmp_path / "images", 24)
    file = write_coco(tmp_path / "coco.json", [image.name for image in images])
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(headrace.connect(address, api_token=servers.token))
            for address in servers.addresses
        ]
        await clients[0].push("street/v1", tmp_path / "images")
        versions = [await client.version("street/v1") for client in clients]
        # The types of the labels are set once, before.
        await versions[0].import_annotations(file)
        once = (await versions[0].retrieve_stats()).nb_objects
        await asyncio.gather(
            *(version.import_annotations(file, mode=mode) for version in versions * 2)
        )
        stats = [await version.retrieve_stats() for version in versions]
    owners = await servers.rows(
        "select count(*), count(distinct asset), count(distinct account) from annotation"
    )
    assert stats[0] == stats[1]
    assert owners == [(stats[0].nb_annotations, stats[0].nb_annotations, 1)]
    if mode == "REPLACE":
        assert stats[0].nb_objects == once
    else:
        assert stats[0].nb_objects % once == 0
    await assert_sound(servers)


async def test_i04_i05_a_key_has_one_answer_and_an_id_is_given_once(servers: Servers) -> None:
    names = [f"{number}" for number in range(12)]
    rng = random.Random(4)
    calls = [(server, name) for name in names for server in (0, 1, 0, 1)]
    rng.shuffle(calls)
    answers = await asyncio.gather(*(servers.create(server, name) for server, name in calls))
    ids: dict[str, set[str]] = {}
    for (_, name), answer in zip(calls, answers, strict=True):
        ids.setdefault(name, set()).add(answer["id"])
    assert all(len(each) == 1 for each in ids.values())
    assert len(set.union(*ids.values())) == len(names)
    assert sorted(await servers.names(1)) == sorted(names)


async def test_i09_a_listing_over_two_servers_has_each_asset_once(
    servers: Servers, backends: list[Backend]
) -> None:
    """Each page comes from the other server than the last, while assets come and go."""
    version = await filled(servers, 60)
    stays = set(version.assets[::2])
    leaves = [asset for asset in version.assets if asset not in stays]
    seen: Counter[str] = Counter()
    cursor, page_number = None, 0
    while True:
        page = await backends[page_number % 2].call(
            assets.LIST_ASSETS, assets.ListAssets(version_id=version.id, limit=7, cursor=cursor)
        )
        seen.update(str(asset.id) for asset in page.items)
        cursor, page_number = page.next_cursor, page_number + 1
        if cursor is None:
            break
        other = backends[page_number % 2]
        gone = [leaves.pop() for _ in range(2) if leaves]
        await other.call(assets.DELETE_ASSETS, assets.DeleteAssets(version_id=version.id, ids=gone))
        await version.lake.fill(version.id, 2)
    assert page_number > 5
    assert set(seen.values()) == {1}
    assert stays <= set(seen)


async def test_i10_a_revoked_token_is_refused_everywhere_within_five_seconds(
    servers: Servers,
) -> None:
    one, two = (platform.context for platform in servers.platforms)
    seconds = [100.0]
    two.callers = Remembered(CALLER_SECONDS, clock=lambda: seconds[0])
    token, info = await create_token(one, name="leaves")
    asks = {"headers": {"Authorization": f"Bearer {token}"}}
    for server in (0, 1):
        await servers.call("GET", server, **asks)
    await revoke_token(one, info.id)
    seconds[0] += 5
    for server in (0, 1):
        with pytest.raises(RefusedError) as caught:
            await servers.call("GET", server, **asks)
        assert caught.value.status == 401


# --- one walk through all operations ----------------------------------------------------------------------


class Walked(NamedTuple):
    """What a lake answered, what two servers answered in turn, and what they did in transactions."""

    lake: Walk
    servers: Walk
    requests: list[int]
    watched: Watched


class Watched:
    """Counts requests to S3 and waits for jobs, and those of them that come while a transaction holds locks."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.counts: Counter[str] = Counter()
        self.in_transactions: list[str] = []
        self.transactions = 0
        self._holding: ContextVar[bool] = ContextVar("holding", default=False)
        begin, send, wait = PostgresDatabase.transaction, S3Requests.send, JobRunner.wait

        @asynccontextmanager
        async def transaction(database: PostgresDatabase, *locks: Lock) -> AsyncIterator[Any]:
            async with begin(database, *locks) as tx:
                self.transactions += 1
                # The key of a call is locked for all of the call, and nothing else waits for it.
                token = self._holding.set(not locks or locks[0].kind is not LockKind.KEY)
                try:
                    yield tx
                finally:
                    self._holding.reset(token)

        async def watched_send(requests: S3Requests, *request: Any, **more: Any) -> Any:
            self._note("S3")
            return await send(requests, *request, **more)

        async def watched_wait(jobs: JobRunner, no: int, seconds: float) -> None:
            self._note("job")
            await wait(jobs, no, seconds)

        patch.setattr(PostgresDatabase, "transaction", transaction)
        patch.setattr(S3Requests, "send", watched_send)
        patch.setattr(JobRunner, "wait", watched_wait)
        for name in ("put_async", "get_async", "delete_async"):
            call = getattr(obstore, name)

            def watched_call(*request: Any, _call: Any = call, **more: Any) -> Any:
                self._note("S3")
                return _call(*request, **more)

            patch.setattr(obstore, name, watched_call)

    def _note(self, what: str) -> None:
        self.counts[what] += 1
        if self._holding.get():
            # Where it came from is all that helps to find it.
            frames = [
                frame for frame in traceback.extract_stack() if "/platform/" in frame.filename
            ]
            self.in_transactions.append(
                what + "".join(f"\n  {each.filename}:{each.lineno} {each.name}" for each in frames)
            )


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walked]:
    folder = tmp_path_factory.mktemp("walks")
    with pytest.MonkeyPatch.context() as patch:
        watched = Watched(patch)
        # On a busy machine a job may take longer than an answer waits for it.
        patch.setattr("headrace.platform.jobs.records.ANSWER_SECONDS", 60.0)
        yield asyncio.run(_walks(folder, watched))


async def _walks(folder: Path, watched: Watched) -> Walked:
    for name in ("lake", "servers"):
        (folder / name).mkdir()
    path, _ = await new_lake(folder / "lake" / "lake")
    async with await Platform.open(path) as platform:
        await register(platform, folder / "lake")
    backend, _, organization = await open_backend(path)
    try:
        lake = await walk(backend, organization, folder / "lake")
    finally:
        await backend.aclose()
    async with (
        two_servers(folder / "servers") as servers,
        alternating(*servers.addresses) as front,
    ):
        await register(servers.platforms[0], folder / "servers")
        # The making of a platform, which has no other user yet, stores the mark of its objects in its transaction.
        watched.in_transactions.clear()
        backend, _, organization = await open_backend(front.address, api_token=servers.token)
        try:
            found = await walk(backend, organization, folder / "servers")
        finally:
            await backend.aclose()
        await assert_sound(servers)
    return Walked(lake, found, front.requests, watched)


def comparable(name: str, answer: Any) -> Any:
    """An answer without what the storage decides."""
    if name == "load_packed" and isinstance(answer[0], dict):
        # Keys of labels may have gaps, and are inside the packed shapes; they are compared as they are loaded otherwise.
        labels, *rest = answer
        return sorted(labels.values()), [len(each) for each in rest]
    if isinstance(answer, dict):
        # Files that clients send to S3 themselves are not read to compute their digests.
        return {key: comparable("", each) for key, each in answer.items() if key != "sha256"}
    if isinstance(answer, list):
        return [comparable("", each) for each in answer]
    return answer


@pytest.mark.slow
def test_i08_no_transaction_waits_for_files_or_jobs(walked: Walked) -> None:
    watched = walked.watched
    assert watched.in_transactions == []
    assert watched.counts["S3"] > 20
    assert watched.counts["job"] > 2
    assert watched.transactions > 100


@pytest.mark.slow
def test_i13_two_servers_over_postgresql_answer_as_a_lake(walked: Walked) -> None:
    """The same calls in the same order, of all operations, to the two in turn."""
    assert [name for name, _ in walked.servers.notes] == [name for name, _ in walked.lake.notes]
    for (_, mine), (name, theirs) in zip(walked.servers.notes, walked.lake.notes, strict=True):
        assert comparable(name, mine) == comparable(name, theirs), name
    assert walked.servers.called == set(OPERATIONS)
    assert min(walked.requests) > 100
