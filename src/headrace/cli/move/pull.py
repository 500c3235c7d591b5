"""``headrace pull``."""

from __future__ import annotations

from pathlib import Path

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


async def pull(
    target: str,
    version: str,
    dir: Path,
    /,
    *,
    force: Flag = False,
    use_id: Flag = False,
    tree: Flag = False,
    retry_failed: Flag = False,
    workers: Workers = None,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Download the images of a version into a folder.

    Complete files are kept, so the same command continues after an interruption.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dir: The folder; created if it is missing.
        force: Download complete files again.
        use_id: Name files by the ids of their assets.
        tree: Name files by their object names, with the folders of the storage.
        retry_failed: Download only the files that failed in the last pull into this folder.
        workers: Number of files that are transferred at a time. Default: 32.
    """
    async with connected(target, account) as client:
        found = await find_version(client, version)
        report = await found.download(
            dir,
            force,
            workers,
            use_id,
            layout="tree" if tree else "names",
            retry_failed=retry_failed,
            progress=output.reporter,
        )
    kept = f", {report.skipped:,} already there" if report.skipped else ""
    if not report.moved and report.skipped:
        line = f"{dir}: {report.skipped:,} of {plural(report.total, 'file')} already complete, nothing to do"
    else:
        line = f"{dir}: {plural(report.moved, 'file')}, {size(report.bytes)}{kept}"
    lines = [line]
    if report.renamed:
        lines.append(f"{plural(len(report.renamed), 'file')} renamed: the name was taken or unsafe")
    lines += report.notes
    return Result(
        command="pull",
        data={
            "version": version,
            "dir": absolute(dir),
            "files": report.total,
            "moved": report.moved,
            "skipped": report.skipped,
            "failed": report.failed,
            "bytes": report.bytes,
            "seconds": round(report.seconds, 3),
            "renamed": report.renamed,
            "notes": report.notes,
        },
        lines=lines,
    )
