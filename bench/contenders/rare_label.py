"""Give a few assets of a lake a shape with a label that no other asset has."""

import asyncio

import headrace
from bench.contenders.job import run


async def add(target: str, version: str, names: list[str], label: str) -> None:
    """Add a box to the newest annotation of each asset."""
    async with headrace.connect(target) as client:
        found = await client.version(version)
        rare = await found.get_or_create_label(label)
        for name in names:
            asset = await found.find_asset(filename=name)
            await (await asset.get_annotation()).create_rectangle(1, 2, 3, 4, rare)


def work(target: str, version: str, names: list[str], label: str) -> dict[str, int]:
    """Add the boxes."""
    asyncio.run(add(target, version, names, label))
    return {"assets": len(names)}


run(work)
