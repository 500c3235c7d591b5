"""``headrace migrate``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from headrace.cli.console.errors import DONE, FAILED, UsageError
from headrace.cli.console.options import DEFAULT_OUTPUT, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import full_place, is_database, shown, shown_place
from headrace.cli.console.terminal import one_line
from headrace.cli.console.wording import plural, size

if TYPE_CHECKING:
    from headrace.platform.migration.report import MigrationReport

_SHOWN = 20


async def migrate(
    source: Annotated[str, Parameter(name="SRC")],
    target: Annotated[str | None, Parameter(name="DST")] = None,
    /,
    *,
    objects: str | None = None,
    on_error: Literal["raise", "skip"] = "raise",
    reopen: Flag = False,
    dry_run: Flag = False,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Move a lake into a PostgreSQL database, or copy a platform from there into a new lake.

    Ids stay as they are. Everything that has arrived is read again and compared. The same command continues after an interruption. A lake that moves is only read from then on, and each command on it names the new address.

    Args:
        source: A lake that no other process has open; or a platform, postgresql://user@host/name.
        target: An empty database, postgresql://user@host/name; or a new or empty folder.
        objects: Where the platform keeps its files: s3://bucket/prefix, or a folder that all its servers reach. Default: HEADRACE_OBJECTS.
        on_error: What to do about files that SRC lacks or has damaged: stop (raise), or leave them out (skip).
        reopen: Make a lake that has moved writable again, and do nothing else.
        dry_run: Count what would be copied, and write nothing.
    """
    from headrace import migrate_lake

    if reopen:
        return await _reopened(source, target)
    if target is None:
        raise UsageError(
            "DST is missing", hint="name a database, postgresql://user@host/name, or a new folder"
        )
    if is_database(source) == is_database(target):
        raise UsageError(
            "one of SRC and DST must be a lake's folder, and the other one a database",
            hint="headrace migrate LAKE postgresql://user@host/name --objects s3://bucket/prefix",
        )
    report = await migrate_lake(
        source,
        target,
        objects=objects,
        on_error=on_error,
        dry_run=dry_run,
        progress=output.reporter,
    )
    place = "" if objects is None else f" --objects {objects}"
    following = (
        f"headrace serve {shown(target)}{place}"
        if is_database(target)
        else f"headrace check {shown(target)} --read-data"
    )
    return Result(
        command="migrate",
        data=_data(source, target, dry_run=dry_run, report=report),
        lines=_lines(source, target, dry_run=dry_run, report=report),
        status=FAILED if report.missing_count else DONE,
        next=None if dry_run else following,
    )


async def _reopened(lake: str, target: str | None) -> Result:
    from headrace import reopen_lake

    if target is not None or is_database(lake):
        raise UsageError("--reopen takes a lake alone", hint="headrace migrate LAKE --reopen")
    await reopen_lake(lake)
    return Result(
        command="migrate",
        data={"source": full_place(lake), "reopened": True},
        lines=[f"{shown_place(lake)} can be written again. What is in the database stays there."],
    )


def _data(source: str, target: str, *, dry_run: bool, report: MigrationReport) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(report),
        "source": full_place(source),
        "target": full_place(target),
        "dry_run": dry_run,
    }


def _lines(source: str, target: str, *, dry_run: bool, report: MigrationReport) -> list[str]:
    held = f"{plural(report.rows, 'row')} and {plural(report.files, 'file')} ({size(report.bytes)})"
    if dry_run:
        return [f"{shown_place(source)}: {held} would be copied to {shown_place(target)}"]
    verb = "moved to" if is_database(target) else "copied to"
    copied = f"{plural(report.copied, 'file')} ({size(report.copied_bytes)})"
    lines = [
        f"{shown_place(source)}: {held} {verb} {shown_place(target)}",
        f"{copied} copied in this run; both sides have the digest sha256:{report.digest}",
    ]
    if is_database(target):
        lines.append(f"{shown_place(source)} is only read from now on, and names its new address")
    if report.lost_removals:
        lines.append(f"{plural(report.lost_removals, 'removal')} cannot be undone there")
    if report.missing_count:
        lines.append(f"{plural(report.missing_count, 'file')} that the source does not have:")
        lines += [f"  {one_line(name)}" for name in report.missing[:_SHOWN]]
        if report.missing_count > _SHOWN:
            lines.append(f"  … and {report.missing_count - _SHOWN:,} more")
    return lines
