"""``headrace backup`` and ``headrace restore``."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.errors import DONE, FAILED, UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.terminal import one_line
from headrace.cli.console.wording import absolute, plural, shown_folder, size

if TYPE_CHECKING:
    from headrace.platform.care.backups.files import SnapshotRecord

_SHOWN = 20


async def backup(
    lake: Path,
    dir: Path,
    /,
    *,
    keep: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Take a snapshot of a lake into a folder of backups, while others use the lake.

    Only files that no earlier snapshot has are copied. The same command continues after an interruption. The folder holds keys and digests of tokens, and only its owner can read it.

    Args:
        lake: The lake's folder.
        dir: The folder of the backups; made if it is missing.
        keep: Delete all but so many snapshots, with what only they hold.
        dry_run: Count what would be copied, and write nothing.
    """
    from headrace import backup_lake

    report = await backup_lake(lake, dir, keep=keep, dry_run=dry_run, progress=output.reporter)
    copied = f"{plural(report.copied, 'file')} ({size(report.copied_bytes)})"
    held = f"{plural(report.files, 'file')} ({size(report.bytes)})"
    if dry_run:
        lines = [f"{lake}: {held}, of which {copied} would be copied"]
    else:
        lines = [f"Snapshot {report.snapshot}: {held}, of which {copied} were copied"]
    if report.removed:
        lines.append(f"deleted: {plural(len(report.removed), 'older snapshot')}")
    lines += _missing(
        report.missing, report.missing_count, "the lake does not have, or has damaged"
    )
    return Result(
        command="backup",
        data={
            "lake": absolute(lake),
            "dir": absolute(dir),
            "dry_run": dry_run,
            **msgspec.to_builtins(report),
        },
        lines=lines,
        status=FAILED if report.missing_count else DONE,
        next=None if dry_run else f"headrace restore {shown_folder(dir)} NEW-LAKE --dry-run",
    )


async def restore(
    dir: Path,
    lake: Path | None = None,
    /,
    *,
    snapshot: str | None = None,
    list_: Annotated[Flag, Parameter(name="--list")] = False,
    on_error: Literal["raise", "skip"] = "raise",
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Make a lake of a snapshot, completely or not at all.

    Every file is compared with its digest. The same command continues after an interruption.

    Args:
        dir: The folder of the backups.
        lake: A new or empty folder.
        snapshot: The snapshot's id, or how it begins. Default: the newest.
        list_: List the snapshots, and do nothing.
        on_error: What to do about files that the backups lack or have damaged: make no lake (raise), or leave them out (skip).
        dry_run: Check that the snapshot is complete, and write nothing.
    """
    from headrace import list_snapshots, restore_lake

    if list_:
        return _listed(dir, await list_snapshots(dir))
    if lake is None:
        raise UsageError("LAKE is missing", hint="name a new folder, or list the snapshots: --list")
    report = await restore_lake(
        dir,
        lake,
        snapshot=snapshot,
        on_error=on_error,
        dry_run=dry_run,
        progress=output.reporter,
    )
    verb = "would be restored" if dry_run else "restored"
    held = f"{plural(report.files, 'file')} ({size(report.bytes)})"
    origin = f"snapshot {report.snapshot}, of {_moment(report.created)}"
    lines = [f"{shown_folder(lake)}: {held} {verb} from {origin}"]
    lines += _missing(report.missing, report.missing_count, "the snapshot does not have")
    return Result(
        command="restore",
        data={
            "dir": absolute(dir),
            "lake": absolute(lake),
            "dry_run": dry_run,
            **msgspec.to_builtins(report),
        },
        lines=lines,
        status=FAILED if report.missing_count else DONE,
        next=None if dry_run else f"headrace check {shown_folder(lake)} --read-data",
    )


def _listed(dir: Path, snapshots: list[SnapshotRecord]) -> Result:
    rows = [_row(each) for each in snapshots]
    lines = [
        f"{each.id}  {plural(each.objects, 'file')}, {size(each.bytes)}"
        + (f", {each.missing_count:,} missing" if each.missing_count else "")
        for each in snapshots
    ]
    return Result(
        command="restore",
        data={"dir": absolute(dir), "snapshots": rows},
        lines=lines or ["no snapshot was ever completed"],
        rows="snapshots",
    )


def _row(snapshot: SnapshotRecord) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "created": _moment(snapshot.created / 1000),
        "headrace": snapshot.headrace,
        "files": snapshot.objects,
        "bytes": snapshot.bytes,
        "missing_count": snapshot.missing_count,
    }


def _missing(names: list[str], count: int, what: str) -> list[str]:
    if not count:
        return []
    lines = [f"{plural(count, 'file')} that {what}:"]
    lines += [f"  {one_line(name)}" for name in names[:_SHOWN]]
    return lines + ([f"  … and {count - _SHOWN:,} more"] if count > _SHOWN else [])


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
