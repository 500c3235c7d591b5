"""Import prepared chunks from a process of its own: ``chunk_importer.py LAKE VERSION MODE``.

Prints the number of each chunk that is in, and "finished" at the end. What is imported depends on file names alone.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from uuid import UUID

from headrace.protocol.operations import annotations, assets, labels
from headrace.protocol.operations.annotations import ImportItem, PolygonIn, RectangleIn
from tests.support.lakes.stocked_lake import Stocked, stocked

CHUNKS, SIZE = 8, 25


async def run(lake: Stocked, version: UUID, mode: str) -> None:
    page = await lake.call(
        assets.LIST_ASSETS, version_id=version, order_by=["filename"], limit=1000
    )
    made = await lake.call(labels.ENSURE_LABELS, version_id=version, names=["a", "b"])
    ids = [str(label.id) for label in made]
    begun = await lake.call(annotations.START_IMPORT, version_id=version, source=mode)
    for chunk in range(CHUNKS):
        if chunk not in begun.done:
            await lake.call(
                annotations.IMPORT_ANNOTATIONS,
                version_id=version,
                import_type=annotations.ImportAnnotationMode(mode),
                annotations=[
                    _item(str(asset.id), asset.data.filename, ids)
                    for asset in page.items[chunk * SIZE : (chunk + 1) * SIZE]
                ],
                import_id=begun.id,
                chunk=chunk,
            )
        print(chunk, flush=True)
    await lake.call(annotations.FINISH_IMPORT, import_id=begun.id)
    print("finished", flush=True)


def _item(asset_id: str, filename: str, ids: list[str]) -> ImportItem:
    rng = random.Random(filename)
    return ImportItem(
        asset_id=asset_id,
        rectangles=[
            RectangleIn(label_id=rng.choice(ids), x=rng.randint(0, 99), y=1, w=2, h=3)
            for _ in range(rng.randint(0, 3))
        ],
        polygons=[
            PolygonIn(
                label_id=rng.choice(ids), polygon=[(rng.random(), rng.random()) for _ in range(30)]
            )
            for _ in range(3)
        ],
    )


async def main(path: str, version: str, mode: str) -> None:
    async with stocked(Path(path)) as lake:
        await run(lake, UUID(version), mode)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
