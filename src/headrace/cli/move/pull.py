"""``headrace pull``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import absolute, many, size


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
    workers: int | None = None,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Download the images of a version into a folder.

    Files that are there and complete stay, so the same command goes on after an interruption.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dir: The folder; made where it is missing.
        force: Fetch files again that are there.
        use_id: Call files by the ids of their assets.
        tree: Call files as the storage does, in its folders.
        retry_failed: Take up only what the last run into the folder could not fetch.
        workers: How many files are under way at a time.
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
        line = f"{dir}: {report.skipped:,} of {many(report.total, 'file')} already complete, nothing to do"
    else:
        line = f"{dir}: {many(report.moved, 'file')}, {size(report.bytes)}{kept}"
    lines = [line]
    if report.renamed:
        lines.append(f"{many(len(report.renamed), 'file')} renamed: the name was taken or not safe")
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
