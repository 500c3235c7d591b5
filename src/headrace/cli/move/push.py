"""``headrace push``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output, VersionType
from headrace.cli.console.result import Result
from headrace.cli.console.target import check_version_name, connected
from headrace.cli.console.wording import many


async def push(
    target: str,
    version: str,
    /,
    *images: Path,
    type: VersionType = "not_configured",
    tag: Annotated[list[str] | None, Parameter(negative="")] = None,
    retry_failed: Flag = False,
    workers: int | None = None,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Upload images and videos into a version.

    The dataset and the version are made where they are missing. What the lake has already is not uploaded again, so the same command goes on after an interruption.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        images: Files, or folders that are searched for images and videos.
        type: What the annotations of a new version are for.
        tag: A tag for the uploaded data; may be given several times.
        retry_failed: Take up only what failed in the last push into the version.
        workers: How many files are under way at a time.
    """
    check_version_name(version)
    if not images:
        raise UsageError(
            "IMAGES is missing", hint="name files or folders: headrace push TARGET VERSION IMAGES…"
        )
    async with connected(target, account) as client:
        report = await client.push(
            version,
            images,
            type=type,
            tags=tag or (),
            max_workers=workers,
            retry_failed=retry_failed,
            progress=output.reporter,
        )
    transfer = report.transfer
    objects = f"{many(report.uploaded, 'new object')}, {report.reused:,} already in the lake"
    lines = [f"{version}: {many(report.assets, 'asset')} added ({objects})"]
    if report.ignored:
        lines.append(f"{many(report.ignored, 'file')} left out that are no images or videos")
    return Result(
        command="push",
        data={
            "version": version,
            "files": report.files,
            "uploaded": report.uploaded,
            "reused": report.reused,
            "assets": report.assets,
            "ignored": report.ignored,
            "created_dataset": report.created_dataset,
            "created_version": report.created_version,
            "bytes": transfer.bytes,
            "seconds": round(transfer.seconds, 3),
            "failed": transfer.failed,
        },
        lines=lines,
        next=f"headrace import {target} {version} ANNOTATIONS",
    )
