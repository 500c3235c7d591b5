"""``headrace push``."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

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
    VersionType,
    Workers,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import check_new_version_name, connected
from headrace.cli.console.wording import failure_lines, failures_data, plural


async def push(
    target: str,
    version: str,
    /,
    *images: str,
    type: VersionType = "not_configured",
    tag: Annotated[list[str] | None, Parameter(negative="")] = None,
    retry_failed: Flag = False,
    follow_links: Flag = False,
    on_error: Literal["raise", "skip"] = "raise",
    fetch_urls: Flag = False,
    max_bytes: Annotated[int, Parameter(validator=Number(gte=1))] = 100 * 1024 * 1024,
    max_pixels: Annotated[int, Parameter(validator=Number(gte=1))] = 150_000_000,
    dry_run: Flag = False,
    workers: Workers = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Upload images and videos into a version.

    A missing dataset or version is created. Files that the lake has already are not uploaded again, so the same command continues after an interruption. They are compared by name and digest, or by name and size on a platform that reports no digests.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        images: Files, or folders to search for images and videos. With --files-from, folders in which its names are looked up. Default: this folder.
        type: Annotation type of a new version.
        tag: A tag to attach to the uploaded data. Repeatable.
        retry_failed: Upload only the files that failed in the last push into this version.
        follow_links: Read links that lead out of a folder. Default: they fail, and linked folders are left out.
        on_error: On files that cannot be uploaded: raise ends with an error when all others are done, skip ends with the usual report, which names them. The exit status is 1 in both cases.
        fetch_urls: Fetch URLs among IMAGES and the names of --files-from: http and https, public addresses only, no credentials.
        max_bytes: The largest file that is fetched, in bytes.
        max_pixels: The largest image that is fetched, in pixels.
        dry_run: Print what would be uploaded and added, and do nothing.
        workers: Number of files that are transferred at a time. Default: chosen for the target. [env: HEADRACE_MAX_WORKERS]
    """
    check_new_version_name(version)
    if not images and choice.files_from is None:
        raise UsageError(
            "IMAGES is missing", hint="give files or folders: headrace push TARGET VERSION IMAGES…"
        )
    chosen = await choice.filter()
    async with connected(target, account) as client:
        report = await client.push(
            version,
            images or ["."],
            type=type,
            tags=tag or (),
            max_workers=workers,
            retry_failed=retry_failed,
            follow_links=follow_links,
            on_error=on_error,
            fetch_urls=fetch_urls,
            max_bytes=max_bytes,
            max_pixels=max_pixels,
            include=chosen,
            dry_run=dry_run,
            progress=output.reporter,
        )
    transfer = report.transfer
    objects = f"{plural(report.uploaded, 'new object')}, {report.reused:,} already in the lake"
    added = "would be added" if dry_run else "added"
    lines = [f"{version}: {plural(report.assets, 'asset')} {added} ({objects})"]
    if report.ignored:
        lines.append(f"{plural(report.ignored, 'file')} ignored: not an image or a video")
    if report.masks:
        lines.append(f"{plural(report.masks, 'image')} left out: in folders of masks")
    if report.links:
        lines.append(
            f"{plural(report.links, 'folder')} left out: behind links that lead out; --follow-links reads them"
        )
    return Result(
        command="push",
        data={
            "version": version,
            "files": report.files,
            "uploaded": report.uploaded,
            "reused": report.reused,
            "assets": report.assets,
            "ignored": report.ignored,
            "masks": report.masks,
            "created_dataset": report.created_dataset,
            "created_version": report.created_version,
            "dry_run": report.dry_run,
            "bytes": transfer.bytes,
            "seconds": round(transfer.seconds, 3),
            "failed": transfer.failed,
            "links": report.links,
            "failures": failures_data(transfer),
            **not_found_data(chosen),
        },
        lines=[*lines, *failure_lines(transfer), *not_found_lines(chosen)],
        status=FAILED if transfer.failed else status_of(chosen),
        next=None if dry_run else f"headrace import {target} {version} ANNOTATIONS",
    )
