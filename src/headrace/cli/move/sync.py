"""``headrace sync``."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headrace.cli.console.arguments import with_options
from headrace.cli.console.choice import DEFAULT_CHOICE, Choice
from headrace.cli.console.errors import DONE, FAILED, UsageError
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
from headrace.cli.console.terminal import ask, can_ask
from headrace.cli.console.wording import absolute, plural, size, way_back

if TYPE_CHECKING:
    from headrace.engine.sync.report import SyncReport, SyncStep

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
    max_delete: str | None = None,
    yes: Flag = False,
    no_undo: Flag = False,
    prefer: Side | None = None,
    plan: Path | None = None,
    apply: Path | None = None,
    dry_run: Flag = False,
    workers: Workers = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Make a folder and a version hold the same images.

    Changes of one side since the last sync are copied to the other, in both directions unless --down or --up is given. Files that changed on both sides are listed and left alone. Nothing is deleted without --delete, and no more than --max-delete allows; on a terminal, sync asks before it deletes.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        dir: The folder.
        down: Change the folder only.
        up: Change the version only.
        delete: Delete files on one side that were deleted on the other. Refused if one side is empty.
        max_delete: The most that one side may lose: a number, or a part such as 25%. Default: 10%, but at least 10.
        yes: Delete without asking.
        no_undo: Remove assets without recording them, so that headrace undo cannot put them back.
        prefer: Side to copy from if a file changed on both. Default: neither, the file is in conflict.
        plan: Only plan, and write the plan to this file, one step a line. Delete the lines of steps that are not to be done.
        apply: Do what the plan in this file says. Refused if the folder or the version has changed since it was made.
        dry_run: Print what would be done, and do nothing.
        workers: Number of files that are transferred at a time. Default: chosen for the target. [env: HEADRACE_MAX_WORKERS]
    """
    if up and down:
        raise UsageError(
            "--up and --down exclude each other", hint="omit both to sync in both directions"
        )
    if apply is not None and (up or down or delete or prefer or plan or choice != DEFAULT_CHOICE):
        raise UsageError(
            "--apply does what the plan says", hint="give --up, --delete and the like with --plan"
        )
    chosen = await choice.filter()
    async with connected(target, account) as client:
        await find_version(client, version)
        report = await client.sync_folder(
            version,
            dir,
            direction="up" if up else "down" if down else "both",
            delete=delete,
            max_delete=max_delete,
            prefer=prefer,
            confirm=None if yes or not can_ask() else partial(_confirm, version, dir),
            undo=not no_undo,
            include=chosen,
            plan=plan,
            apply=apply,
            dry_run=dry_run,
            max_workers=workers,
            progress=output.reporter,
        )
    declined = report.dry_run and not dry_run and plan is None
    counts = Counter(str(step.action) for step in report.steps)
    return Result(
        command="sync",
        data={
            "version": version,
            "dir": absolute(dir),
            "dry_run": report.dry_run,
            "same": report.same,
            **{word.replace("-", "_"): counts[word] for word in _WORDS},
            "steps": [
                {
                    "name": step.name,
                    "action": str(step.action),
                    "why": step.why,
                    "shapes": step.shapes,
                }
                for step in report.steps
            ],
            "removed_shapes": report.removed_shapes,
            "refusal": report.refusal,
            "removal": report.removal,
            "plan": None if plan is None else absolute(plan),
            "kept": report.transfer.kept,
            "bytes": report.transfer.bytes,
            "seconds": round(report.transfer.seconds, 3),
        },
        lines=[
            *_steps(report),
            _summary(dir, report, counts),
            *way_back(target, report.removal),
            *_warnings(report),
            *([] if plan is None else [f"plan: {plan}"]),
        ],
        next=None if plan is None else f"headrace sync {target} {version} {dir} --apply {plan}",
        status=FAILED
        if declined or ((report.conflicts or report.transfer.kept) and not (dry_run or plan))
        else DONE,
    )


async def _confirm(version: str, dir: Path, report: SyncReport) -> bool:
    """Ask whether to delete what the report says."""
    parts = []
    if report.removed_assets:
        shapes = plural(report.removed_shapes, "shape")
        parts.append(
            f"remove {plural(report.removed_assets, 'asset')} with {shapes} from {version}"
        )
    if report.deleted_files:
        parts.append(f"delete {plural(report.deleted_files, 'file')} in {dir}")
    return await ask(f"This will {' and '.join(parts)}. Continue?")


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
    why = step.why or (f"with {plural(step.shapes, 'shape')}" if step.shapes else "")
    return f"  ({why})" if why else ""


def _warnings(report: SyncReport) -> list[str]:
    lines = []
    if report.transfer.kept:
        kept = plural(report.transfer.kept, "file")
        lines.append(f"{kept} changed during the sync and were kept; sync again")
    if report.refusal:
        cure = with_options(report.cure)
        lines.append(f"Without --dry-run this is refused: {report.refusal}; {cure}")
    return lines + report.transfer.notes


def _summary(dir: Path, report: SyncReport, counts: Counter[str]) -> str:
    done = [f"{counts[word]:,} {words}" for word, words in _WORDS.items() if counts[word]]
    if not done:
        return f"{dir}: {plural(report.same, 'file')} the same, nothing to do"
    moved = f", {size(report.transfer.bytes)}" if report.transfer.bytes else ""
    would = "would be: " if report.dry_run else ""
    lost = f", {plural(report.removed_shapes, 'shape')} with them" if report.removed_shapes else ""
    return f"{dir}: {would}{', '.join(done)}{lost}; {report.same:,} the same{moved}"
