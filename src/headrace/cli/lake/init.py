"""``headrace init``."""

from __future__ import annotations

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, is_database, shown, shown_place


async def init(
    lake: str, /, *, objects: str | None = None, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Create a lake: one folder that holds all data. Or a platform for several servers, in an empty database.

    Args:
        lake: A new or empty folder; or a PostgreSQL database, postgresql://user@host/name.
        objects: Where a platform in a database keeps its files: s3://bucket/prefix, or a folder that all its servers
            reach. Default: HEADRACE_OBJECTS.
    """
    from headrace import create_lake

    if not lake.strip():
        raise UsageError("LAKE is empty", hint="give a new or an empty folder")
    if objects is not None and not is_database(lake):
        raise UsageError(
            "--objects is for a database, and a lake keeps its files in its folder",
            hint="omit --objects, or name postgresql://user@host/name",
        )
    await create_lake(lake, objects=objects)
    if is_database(lake):
        place = "" if objects is None else f" --objects {objects}"
        return Result(
            command="init",
            data={"lake": full_place(lake)},
            lines=[f"Platform created: {shown_place(lake)}."],
            next=f"headrace serve {shown(lake)}{place}",
        )
    return Result(
        command="init",
        data={"lake": full_place(lake)},
        lines=[
            f"Lake created: {shown_place(lake)} (SQLite, 1 folder). Copy or move it as you like."
        ],
        next=f"headrace push {lake} DATASET/VERSION IMAGES…",
    )
