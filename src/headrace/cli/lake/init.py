"""``headrace init``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.wording import absolute, shown_folder


async def init(lake: Path, /, *, output: Output = DEFAULT_OUTPUT) -> Result:
    """Create a lake: one folder that holds all data.

    Args:
        lake: A new or empty folder.
    """
    from headrace import create_lake

    await create_lake(lake)
    return Result(
        command="init",
        data={"lake": absolute(lake)},
        lines=[
            f"Lake created: {shown_folder(lake)} (SQLite, 1 folder). Copy or move it as you like."
        ],
        next=f"headrace push {lake} DATASET/VERSION IMAGES…",
    )
