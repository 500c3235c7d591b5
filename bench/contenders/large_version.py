"""headrace works with a large version on a server over PostgreSQL: pages, statistics, and all of it.

Each part has its figures: milliseconds a page or call, and what an asset took the database.
"""

import asyncio
import base64
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import uvloop

import headrace
from bench.contenders.job import add_figures, run
from bench.postgres import connect
from bench.process import cpu_seconds
from headrace.storage.database.postgres.database import PostgresDatabase

PAGE = 1_000
TIMES = 20


class Meter:
    """The CPU time of the server and of PostgreSQL, which are named by their processes."""

    def __init__(self, server: int, postgres: int) -> None:
        self._server, self._postgres = server, postgres

    @asynccontextmanager
    async def each(self, name: str, assets: int) -> AsyncIterator[None]:
        """Add what a block took the database and the server, in microseconds an asset."""
        postgres, server = cpu_seconds(self._postgres), cpu_seconds(self._server)
        yield
        add_figures(
            **{
                f"{name}_postgres_us": 1e6 * (cpu_seconds(self._postgres) - postgres) / assets,
                f"{name}_server_us": 1e6 * (cpu_seconds(self._server) - server) / assets,
            }
        )

    def both(self) -> float:
        """Return the CPU seconds of both so far."""
        return cpu_seconds(self._server) + cpu_seconds(self._postgres)


class Pages:
    """Pages of a version's assets, over HTTP as any client asks for them."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url

    async def page(self, cursor: str | None) -> dict[str, Any]:
        """Return a page."""
        query = {"limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        async with self._session.get(self._url, params=query) as answer:
            answer.raise_for_status()
            page: dict[str, Any] = await answer.json()
        return page

    async def last_cursor(self) -> str:
        """Return the cursor of the last page, at which a walk through millions of assets would arrive."""
        cursor: str = (await self.page(None))["next_cursor"]
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        listing, (_, *rest) = msgspec.msgpack.decode(raw)
        moved = msgspec.msgpack.encode([listing, [PAGE + 1, *rest]])
        return base64.urlsafe_b64encode(moved).rstrip(b"=").decode()


async def time_pages(pages: Pages, meter: Meter) -> None:
    """Add the CPU time of the first and of the last page."""
    for name, cursor in (("first", None), ("last", await pages.last_cursor())):
        await pages.page(cursor)
        before = meter.both()
        sizes = [len((await pages.page(cursor))["items"]) for _ in range(TIMES)]
        if set(sizes) != {PAGE}:
            raise ValueError(f"pages of {sizes} assets")
        add_figures(**{f"{name}_page_ms": 1000 * (meter.both() - before) / TIMES})


async def time_statistics(version: Any) -> Any:
    """Add the median time of the statistics, and return them."""
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        stats = await version.retrieve_stats()
        seconds.append(time.perf_counter() - began)
    add_figures(stats_ms=1000 * statistics.median(seconds))
    return stats


async def read_export(dsn: str, version: str) -> int:
    """Read the rows that an export by the platform writes to its file, and return how many there are."""
    name = version.rpartition("/")[2]
    connection = await connect(dsn)
    row = await connection.fetchrow(
        "select v.bucket, v.no, v.dataset, s.bucket from version v join dataset s on s.no = v.dataset"
        " where v.name = $1",
        name,
    )
    await connection.close()
    place = dict(zip(("bucket", "version", "dataset", "dataset_bucket"), row, strict=True))
    database = await PostgresDatabase.open(dsn)
    found = 0
    try:
        stream = database.stream("annotations.export_all", **place, status=None, account=None)
        async with aclosing(stream) as batches:
            async for rows in batches:
                found += len(rows)
    finally:
        await database.aclose()
    return found


async def do(
    target: str,
    token: str,
    dsn: str,
    version: str,
    assets: int,
    server_pid: int,
    postgres_pid: int,
) -> dict[str, int]:
    """Do each job once as a user of the SDK does, the short ones many times."""
    meter = Meter(server_pid, postgres_pid)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        headrace.connect(target, api_token=token) as client,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        found = await client.version(version)
        await time_pages(Pages(session, f"{target}/api/dataset/version/{found.id}/assets"), meter)
        stats = await time_statistics(found)
        async with meter.each("export", assets):
            exported = await read_export(dsn, version)
        shapes = 0
        async with meter.each("load", assets):
            async for each in found.iter_annotations():
                shapes += len(each.rectangles)
        if shapes != stats.nb_objects:
            raise ValueError(f"{shapes} shapes were loaded, and {stats.nb_objects} counted")
        async with meter.each("fork", assets):
            fork, _ = await found.fork("fork", type=found.type, with_annotations=True)
        copied = await fork.retrieve_stats()
        async with meter.each("delete", assets):
            await fork.delete_all_annotations(undo=False)
        left = await fork.retrieve_stats()
    # The counts are shares of what there is, so that versions of different sizes can be compared.
    return {
        "loaded": round(1000 * shapes / stats.nb_objects),
        "exported": round(1000 * exported / stats.nb_annotations),
        "forked": round(1000 * copied.nb_objects / stats.nb_objects),
        "left": left.nb_objects,
    }


def work(**arguments: Any) -> dict[str, int]:
    """Run the job on uvloop, as the command line does."""
    return asyncio.Runner(loop_factory=uvloop.new_event_loop).run(do(**arguments))


run(work)
