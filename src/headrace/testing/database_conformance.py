"""The conformance suite of databases, to be run with pytest.

Subclass ``DatabaseConformance`` and define the fixture ``database``, an empty database for each test::

    class TestMyDatabase(DatabaseConformance):
        @pytest.fixture
        async def database(self, tmp_path: Path) -> AsyncIterator[Database]:
            ...
"""

from __future__ import annotations

import asyncio

import pytest

from headrace.errors import (
    BadRequestError,
    ConfigurationError,
    DatabaseError,
    UniqueViolationError,
)
from headrace.storage.database.base import Database

__all__ = [
    "ClosingConformance",
    "DatabaseConformance",
    "StreamConformance",
    "TransactionConformance",
    "ValuesConformance",
]

_ROWS = 2500


async def names(database: Database) -> list[str]:
    """Return the names of all rows of the sequence table."""
    return [row[0] for row in await database.fetch("conformance.all", start="")]


async def fill(database: Database, count: int) -> None:
    """Insert ``count`` rows in one transaction."""
    async with database.transaction() as tx:
        await tx.insert_many("conformance.add_many", ((f"{n:06d}", n) for n in range(count)))


class ValuesConformance:
    """Values are stored and returned unchanged; invalid ones raise errors."""

    async def test_values_come_back_as_they_were(self, database: Database) -> None:
        text, number, real = "a\tb é 🎈 ", -(1 << 63), 0.1
        row = await database.fetch_one(
            "conformance.echo", text=text, number=number, real=real, bytes=b"\0\xff", nothing=None
        )
        assert row == (text, number, real, b"\0\xff", None)

    async def test_a_lone_surrogate_is_refused_and_nothing_is_written(
        self, database: Database
    ) -> None:
        with pytest.raises(BadRequestError, match=r"conformance\.add"):
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="good", last=1)
                await tx.execute("conformance.add", name="bad\ud800", last=1)
        assert await names(database) == []

    async def test_a_number_beyond_64_bits_is_refused(self, database: Database) -> None:
        with pytest.raises(BadRequestError, match="64 bits"):
            await database.execute("conformance.add", name="big", last=1 << 63)

    async def test_fetch_one_without_a_row_is_none(self, database: Database) -> None:
        assert await database.fetch_one("conformance.one", name="nobody") is None

    async def test_execute_counts_the_rows_it_changed(self, database: Database) -> None:
        await fill(database, 10)
        assert await database.execute("conformance.set_above", least=6) == 3
        assert await database.execute("conformance.set_above", least=6) == 0

    async def test_filters_narrow_a_statement(self, database: Database) -> None:
        await fill(database, 10)
        rows = await database.fetch(
            "conformance.all", start="", filters=" and last > :floor", floor=7
        )
        assert [last for _, last in rows] == [8, 9]

    async def test_unknown_statements_and_unmarked_filters_name_themselves(
        self, database: Database
    ) -> None:
        with pytest.raises(ConfigurationError, match=r"nothing\.here"):
            await database.fetch("nothing.here")
        with pytest.raises(ConfigurationError, match=r"conformance\.one"):
            await database.fetch("conformance.one", name="x", filters=" and 1")

    async def test_a_refused_statement_names_itself_and_no_values(self, database: Database) -> None:
        with pytest.raises(DatabaseError, match=r"conformance\.broken"):
            await database.fetch("conformance.broken")

    async def test_a_broken_key_names_its_rule(self, database: Database) -> None:
        await database.execute("conformance.add_tag", key=1, name="secret")
        with pytest.raises(UniqueViolationError) as caught:
            await database.execute("conformance.add_tag", key=2, name="secret")
        assert caught.value.constraint == "tag_name"
        assert "secret" not in str(caught.value)

    async def test_a_reference_to_nothing_is_refused(self, database: Database) -> None:
        with pytest.raises(DatabaseError):
            await database.execute("conformance.add_membership", organization=99, account=99)


