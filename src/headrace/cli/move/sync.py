"""``headrace sync``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headrace.cli.console.errors import FAILED, UsageError
from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import absolute, many, size

if TYPE_CHECKING:
    from headrace.engine.sync.run import SyncReport, SyncStep

SHOWN = 20
"""Steps that people read; ``--json`` has all."""

Wins = Literal["local", "remote"]


async def sync(
    target: str,
    version: str,
    dir: Path,
    /,
    *,
    down: Flag = False,
    up: Flag = False,
    delete: Flag = False,
    prefer: Wins | None = None,
    dry_run: Flag = False,
    workers: int | None = None,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Make a folder and a version hold the same images.

    What one side changed since the last time goes to the other one, both ways unless --down or --up. What both changed is listed and stays as it is on both sides. Nothing is deleted unless asked.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dir: The folder.
        down: Change the folder only.
        up: Change the version only.
        delete: Delete on one side what was deleted on the other.
        prefer: Whose file wins where both changed.
        dry_run: Only tell what would be done.
        workers: How many files are under way at a time.
    """
    if up and down:
        raise UsageError("--up and --down exclude each other", hint="leave both out for both ways")
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
    "delete-remote": "taken out of the version",
    "keep": "left as they are",
    "conflict": "in conflict",
}


def _steps(report: SyncReport) -> list[str]:
    """What would be done, where nothing is; else what was not."""
    told: list[SyncStep] = report.steps
    if not report.dry_run:
        told = [step for step in told if step.why]
    lines = [f"{step.action:<13} {step.name}" + _because(step) for step in told[:SHOWN]]
    if len(told) > SHOWN:
        lines.append(f"… and {many(len(told) - SHOWN, 'file')} more (--json tells of all)")
    return lines


def _because(step: SyncStep) -> str:
    return f"  ({step.why})" if step.why else ""


def _summary(dir: Path, report: SyncReport, counts: Counter[str]) -> str:
    done = [f"{counts[word]:,} {words}" for word, words in _WORDS.items() if counts[word]]
    if not done:
        return f"{dir}: {many(report.same, 'file')} the same, nothing to do"
    moved = f", {size(report.transfer.bytes)}" if report.transfer.bytes else ""
    would = "would be: " if report.dry_run else ""
    return f"{dir}: {would}{', '.join(done)}; {report.same:,} the same{moved}"
