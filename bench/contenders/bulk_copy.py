"""headrace's adapter of PostgreSQL writes rows of assets and annotations: 1,000 assets a transaction, with live indexes.

The rows are those of an import, again and again under numbers of versions that do not exist.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

from bench.contenders.job import add_figures, measured_job, run
from bench.postgres import connect
from headrace.storage.database.locks import Lock
from headrace.storage.database.postgres.database import PostgresDatabase

CHUNK = 1_000
FIRST_VERSION = 1_000_000
# In the order of the statements' parameters; derived columns are the adapter's.
ASSET = ("bucket", "version", "seq", "lake_bucket", "data", "filename")
ANNOTATION = (
    "bucket", "version", "asset", "no", "account", "status", "created", "duration", "shapes_n",
    "counts", "shapes", "content", "attributes",
)  # fmt: skip
CONTENT = ("dataset_bucket", "dataset", "no", "shapes")

Rows = list[dict[str, Any]]


async def sample(dsn: str, name: str) -> tuple[Rows, Rows, Rows]:
    """Return the assets, annotations and contents of the version of a name, each in the order of its key."""
    connection = await connect(dsn)
    try:
        number = await connection.fetchval("select no from version where name = $1", name)
        assets = await connection.fetch(
            f"select {', '.join(ASSET)} from asset where version = $1 order by seq", number
        )
        annotations = await connection.fetch(
            f"select {', '.join(ANNOTATION)} from annotation where version = $1 order by asset",
            number,
        )
        contents = await connection.fetch(f"select {', '.join(CONTENT)} from content order by no")
    finally:
        await connection.close()
    return (
        [dict(row) for row in assets],
        [dict(row) for row in annotations],
        [dict(row) for row in contents],
    )


def chunks(found: tuple[Rows, Rows, Rows], wanted: int) -> Iterator[tuple[int, Rows, Rows, Rows]]:
    """Yield chunks of the sample under new numbers, until there are as many assets as wanted."""
    assets, annotations, contents = found
    by_asset = {each["asset"]: each for each in annotations}
    by_number = {each["no"]: each for each in contents}
    done = new = 0
    while done < wanted:
        turn, start = divmod(done, len(assets))
        version = {"version": FIRST_VERSION + turn}
        chosen = assets[start : start + min(CHUNK, wanted - done)]
        some, more = [], []
        for asset in chosen:
            annotation = by_asset.get(asset["seq"])
            if annotation is None:
                continue
            if annotation["content"] is not None:
                new += 1
                content = {"no": FIRST_VERSION + new}
                more.append(by_number[annotation["content"]] | content)
                annotation = annotation | {"content": content["no"]}
            some.append(annotation | version)
        yield version["version"], [each | version for each in chosen], some, more
        done += len(chosen)


async def do(dsn: str, version: str, assets: int) -> dict[str, int]:
    """Write the rows, and add the mean size of a blob."""
    found = await sample(dsn, version)
    database = await PostgresDatabase.open(dsn)
    written = size = 0
    try:
        with measured_job():
            for number, some, annotations, contents in chunks(found, assets):
                async with database.transaction(Lock.version(number, shared=True)) as tx:
                    for statement, columns, rows in (
                        ("annotations.add_content", CONTENT, contents),
                        ("assets.add", ASSET, some),
                        ("annotations.add", ANNOTATION, annotations),
                    ):
                        if rows:
                            await tx.insert_many(
                                statement, (tuple(row[each] for each in columns) for row in rows)
                            )
                written += len(some)
                size += sum(len(row["shapes"] or b"") for row in (*annotations, *contents))
    finally:
        await database.aclose()
    add_figures(blob_bytes=size / written)
    return {"assets": written}


def work(dsn: str, version: str, assets: int) -> dict[str, int]:
    """Write the rows."""
    return asyncio.run(do(dsn, version, assets))


run(work)