class TransactionConformance:
    """Transactions are atomic, and writers are serialized."""

    async def test_a_clean_exit_commits(self, database: Database) -> None:
        async with database.transaction() as tx:
            await tx.execute("conformance.add", name="a", last=1)
            assert await tx.fetch_one("conformance.one", name="a") == (1,)
            assert await database.fetch_one("conformance.one", name="a") is None
        assert await names(database) == ["a"]

    async def test_an_error_rolls_back(self, database: Database) -> None:
        with pytest.raises(LookupError):
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="a", last=1)
                raise LookupError
        assert await names(database) == []

    async def test_a_failed_statement_leaves_the_rest_to_the_caller(
        self, database: Database
    ) -> None:
        async with database.transaction() as tx:
            await tx.execute("conformance.add", name="a", last=1)
            with pytest.raises(UniqueViolationError):
                await tx.execute("conformance.add", name="a", last=2)
            await tx.execute("conformance.add", name="b", last=1)
        assert await names(database) == ["a", "b"]

    async def test_a_cancelled_body_rolls_back(self, database: Database) -> None:
        inside = asyncio.Event()

        async def write() -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="a", last=1)
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(write())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.execute("conformance.add", name="b", last=1)
        assert await names(database) == ["b"]

    async def test_a_cancelled_statement_is_interrupted_and_rolled_back(
        self, database: Database
    ) -> None:
        started = asyncio.Event()

        async def write() -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="a", last=1)
                started.set()
                await tx.fetch("conformance.endless")

        task = asyncio.create_task(write())
        await started.wait()
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.execute("conformance.add", name="b", last=1)
        assert await names(database) == ["b"]

    async def test_a_cancelled_read_frees_its_reader(self, database: Database) -> None:
        for _ in range(8):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await database.fetch("conformance.endless")
        assert await names(database) == []

    async def test_a_cancelled_waiter_leaves_nothing(self, database: Database) -> None:
        async def write() -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="waiter", last=1)

        async with database.transaction() as tx:
            task = asyncio.create_task(write())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await tx.execute("conformance.add", name="holder", last=1)
        assert await names(database) == ["holder"]

    async def test_a_write_tells_how_long_it_waited(self, database: Database) -> None:
        waits: list[float] = []
        database.watch_writes(waits.append)

        async def write() -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="waiter", last=1)

        async with database.transaction() as tx:
            await tx.execute("conformance.add", name="holder", last=1)
            task = asyncio.create_task(write())
            await asyncio.sleep(0.1)
        await task
        await database.execute("conformance.add", name="last", last=1)
        holder, waiter, last = waits
        assert waiter > 0.05
        assert min(holder, last) >= 0

    async def test_writers_come_in_the_order_they_asked(self, database: Database) -> None:
        done: list[int] = []

        async def write(number: int) -> None:
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name=str(number), last=number)
                done.append(number)

        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(write(number))
        assert done == list(range(20))

    async def test_writing_beside_the_own_transaction_is_refused(self, database: Database) -> None:
        async with database.transaction():
            with pytest.raises(ConfigurationError, match="transaction"):
                await database.execute("conformance.add", name="a", last=1)

    async def test_insert_many_is_all_or_nothing(self, database: Database) -> None:
        rows = [("a", 1), ("b", 2), ("a", 3)]
        with pytest.raises(UniqueViolationError):
            async with database.transaction() as tx:
                await tx.insert_many("conformance.add_many", rows)
        assert await names(database) == []

    async def test_a_change_at_the_commit_is_part_of_the_transaction(
        self, database: Database
    ) -> None:
        async with database.transaction() as tx:
            tx.execute_at_commit("conformance.add", name="b", last=2)
            await tx.execute("conformance.add", name="a", last=1)
            assert await tx.fetch_one("conformance.one", name="b") is None
        assert await names(database) == ["a", "b"]
        with pytest.raises(LookupError):
            async with database.transaction() as tx:
                await tx.execute("conformance.add", name="c", last=3)
                tx.execute_at_commit("conformance.add", name="d", last=4)
                raise LookupError
        assert await names(database) == ["a", "b"]

    async def test_a_change_at_the_commit_that_fails_rolls_back(self, database: Database) -> None:
        with pytest.raises(UniqueViolationError):
            async with database.transaction() as tx:
                tx.execute_at_commit("conformance.add", name="a", last=2)
                await tx.execute("conformance.add", name="a", last=1)
        assert await names(database) == []
        await database.execute("conformance.add", name="a", last=1)
        assert await names(database) == ["a"]

    async def test_changes_of_many_rows_at_the_commit(self, database: Database) -> None:
        few, many = [(f"few {no}", no) for no in range(2)], [(f"{no:03}", 7) for no in range(100)]
        async with database.transaction() as tx:
            tx.execute_at_commit("conformance.add", name="one", last=1)
            for rows in (few, many, []):
                tx.insert_many_at_commit("conformance.add_many", rows)
            await tx.execute("identifiers.take_numbers", name="first", count=1)
            assert await tx.fetch_one("conformance.one", name="one") is None
        added = [name for name, _ in many]
        assert await names(database) == [*added, "few 0", "few 1", "first", "one"]
        with pytest.raises(UniqueViolationError):
            async with database.transaction() as tx:
                await tx.execute("identifiers.take_numbers", name="second", count=1)
                tx.insert_many_at_commit("conformance.add_many", [("new", 1), *few])
        assert "second" not in await names(database)
        assert "new" not in await names(database)

    async def test_a_transaction_without_a_statement_writes_nothing(
        self, database: Database
    ) -> None:
        async with database.transaction() as tx:
            tx.execute_at_commit("conformance.add", name="a", last=1)
        assert await names(database) == []

    async def test_many_tasks_reading_and_writing_lose_nothing(self, database: Database) -> None:
        async def count_up(task: int) -> None:
            for _ in range(10):
                await database.execute("identifiers.take_numbers", name="shared", count=1)
                await database.execute("identifiers.take_numbers", name=f"own {task}", count=1)
                await database.fetch("conformance.all", start="")

        async with asyncio.TaskGroup() as group:
            for task in range(10):
                group.create_task(count_up(task))
        assert await database.fetch_one("conformance.one", name="shared") == (100,)


