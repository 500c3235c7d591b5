"""Make the small folder of backups of this folder: two snapshots of a lake, and the digests of its versions then.

Run by the headrace whose form of backups is to be kept; never again by a later one:

    python make.py FOLDER
"""

from __future__ import annotations

import asyncio
import json
import sys
import tarfile
from pathlib import Path

import headrace
from tests.support.lakes.cared import digests, make_lake


async def main(folder: Path) -> None:
    """Write ``NAME.tar.xz`` and ``NAME.json``."""
    lake, backups = folder / "lake", folder / "backups"
    await make_lake(lake, folder / "images", 4)
    found = {}
    for _ in range(2):
        report = await headrace.backup_lake(lake, backups, progress=None)
        found[str(report.snapshot)] = await digests(lake)
        async with headrace.connect(lake) as client:
            version = await client.version("street/v2")
            await version.delete_assets((await version.list_assets())[:1])
    (folder / "first.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    with tarfile.open(folder / "first.tar.xz", "w:xz") as archive:
        archive.add(backups, "backups")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
