"""Hold an open lake against other machines, and warn where several machines could have it open."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import anyio

from headrace.errors import HeadraceWarning
from headrace.file_system import Mount, mount_of
from headrace.folders.holders import BEAT_SECONDS, Holding
from headrace.folders.lakes import DATABASE
from headrace.storage.database.sqlite_file import is_read_only
from headrace.threads import in_thread

log = logging.getLogger("headrace.platform")


async def hold(lake: Path) -> Holding | None:
    """Hold a lake that is about to be opened; None for one that cannot be written, which anybody may read.

    Raises:
        LakeHeldError: Another machine has it open for writing.

    Warns:
        HeadraceWarning: The lake is on a network file system.
    """
    mount, holding = await in_thread(_hold, lake)
    if mount is not None and mount.is_remote and holding is not None:
        text = (
            f"the lake {lake} is on a network file system ({mount.kind}): only one machine may have it open at a time, "
            "and a failing network can damage it; keep it on a local disk, and let others in with headrace serve"
        )
        log.warning("%s", text)
        # Python's own filter shows the same warning once.
        warnings.warn(text, HeadraceWarning, stacklevel=2)
    return holding


async def keep_held(holding: Holding) -> None:
    """Renew a hold for as long as the lake is open."""
    while True:
        await anyio.sleep(BEAT_SECONDS)
        await in_thread(holding.renew)


def _hold(lake: Path) -> tuple[Mount | None, Holding | None]:
    mount = mount_of(lake)
    if is_read_only(lake / DATABASE):
        return mount, None
    holding = Holding(lake)
    holding.take()
    return mount, holding
