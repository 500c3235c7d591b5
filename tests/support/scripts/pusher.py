"""An upload in a process of its own, in parts of 1 MiB: ``pusher.py ADDRESS TOKEN FILE…``. Prints the ids."""

from __future__ import annotations

import asyncio
import sys

import headrace
from headrace.backend import remote
from headrace.backend.upload import multipart as parts
from headrace.backend.upload import uploader as uploads

MIB = 1 << 20


async def main(address: str, token: str, *paths: str) -> None:
    async with headrace.connect(address, api_token=token) as client:
        lake = await client.get_datalake()
        made = await lake.upload_data(paths)
        print(*[data.id for data in made], len(made))


if __name__ == "__main__":
    for module in (parts, remote, uploads):
        module.PART_BYTES = MIB
    asyncio.run(main(*sys.argv[1:]))
