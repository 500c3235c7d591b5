"""What happens to a catalog in PostgreSQL when servers, connections and statements fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from headrace.errors import (
    BadRequestError,
    CorruptionError,
    DatabaseError,
    DiskFullError,
    HeadraceError,
    LakeBusyError,
    LakeLostError,
    ReadOnlyLakeError,
    UnavailableError,
    UniqueViolationError,
)
from headrace.storage.database.locks import Lock
from headrace.storage.database.postgres.database import PostgresDatabase
from headrace.storage.database.postgres.schema import migrate
from tests.support.faults.postgres_proxy import postgres_proxy
from tests.support.postgres_server import PrivateServer, fresh_database, private_server, run
from tests.support.processes.waiting import until

END_OTHERS = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture(name="dsn")
def migrated() -> Iterator[str]:
    with fresh_database() as dsn:
        yield dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[PostgresDatabase]:
    async with opened(dsn) as database:
        yield database


@pytest.fixture(scope="module")
def killable() -> Iterator[PrivateServer]:
    """A server that may be killed; what it has committed is in its files."""
    with private_server("synchronous_commit=on") as server:
        yield server


@pytest.fixture
async def killable_dsn(killable: PrivateServer) -> AsyncIterator[str]:
    with killable.fresh_database() as dsn:
        await migrate(dsn)
        yield dsn


@asynccontextmanager
async def opened(dsn: str, **options: object) -> AsyncIterator[PostgresDatabase]:
    database = await PostgresDatabase.open(dsn, **options)  # type: ignore[arg-type]
    try:
        yield database
    finally:
        await database.aclose()


async def add(database: PostgresDatabase, name: str) -> None:
    async with database.transaction() as tx:
        await tx.execute("conformance.add", name=name, last=1)


async def names(database: PostgresDatabase) -> list[str]:
    return [name for name, _ in await database.fetch("conformance.all", start="")]


def port_of(dsn: str) -> int:
    return int(dsn.rpartition(":")[2].partition("/")[0])


def through(dsn: str, port: int) -> str:
    """The address of a database through a proxy at a port."""
    before, _, name = dsn.rpartition("/")
    return f"{before.rpartition(':')[0]}:{port}/{name}"


# --- servers ----------------------------------------------------------------------------------------------


async def test_a_server_that_dies_before_a_commit_arrives(
    killable: PrivateServer, killable_dsn: str
) -> None:
    """Nothing is written, the caller is told that it may be; later calls work again without opening."""
    async with (
        postgres_proxy(killable.port) as proxy,
        opened(through(killable_dsn, proxy.port)) as database,
    ):
        await add(database, "before")

        async def kill() -> None:
            proxy.before = None
            await asyncio.to_thread(killable.kill)

        proxy.before = kill
        with pytest.raises(UnavailableError, match="committed"):
            await add(database, "lost")
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await names(database)
        await asyncio.to_thread(killable.start)
        assert await names(database) == ["before"]
        await add(database, "lost")
        assert await names(database) == ["before", "lost"]


async def test_a_server_that_dies_after_a_commit(
    killable: PrivateServer, killable_dsn: str
) -> None:
    """All is written, though the answer does not arrive."""
    async with (
        postgres_proxy(killable.port) as proxy,
        opened(through(killable_dsn, proxy.port)) as database,
    ):

        async def kill() -> None:
            proxy.after = None
            await asyncio.to_thread(killable.kill)
            raise ConnectionResetError

        proxy.after = kill
        with pytest.raises(UnavailableError, match="committed"):
            await add(database, "kept")
        await asyncio.to_thread(killable.start)
        assert await names(database) == ["kept"]


async def test_a_server_killed_under_writers_keeps_what_was_answered(
    killable: PrivateServer, killable_dsn: str
) -> None:
    answered: set[str] = set()
    refused: list[HeadraceError] = []
    async with opened(killable_dsn) as database:
        stop = asyncio.Event()

        async def write(writer: int) -> None:
            number = 0
            while not stop.is_set():
                name = f"{writer}-{number}"
                try:
                    async with database.transaction(Lock.version(writer)) as tx:
                        await tx.execute("conformance.add", name=name, last=1)
                except HeadraceError as error:
                    refused.append(error)
                    await asyncio.sleep(0.01)
                else:
                    answered.add(name)
                number += 1

        async def kill_twice() -> None:
            for _ in range(2):
                before = len(answered)
                await until(lambda before=before: len(answered) > before + 20)  # type: ignore[misc]
                await asyncio.to_thread(killable.kill)
                await asyncio.to_thread(killable.start)
            before = len(answered)
            await until(lambda: len(answered) > before + 20)
            stop.set()

        async with asyncio.TaskGroup() as group:
            for writer in range(4):
                group.create_task(write(writer))
            group.create_task(kill_twice())
        assert answered <= set(await names(database))
    assert {type(error) for error in refused} == {UnavailableError}


async def test_a_server_that_stops_answers_503_until_it_is_back(
    killable: PrivateServer, killable_dsn: str
) -> None:
    async with opened(killable_dsn) as database:
        await add(database, "a")
        await asyncio.to_thread(killable.stop)
        for call in (add(database, "b"), names(database), database.reserve("x", 1)):
            with pytest.raises(UnavailableError) as caught:
                await call
            assert caught.value.status == 503
            assert caught.value.retryable
        with pytest.raises(UnavailableError):
            await database.check_present()
        with pytest.raises(UnavailableError):
            await anext(database.stream("conformance.all", start=""))
        await asyncio.to_thread(killable.start)
        assert await names(database) == ["a"]
        await database.check_present()


async def test_a_connection_that_is_ended_rolls_back(dsn: str, database: PostgresDatabase) -> None:
    with pytest.raises(UnavailableError):
        async with database.transaction() as tx:
            await tx.execute("conformance.add", name="a", last=1)
            await run(dsn, END_OTHERS)
            await tx.execute("conformance.add", name="b", last=1)
    await add(database, "c")
    assert await names(database) == ["c"]


async def test_a_connection_whose_end_is_announced_is_lost_already(dsn: str) -> None:
    async with postgres_proxy(port_of(dsn)) as proxy:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            arrived.set()
            await go_on.wait()

        async with opened(through(dsn, proxy.port)) as database:
            with pytest.raises(UnavailableError):
                async with database.transaction() as tx:
                    await tx.execute("conformance.add", name="a", last=1)
                    proxy.ended = wait
                    await run(dsn, END_OTHERS)
                    await arrived.wait()
                    await tx.execute("conformance.add", name="b", last=1)
            go_on.set()
            assert await names(database) == []


# --- cancellation -----------------------------------------------------------------------------------------


async def test_a_cancelled_commit_is_complete_before_the_caller_goes_on(dsn: str) -> None:
    async with postgres_proxy(port_of(dsn)) as proxy:
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            arrived.set()
            await go_on.wait()

        proxy.after = wait
        async with opened(through(dsn, proxy.port), writers=1) as database:
            task = asyncio.create_task(add(database, "a"))
            await arrived.wait()
            task.cancel()
            await asyncio.sleep(0.02)
            assert not task.done()
            go_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await names(database) == ["a"]
            await add(database, "b")


async def test_transactions_cancelled_at_any_time_are_whole_or_absent(dsn: str) -> None:
    """Afterwards no lock is held, and every connection is of use."""
    async with opened(dsn, writers=2, lock_seconds=2.0) as database, opened(dsn) as other:

        async def write(number: int) -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name=f"{number}-a", last=number)
                rows = [(f"{number}-{row}", number) for row in range(20)]
                await tx.insert_many("conformance.add_many", rows)
                await tx.execute("conformance.add", name=f"{number}-z", last=number)

        done = 0
        for number in range(40):
            task = asyncio.create_task(write(number))
            await asyncio.sleep(number * 0.00025)
            task.cancel()
            try:
                await task
                done += 1
            except asyncio.CancelledError:
                pass
            await add(other, f"other {number}")
        counts: dict[int, int] = {}
        for name, last in await database.fetch("conformance.all", start=""):
            if not name.startswith("other"):
                counts[last] = counts.get(last, 0) + 1
        assert set(counts.values()) <= {22}
        assert len(counts) >= done


# --- waiting ----------------------------------------------------------------------------------------------


async def test_a_pool_without_a_free_connection(dsn: str) -> None:
    async with opened(dsn, writers=1, streams=1, pool_seconds=0.1) as database:
        async with database.transaction(Lock.version(1)):

            async def write() -> None:
                async with database.transaction(Lock.version(2)):
                    pass

            with pytest.raises(LakeBusyError, match="connection"):
                await asyncio.create_task(write())
        await write()
        await add(database, "a")
        stream = database.stream("conformance.all", start="")
        await anext(stream)
        with pytest.raises(LakeBusyError, match="stream"):
            await anext(database.stream("conformance.all", start=""))
        await stream.aclose()
        assert [batch async for batch in database.stream("conformance.all", start="")] == [
            [("a", 1)]
        ]


async def test_a_writer_waits_for_no_other_writers_connection(dsn: str) -> None:
    """It reads, streams and reserves while all connections of writers are taken."""
    async with opened(dsn, writers=1, readers=1, pool_seconds=0.5) as database:
        await add(database, "a")
        async with database.transaction(Lock.version(1)):
            assert await names(database) == ["a"]
            assert len([batch async for batch in database.stream("conformance.all", start="")]) == 1
            assert await database.reserve("numbers", 5) == 1
        assert await database.reserve("numbers", 1) == 6


async def test_a_lock_that_others_hold_for_too_long(dsn: str) -> None:
    async with opened(dsn) as holder, opened(dsn, lock_seconds=0.1) as database:
        async with holder.transaction(Lock.version(1)):
            for locks in ((), (Lock.version(1),), (Lock.version(1, shared=True),)):
                with pytest.raises(LakeBusyError) as caught:
                    async with database.transaction(*locks):
                        pass
                assert caught.value.retryable
            async with database.transaction(Lock.version(2)) as tx:
                await tx.execute("conformance.add", name="a", last=1)
        await add(database, "b")
        assert await names(database) == ["a", "b"]


async def test_a_deadlock_ends_one_of_the_two(dsn: str, caplog: pytest.LogCaptureFixture) -> None:
    """Both may be repeated."""
    await run(dsn, f"alter database {dsn.rpartition('/')[2]} set deadlock_timeout = '50ms'")
    async with opened(dsn, lock_seconds=10.0) as database:
        both = asyncio.Barrier(2)

        async def write(first: int, second: int) -> str:
            try:
                async with database.transaction(Lock.version(first)) as tx:
                    await tx.execute("conformance.add", name=f"{first}", last=1)
                    await both.wait()
                    await tx.lock(Lock.version(second))
                    return "done"
            except LakeBusyError:
                return "busy"

        outcomes = await asyncio.gather(write(1, 2), write(2, 1))
        assert sorted(outcomes) == ["busy", "done"]
        assert await names(database) == [str(1 + outcomes.index("done"))]
    assert "deadlock" in caplog.text


async def test_a_slow_query_is_ended_by_the_server(dsn: str) -> None:
    async with opened(dsn, query_seconds=0.1) as database:
        with pytest.raises(BadRequestError, match="took more than"):
            await database.fetch("conformance.endless", f1=1)
        await until(lambda: _idle(dsn))
        assert await database.fetch("conformance.all", start="", f1=1) == []


async def _idle(dsn: str) -> bool:
    rows = await run(
        dsn,
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and state = 'active'",
    )
    return rows == [(0,)]


# --- what the server says ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("53100", DiskFullError),
        ("53200", UnavailableError),
        ("53300", UnavailableError),
        ("57P01", UnavailableError),
        ("57P03", UnavailableError),
        ("57014", UnavailableError),
        ("25P04", UnavailableError),
        ("40001", LakeBusyError),
        ("XX001", CorruptionError),
        ("XX002", CorruptionError),
        ("55P03", LakeBusyError),
        ("40P01", LakeBusyError),
        ("25006", ReadOnlyLakeError),
        ("22003", BadRequestError),
        ("22012", DatabaseError),
        ("42883", DatabaseError),
    ],
)
async def test_what_the_server_says_has_an_error_with_a_cure(
    dsn: str, database: PostgresDatabase, code: str, error: type[HeadraceError]
) -> None:
    """The error is raised as the server would raise it, by a trigger."""
    await run(
        dsn,
        "create function fail() returns trigger language plpgsql as"
        " 'begin raise exception using errcode = new.name, message = new.name || '' is secret''; end'",
        "create trigger fail before insert on sequence for each row execute function fail()",
    )
    with pytest.raises(error) as caught:
        await database.execute("conformance.add", name=code, last=1)
    assert type(caught.value) is error
    assert (database.damage is not None) == (error is CorruptionError)
    assert "password" not in str(caught.value)
    await run(dsn, "drop trigger fail on sequence")
    await add(database, "a")


async def test_a_database_that_only_answers_reads(dsn: str) -> None:
    async with opened(dsn) as writing:
        await add(writing, "a")
        name = dsn.rpartition("/")[2]
        await run(dsn, f"alter database {name} set default_transaction_read_only = on")
        async with opened(dsn) as database:
            assert database.read_only
            assert await names(database) == ["a"]
            for call in (add(database, "b"), database.reserve("x", 1)):
                with pytest.raises(ReadOnlyLakeError):
                    await call
    # It may become one while it is open, and end to be one.
    async with opened(dsn) as database:
        assert database.read_only
        await run(
            dsn,
            "set default_transaction_read_only = off",
            f"alter database {name} reset default_transaction_read_only",
        )
        await add(database, "b")
        assert not database.read_only
        assert await database.reserve("x") == 1
        await run(dsn, f"alter database {name} set default_transaction_read_only = on")
        await run(
            dsn,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()",
        )
        await until(lambda: _refuses(database))
        assert database.read_only
        assert await names(database) == ["a", "b", "x"]


async def _refuses(database: PostgresDatabase) -> bool:
    try:
        await add(database, "c")
    except ReadOnlyLakeError:
        return True
    except UnavailableError:
        return False
    raise AssertionError("it was written to")


async def test_a_catalog_that_was_made_again_is_noticed(
    dsn: str, database: PostgresDatabase
) -> None:
    await database.check_present()
    await run(dsn, "update schema_version set catalog = gen_random_uuid()")
    with pytest.raises(LakeLostError):
        await database.check_present()
    await run(dsn, "drop table schema_version")
    with pytest.raises(LakeLostError):
        await database.check_present()


async def test_a_failed_transaction_does_not_seem_to_commit(database: PostgresDatabase) -> None:
    """A change that breaks a key ends it; only an insert leaves the rest to the caller."""
    await database.execute("conformance.add", name="a", last=1)
    with pytest.raises(DatabaseError, match="rolled back"):
        async with database.transaction() as tx:
            await tx.execute("conformance.add", name="b", last=1)
            with pytest.raises(UniqueViolationError):
                await tx.insert_many("conformance.add_many", [("a", 1)])
    assert await names(database) == ["a"]


async def test_no_error_of_the_driver_shows_values_or_passwords(
    dsn: str, database: PostgresDatabase
) -> None:
    password = dsn.split(":")[2].partition("@")[0]
    assert len(password) > 8
    await database.execute("conformance.add", name="hidden", last=1)
    for params in (
        {"name": "hidden", "last": 1},
        {"name": "hidden\0", "last": 1},
        {"name": "hidden\ud800", "last": 1},
        {"name": 4711, "last": 1},
        {"name": "x", "last": "hidden"},
        {"name": "x", "last": 1 << 70},
    ):
        with pytest.raises(HeadraceError) as caught:
            await database.execute("conformance.add", **params)
        # The driver's error holds the values: a log must not follow the chain to it.
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
        for secret in (password, "hidden", "4711", str(1 << 70)):
            assert secret not in str(caught.value)
    assert password not in repr(database)


# --- closing ----------------------------------------------------------------------------------------------


async def test_closing_waits_for_no_one_who_reads_a_stream_no_further(dsn: str) -> None:
    database = await PostgresDatabase.open(dsn)
    await add(database, "a")
    stream = database.stream("conformance.all", start="")
    await anext(stream)
    await database.aclose()
    with pytest.raises((DatabaseError, UnavailableError)):
        await database.fetch("conformance.all", start="")
    await stream.aclose()


async def test_a_transaction_that_is_open_at_the_closing_reads_and_takes_numbers(dsn: str) -> None:
    database = await PostgresDatabase.open(dsn)
    async with database.transaction() as tx:
        closing = asyncio.create_task(database.aclose())
        await asyncio.sleep(0.01)
        assert await names(database) == []
        assert await database.reserve("n") == 1
        await tx.execute("conformance.add", name="a", last=1)
    await closing
    async with opened(dsn) as database:
        assert await names(database) == ["a", "n"]
