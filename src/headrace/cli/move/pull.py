"""``headrace pull``."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.errors import FAILED, UsageError
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    Query,
    Workers,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version, split_digest
from headrace.cli.console.wording import absolute, failure_lines, failures_data, plural, size
from headrace.cli.move.verify import verified
from headrace.errors import PartialTransferError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from headrace.transfer.report import TransferReport

NAMES_SHOWN = 20
"""Maximum number of printed names of kept files."""


async def pull(
    target: str,
    version: str,
    dir: Path,
    /,
    *,
    q: Query = None,
    force: Flag = False,
    use_id: Flag = False,
    tree: Flag = False,
    media: Literal["copy", "hardlink"] = "copy",
    retry_failed: Flag = False,
    on_error: Literal["raise", "skip"] = "raise",
    exit_code: Flag = False,
    verify: Flag = False,
    combined: Path | None = None,
    dry_run: Flag = False,
    workers: Workers = None,
    executor: str | None = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Download the images of a version into a folder.

    Complete files are kept, so the same command continues after an interruption. A file that headrace did not write, or that was changed since, is never replaced without --force; the exit status is 1 then.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; with @sha256:… after it, the digest that it must have.
        dir: The folder; created if it is missing.
        q: Only the images of assets that fulfil this condition. Default: all.
        force: Download all files again, also in place of files that headrace did not write.
        use_id: Name files by the ids of their assets.
        tree: Name files by their object names, with the folders of the storage.
        media: From a lake on the same disk, hardlink makes the files the lake's own: they take no room and are read-only.
        retry_failed: Download only the files that failed in the last pull into this folder.
        on_error: On files that cannot be downloaded: raise ends with an error when all others are done, skip ends with the usual report, which names them. The exit status is 1 in both cases.
        exit_code: Exit with status 1 if a file was fetched, or would be with --dry-run; 0 then means that the folder was complete. With --verify a difference is status 1 without it.
        verify: Only compare the folder with the version: every file is read, and nothing is fetched. The exit status is 1 if they differ.
        combined: With --verify, write a line for each file to this file (- is standard output): = the same, * different, + missing in the folder, - only in the folder, ! unreadable.
        dry_run: Print what would be done, and write nothing.
        workers: Number of files that are transferred at a time. Default: 32. [env: HEADRACE_MAX_WORKERS]
        executor: Let other processes fetch files of up to 256 KiB: local for one on each processor of this machine, local:4 for four, dask://host:port for the workers of a Dask cluster, which reach the folder by the same path. Default: this process.
    """
    # The result says what a program would read in the log.
    logging.getLogger("headrace.engine").setLevel(logging.ERROR)
    version, expected = split_digest(version)
    chosen = await choice.filter()
    if verify and (force or retry_failed):
        raise UsageError(
            "--verify fetches nothing", hint="omit --force and --retry-failed, or omit --verify"
        )
    if combined is not None and not verify:
        raise UsageError("--combined belongs to --verify", hint="add --verify")
    if verify:
        async with connected(target, account) as client:
            found = await find_version(client, version)
            if expected is not None:
                await found.digest(expected_digest=expected)
            layout = "tree" if tree else "names"
            return await verified(
                found, dir, combined, chosen, output, use_id=use_id, layout=layout, q=q
            )
    async with connected(target, account) as client:
        found = await find_version(client, version)
        report = await _downloaded(
            on_error,
            found.download,
            dir,
            force,
            workers,
            use_id,
            layout="tree" if tree else "names",
            media=media,
            retry_failed=retry_failed,
            dry_run=dry_run,
            expected_digest=expected,
            include=chosen,
            q=q,
            executor=executor,
            progress=output.reporter,
        )
    return Result(
        command="pull",
        data={
            "version": version,
            "dir": absolute(dir),
            "dry_run": dry_run,
            "files": report.total,
            "moved": report.moved,
            "skipped": report.skipped,
            "kept": report.kept,
            "failed": report.failed,
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
            "kept_files": report.kept_files,
            "renamed": report.renamed,
            "names_file": report.names_file,
            "notes": report.notes,
            "failures": failures_data(report),
            **not_found_data(chosen),
        },
        lines=[
            *_lines(dir, report, tree=tree),
            *failure_lines(report),
            *not_found_lines(chosen),
        ],
        status=FAILED
        if report.failed or (report.kept and not dry_run) or (exit_code and report.moved)
        else status_of(chosen),
    )


async def _downloaded(
    on_error: str, download: Callable[..., Awaitable[TransferReport]], *args: Any, **options: Any
) -> TransferReport:
    """Download, and return the report also if some files failed and are to be skipped."""
    try:
        return await download(*args, **options)
    except PartialTransferError as error:
        if on_error != "skip":
            raise
        report: TransferReport = error.report
        return report


def _lines(dir: Path, report: TransferReport, *, tree: bool) -> list[str]:
    if report.skipped and not (report.moved or report.kept or report.failed):
        complete = plural(report.total, "file")
        lines = [f"{dir}: {report.skipped:,} of {complete} already complete, nothing to do"]
    else:
        there = f", {report.skipped:,} already there" if report.skipped else ""
        would = "would fetch " if report.dry_run else ""
        moved = f"{plural(report.moved, 'file')}, {size(report.bytes)}"
        lines = [f"{dir}: {would}{moved}{there}"]
    if report.kept:
        kept = "would keep" if report.dry_run else "kept"
        what = "that headrace did not write, or that was changed since"
        lines.append(f"{kept} {plural(report.kept, 'other file')} of the same name {what}:")
        lines += [f"  {name}" for name in report.kept_files[:NAMES_SHOWN]]
        if report.kept > NAMES_SHOWN:
            lines.append(f"  … and {report.kept - NAMES_SHOWN:,} more")
        lines.append("Move what is yours away, or replace it with --force")
    if report.renamed:
        where = f" ({report.names_file})" if report.names_file else ""
        why = "by the object name" if tree else "the name was taken or unsafe"
        lines.append(f"{plural(len(report.renamed), 'file')} renamed: {why}{where}")
    return lines + report.notes
