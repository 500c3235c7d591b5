"""Lakes that are backed up: what is in them, and a process that keeps writing into one."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import headrace
from headrace.platform.accounts.tokens import create_token
from headrace.platform.platform import Platform
from headrace.sdk.client.client import Client
from headrace.server.serve import serving
from tests.support.data.images import draw_images, write_coco
from tests.support.lakes.templates import copy_empty

NAME = "street/v1"
IMAGES = 12


async def make_lake(path: Path, images: Path, count: int = IMAGES) -> None:
    """Make a lake with annotated images, a fork without annotations, a tag, and something that can be put back."""
    copy_empty(path)
    drawn = draw_images(images, count)
    async with headrace.connect(path) as client:
        await client.push(NAME, images, tags=["night"])
        version = await client.version(NAME)
        file = write_coco(images.with_suffix(".json"), [image.name for image in drawn])
        await version.import_annotations(file)
        await version.fork("v2", with_annotations=False)
        assets = await version.list_assets()
        await version.delete_assets(assets[:1], undo=True)


async def digests(lake: str | Path) -> dict[str, str]:
    """The digest of every version of a lake."""
    async with headrace.connect(lake) as client:
        return await digests_of(client)


async def digests_of(client: Client) -> dict[str, str]:
    """The digest of every version that a client sees."""
    found = {}
    async for dataset in client.iter_datasets():
        for version in await dataset.list_versions():
            found[f"{dataset.name}/{version.version}"] = str(await version.digest())
    return found


@asynccontextmanager
async def served(lake: Path) -> AsyncIterator[tuple[str, str]]:
    """An existing lake served in this process: the address and a token."""
    async with await Platform.open(lake) as platform:
        token, _ = await create_token(platform.context, name="test")
        async with serving(platform) as address:
            yield address, token


def keep_writing(lake: str, images: str) -> None:
    """Push, annotate and delete until killed; for a process of its own."""

    async def write() -> None:
        number = 0
        async with headrace.connect(lake) as client:
            while True:
                number += 1
                folder = Path(images) / str(number)
                drawn = draw_images(folder, 4, prefix=f"n{number}")
                name = f"busy/v{number}"
                await client.push(name, folder)
                version = await client.version(name)
                file = write_coco(folder.with_suffix(".json"), [each.name for each in drawn])
                await version.import_annotations(file)
                if number % 2:
                    datalake = await client.get_datalake()
                    await (await datalake.list_data(filenames=[drawn[0].name])).delete()
                shutil.rmtree(folder)

    asyncio.run(write())
