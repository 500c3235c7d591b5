"""``headrace du``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, shown
from headrace.cli.console.terminal import one_line
from headrace.cli.console.wording import plural, size

if TYPE_CHECKING:
    from headrace.platform.care.usage import DatasetUsage, LakeUsage, VersionUsage


async def du(
    lake: str, /, *, objects: str | None = None, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Measure what takes the space of a lake: in all, and by dataset and version.

    Files that several versions have count in each of them; the shared bytes of a version are shown beside it.

    Args:
        lake: The lake's folder, or postgresql://….
        objects: Where a platform in a database keeps its files. Default: HEADRACE_OBJECTS.
    """
    from headrace import lake_usage

    usage = await lake_usage(lake, objects=objects, progress=output.reporter)
    return Result(
        command="du",
        data={"lake": full_place(lake), "bytes": usage.total, **msgspec.to_builtins(usage)},
        lines=[*_whole(lake, usage), *(line for each in usage.datasets for line in _dataset(each))],
        rows="datasets",
    )


def _whole(lake: str, usage: LakeUsage) -> list[str]:
    parts = [
        (usage.object_bytes, f"objects: {plural(usage.objects, 'file')}"),
        (
            usage.unregistered_bytes,
            f"  of which not registered: {plural(usage.unregistered, 'file')}",
        ),
        (usage.unused_bytes, f"  of which in no version: {plural(usage.unused_files, 'file')}"),
        (usage.unfinished_bytes, "unfinished uploads"),
        (usage.database_bytes, "database"),
        (usage.log_bytes, "log of the database"),
        (usage.removal_bytes, f"what can be put back: {plural(usage.removals, 'removal')}"),
        (usage.log_file_bytes, "logs of processings"),
    ]
    lines = [f"{size(amount):>8}  {text}" for amount, text in parts if amount]
    return [f"{size(usage.total):>8}  {shown(lake)}", *lines]


def _dataset(dataset: DatasetUsage) -> list[str]:
    return [_line(dataset), *(f"{_line(each)}" for each in dataset.versions)]


def _line(usage: DatasetUsage | VersionUsage) -> str:
    shared = f", {size(usage.shared_bytes)} shared" if usage.shared_bytes else ""
    deleted = " (deleted, can be undone)" if getattr(usage, "deleted", False) else ""
    return f"{size(usage.bytes):>8}  {one_line(usage.name)}: {plural(usage.files, 'file')}{shared}{deleted}"