class StreamConformance:
    """Streams read one snapshot in batches, concurrently with other calls."""

    async def test_batches_hold_all_rows_in_order(self, database: Database) -> None:
        await fill(database, _ROWS)
        batches = [
            batch async for batch in database.stream("conformance.all", batch=1000, start="")
        ]
        assert [len(batch) for batch in batches] == [1000, 1000, 500]
        assert [last for batch in batches for _, last in batch] == list(range(_ROWS))

    async def test_an_empty_stream_ends_at_once(self, database: Database) -> None:
        assert [batch async for batch in database.stream("conformance.all", start="")] == []

    async def test_a_stream_sees_one_snapshot(self, database: Database) -> None:
        await fill(database, _ROWS)
        seen = 0
        async for batch in database.stream("conformance.all", batch=500, start=""):
            await database.execute("conformance.add", name=f"z{seen}", last=1)
            seen += len(batch)
        assert seen == _ROWS
        assert len(await names(database)) == _ROWS + 5

    async def test_a_stream_given_up_holds_nothing(self, database: Database) -> None:
        await fill(database, _ROWS)
        for _ in range(5):
            stream = database.stream("conformance.all", batch=10, start="")
            assert len(await anext(stream)) == 10
            await stream.aclose()
        await database.execute("conformance.set_above", least=-1)
        assert await database.fetch_one("conformance.one", name="000009") == (0,)

    async def test_many_streams_leave_room_for_reads(self, database: Database) -> None:
        await fill(database, 100)
        opened = 0

        async def read(depth: int) -> None:
            nonlocal opened
            async for _ in database.stream("conformance.all", batch=50, start=""):
                opened += 1
                assert await database.fetch_one("conformance.one", name="000001") == (1,)
                if depth:
                    await read(depth - 1)
                return

        await read(11)
        assert opened == 12

    async def test_the_loop_goes_on_during_a_long_read(self, database: Database) -> None:
        await fill(database, _ROWS)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await database.fetch("conformance.all", start="")
        ticking.cancel()
        assert ticks > 0


class ClosingConformance:
    """Closing a database."""

    async def test_closing_waits_for_the_open_transaction(self, database: Database) -> None:
        async with database.transaction() as tx:
            closing = asyncio.create_task(database.aclose())
            await asyncio.sleep(0)
            await tx.execute("conformance.add", name="a", last=1)
            assert not closing.done()
        await closing

    async def test_a_closed_database_says_so(self, database: Database) -> None:
        await database.aclose()
        await database.aclose()
        with pytest.raises(DatabaseError, match="closed"):
            await database.fetch("conformance.all", start="")
        with pytest.raises(DatabaseError, match="closed"):
            await database.execute("conformance.add", name="a", last=1)

    async def test_another_event_loop_is_refused(self, database: Database) -> None:
        async def elsewhere() -> None:
            with pytest.raises(ConfigurationError, match="event loop"):
                await database.fetch("conformance.all", start="")

        await asyncio.to_thread(lambda: asyncio.run(elsewhere()))


class DatabaseConformance(
    ValuesConformance, TransactionConformance, StreamConformance, ClosingConformance
):
    """The whole suite: subclass it and define the fixture ``database``."""
