"""``headrace sync``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headrace.cli.console.errors import FAILED, UsageError
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Workers,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import absolute, plural, size

if TYPE_CHECKING:
    from headrace.engine.sync.run import SyncReport, SyncStep

STEPS_SHOWN = 20
"""Maximum number of printed steps; ``--json`` has all."""

Side = Literal["local", "remote"]


async def sync(
    target: str,
    version: str,
    dir: Path,
    /,
    *,
    down: Flag = False,
    up: Flag = False,
    delete: Flag = False,
    prefer: Side | None = None,
    dry_run: Flag = False,
    workers: Workers = None,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Make a folder and a version hold the same images.

    Changes of one side since the last sync are copied to the other, in both directions unless --down or --up is given. Files that changed on both sides are listed and left alone. Nothing is deleted without --delete.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dir: The folder.
        down: Change the folder only.
        up: Change the version only.
        delete: Delete files on one side that were deleted on the other.
        prefer: Side to copy from if a file changed on both. Default: neither, the file is in conflict.
        dry_run: Print what would be done, and do nothing.
        workers: Number of files that are transferred at a time. Default: chosen for the target.
    """
    if up and down:
        raise UsageError(
            "--up and --down exclude each other", hint="omit both to sync in both directions"
        )
    async with connected(target, account) as client:
        await find_version(client, version)
        report = await client.sync_folder(
            version,
            dir,
            direction="up" if up else "down" if down else "both",
            delete=delete,
            prefer=prefer,
            dry_run=dry_run,
            max_workers=workers,
            progress=output.reporter,
        )
    counts = Counter(str(step.action) for step in report.steps)
    return Result(
        command="sync",
        data={
            "version": version,
            "dir": absolute(dir),
            "dry_run": dry_run,
            "same": report.same,
            **{word.replace("-", "_"): counts[word] for word in _WORDS},
            "steps": [
                {"name": step.name, "action": str(step.action), "why": step.why}
                for step in report.steps
            ],
            "bytes": report.transfer.bytes,
            "seconds": round(report.transfer.seconds, 3),
        },
        lines=[*_steps(report), _summary(dir, report, counts)],
        status=FAILED if report.conflicts and not dry_run else 0,
    )


_WORDS = {
    "download": "downloaded",
    "upload": "uploaded",
    "replace": "replaced in the version",
    "delete-local": "deleted in the folder",
    "delete-remote": "removed from the version",
    "keep": "kept unchanged",
    "conflict": "in conflict",
}


def _steps(report: SyncReport) -> list[str]:
    """Return the steps of a dry run, or else the steps that were not done."""
    steps: list[SyncStep] = report.steps
    if not report.dry_run:
        steps = [step for step in steps if step.why]
    lines = [f"{step.action:<13} {step.name}" + _reason(step) for step in steps[:STEPS_SHOWN]]
    if len(steps) > STEPS_SHOWN:
        lines.append(f"… and {plural(len(steps) - STEPS_SHOWN, 'file')} more (--json lists all)")
    return lines


def _reason(step: SyncStep) -> str:
    return f"  ({step.why})" if step.why else ""


def _summary(dir: Path, report: SyncReport, counts: Counter[str]) -> str:
    done = [f"{counts[word]:,} {words}" for word, words in _WORDS.items() if counts[word]]
    if not done:
        return f"{dir}: {plural(report.same, 'file')} the same, nothing to do"
    moved = f", {size(report.transfer.bytes)}" if report.transfer.bytes else ""
    would = "would be: " if report.dry_run else ""
    return f"{dir}: {would}{', '.join(done)}; {report.same:,} the same{moved}"
