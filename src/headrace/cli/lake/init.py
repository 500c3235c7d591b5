"""``headrace init``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.wording import absolute, shown_folder


async def init(lake: str, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """Create a lake: one folder that holds all data.

    Args:
        lake: A new or empty folder.
    """
    from headrace import create_lake
    from headrace.net.urls import redact

    if not lake.strip():
        raise UsageError("LAKE is empty", hint="give a new or an empty folder")
    if "://" in lake:
        raise UsageError(
            f"{redact(lake)} is a URL, and a lake is a folder",
            hint="headrace init LAKE makes a folder; headrace serve LAKE makes it a server",
        )
    await create_lake(lake)
    return Result(
        command="init",
        data={"lake": absolute(Path(lake))},
        lines=[
            f"Lake created: {shown_folder(Path(lake))} (SQLite, 1 folder). Copy or move it as you like."
        ],
        next=f"headrace push {lake} DATASET/VERSION IMAGES…",
    )
