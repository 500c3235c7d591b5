"""``headrace version metadata``: the custom metadata of the files of a version."""

from __future__ import annotations

import json
from typing import Any

from headrace.cli.console.errors import UsageError
from headrace.cli.console.find import chosen_assets
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import plural
from headrace.tasks import map_bounded

SHOWN = 20
"""Maximum number of printed files; ``--json`` has all."""

CONCURRENCY = 8


async def metadata(
    target: str,
    version: str,
    /,
    *values: str,
    q: Query = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Show the custom metadata of the files of a version, or change some of them. Files belong to all versions that hold them.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        values: Values to set, as KEY=VALUE, in JSON or as text; KEY= removes a key. Without any, they are shown.
        q: Only the files of assets that fulfil this condition. Default: all of the version.
        dry_run: Print how many files would change, and do nothing.
    """
    changes = _changes(values)
    async with connected(target, account) as client:
        assets = await chosen_assets(await find_version(client, version), q)
        files = list(await assets.as_multidata()) if assets else []
        before = [each.record.custom_metadata or {} for each in files]
        after = [_changed(found, changes) for found in before]
        todo = [index for index in range(len(files)) if after[index] != before[index]]

        async def write(index: int) -> None:
            await files[index].update_custom_metadata(after[index] or None)

        if todo and not dry_run:
            await map_bounded(write, todo, concurrency=CONCURRENCY)
    rows = [
        {"filename": each.filename, "metadata": found}
        for each, found in zip(files, before if dry_run else after, strict=True)
    ]
    if changes:
        would_be = "would be " if dry_run else ""
        lines = [f"{version}: metadata of {plural(len(todo), 'file')} {would_be}changed"]
    else:
        shown = [f"{row['filename']}  {json.dumps(row['metadata'])}" for row in rows[:SHOWN]]
        rest = [f"… {len(rows) - SHOWN:,} more (--json lists all)"] if len(rows) > SHOWN else []
        lines = [*shown, *rest] or ["no files"]
    return Result(
        command="version.metadata",
        data={"version": version, "changed": len(todo), "files": rows, "dry_run": dry_run},
        rows="files",
        lines=lines,
    )


def _changes(values: tuple[str, ...]) -> dict[str, Any]:
    """Return the values by key; None removes a key."""
    changes: dict[str, Any] = {}
    for word in values:
        key, equals, text = word.partition("=")
        if not equals or not key:
            raise UsageError(f"{word!r} is no value", hint="write KEY=VALUE, or KEY= to remove it")
        try:
            changes[key] = json.loads(text) if text else None
        except ValueError:
            changes[key] = text
    return changes


def _changed(found: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = {**found, **changes}
    return {key: value for key, value in merged.items() if value is not None or key not in changes}
