"""``headrace gc``."""

from __future__ import annotations

import re

import msgspec

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place
from headrace.cli.console.wording import plural, size

_AGE = re.compile(r"(\d+(?:\.\d+)?)(h|d)")
_HOURS = {"h": 1.0, "d": 24.0}


def _hours(age: str) -> float:
    found = _AGE.fullmatch(age.strip())
    if found is None:
        raise UsageError(f"--older-than cannot be {age!r}", hint="give hours or days: 12h, 7d")
    return float(found[1]) * _HOURS[found[2]]


async def gc(
    lake: str,
    /,
    *,
    objects: str | None = None,
    older_than: str = "24h",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Delete what nothing in a lake needs any more, while others use the lake.

    That are uploads that were never registered or never ended, files of finished exports, removals that are too old to be undone, and shapes that no annotation uses.

    Args:
        lake: The lake's folder, or postgresql://….
        objects: Where a platform in a database keeps its files. Default: HEADRACE_OBJECTS.
        older_than: The age from which on files that are not registered are deleted, such as 12h or 7d; at least 1h.
        dry_run: Count what would be deleted, and do nothing.
    """
    from headrace import collect_garbage

    report = await collect_garbage(
        lake,
        objects=objects,
        older_than_hours=_hours(older_than),
        dry_run=dry_run,
        progress=output.reporter,
    )
    verb = "would be deleted" if dry_run else "deleted"
    counts = [
        (
            "file that is not registered",
            "files that are not registered",
            report.objects,
            report.object_bytes,
        ),
        ("unfinished upload", "unfinished uploads", report.uploads, report.upload_bytes),
        (
            "removal that cannot be undone any more",
            "removals that cannot be undone any more",
            report.removals,
            report.removal_bytes,
        ),
    ]
    lines = [
        f"{plural(count, noun, nouns)} ({size(amount)}) {verb}"
        for noun, nouns, count, amount in counts
        if count
    ]
    if report.contents and not dry_run:
        lines.append(f"{plural(report.contents, 'unused content')} of shapes deleted")
    if report.younger:
        lines.append(f"{plural(report.younger, 'younger file')} that are not registered stay")
    return Result(
        command="gc",
        data={"lake": full_place(lake), "dry_run": dry_run, **msgspec.to_builtins(report)},
        lines=lines or ["nothing to delete"],
    )
