"""``headrace copy``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.errors import FAILED
from headrace.cli.console.options import (
    DEFAULT_OUTPUT,
    SERVER_GROUP,
    Flag,
    Output,
    Query,
    Workers,
)
from headrace.cli.console.result import Form, Result
from headrace.cli.console.target import check_version_name, split_digest
from headrace.cli.console.wording import duration, plural, size
from headrace.errors import PartialTransferError

if TYPE_CHECKING:
    from headrace.engine.copy.report import CopyReport

NAMES_SHOWN = 5

Profile = Annotated[str | None, Parameter(group=SERVER_GROUP)]


async def copy(
    src: str,
    version: str,
    dst: str,
    new_version: str | None = None,
    /,
    *,
    q: Query = None,
    labels: Path | None = None,
    no_verify: Flag = False,
    dry_run: Flag = False,
    workers: Workers = None,
    from_profile: Profile = None,
    to_profile: Profile = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Copy a version with everything that is in it from one lake, server or platform to another.

    Files and their metadata, tags, labels and all annotations with status, owner and duration are copied; campaigns are not. The same command continues after an interruption, copies nothing twice, and follows what was changed at the source. Nothing is deleted at the target. What it cannot hold is said before and counted. The exit status is 1 if anything is missing at the end.

    Args:
        src: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; with @sha256:… after it, the digest that it must have.
        dst: Where to copy it: a lake's folder, a server's URL or postgresql://….
        new_version: The version there. Default: the same name.
        q: Copy only the assets that match this query.
        labels: A TOML file that renames, merges or drops labels.
        no_verify: Do not read the target once more at the end to compare every file and annotation.
        dry_run: Print what would be copied, and what the target cannot hold; write nothing.
        workers: Number of files that are moved at a time. Default: 32.
        from_profile: The stored token for SRC, as named at login.
        to_profile: The stored token for DST. Between two servers HEADRACE_TOKEN is not used.
    """
    from headrace import copy_version

    name, expected = split_digest(version)
    check_version_name(name)
    if new_version is not None:
        check_version_name(new_version)
    chosen = await choice.filter()
    said: list[str] = []

    async def say_losses(planned: CopyReport) -> bool:
        for line in _loss_lines(planned, "cannot hold"):
            said.append(line)
            output.reporter.say(line)
        return True

    status = status_of(chosen)
    try:
        report = await copy_version(
            src,
            name,
            dst,
            new_version,
            q=q,
            include=chosen,
            labels_map=labels,
            expected_digest=expected,
            verify=not no_verify,
            dry_run=dry_run,
            confirm=say_losses if output.form is Form.TEXT and not dry_run else None,
            from_profile=from_profile,
            to_profile=to_profile,
            max_workers=workers,
            progress=output.reporter,
        )
    except PartialTransferError as error:
        report, status = error.report, FAILED
    return Result(
        command="copy",
        data={**_data(report), **not_found_data(chosen)},
        lines=[*_lines(report, planned=bool(said)), *not_found_lines(chosen)],
        status=status,
    )


def _data(report: CopyReport) -> dict[str, Any]:
    return {
        "source": report.source,
        "target": report.target,
        "dry_run": report.dry_run,
        "created_dataset": report.created_dataset,
        "created_version": report.created_version,
        "nothing_to_do": report.nothing_to_do,
        "assets": report.assets,
        "copied": report.copied,
        "there": report.there,
        "files": report.files,
        "bytes": report.bytes,
        "reused": report.reused,
        "annotations": report.annotations,
        "annotations_there": report.annotations_there,
        "replaced": report.replaced,
        "labels": report.labels,
        "tags": report.tags,
        "metadata": report.metadata,
        "losses": [
            {"what": loss.what, "count": loss.count, "examples": loss.examples}
            for loss in report.losses
        ],
        "missing": report.missing,
        "failed": report.failed,
        "failures": [
            {"name": each.name, "code": each.code, "message": each.message}
            for each in report.failures
        ],
        "left_out": report.left_out,
        "conflicts": report.conflicts,
        "gone": report.gone,
        "verified": report.verified,
        "different": report.different,
        "extra": report.extra,
        "source_digest": report.source_digest or None,
        "target_digest": report.target_digest or None,
        "notes": report.notes,
        "seconds": round(report.seconds, 3),
    }


def _lines(report: CopyReport, *, planned: bool) -> list[str]:
    if report.nothing_to_do and not report.dry_run:
        have = (
            f"{plural(report.there, 'asset')} and {plural(report.annotations_there, 'annotation')}"
        )
        lines = [f"{report.target}: {have} are there already, nothing to do"]
    else:
        lines = [_summary(report)]
    if (report.annotations_there and not report.nothing_to_do) or report.replaced:
        replaced = (
            f", {report.replaced:,} of them in place of changed ones" if report.replaced else ""
        )
        lines.append(
            f"annotations: {report.annotations:,} new{replaced}, {report.annotations_there:,} there"
        )
    if report.dry_run or not planned:
        lines += _loss_lines(report, "cannot hold")
    else:
        lines += _loss_lines(report, "did not take")
    lines += _faults(report)
    lines += report.notes
    if report.extra:
        lines.append(
            f"the target has {plural(report.extra, 'other asset')}, which stay as they are"
        )
    return lines + _verified(report)


def _summary(report: CopyReport) -> str:
    would = "would copy " if report.dry_run else ""
    counts = [plural(report.copied, "asset"), plural(report.annotations, "annotation")]
    if report.labels:
        counts.append(plural(report.labels, "new label"))
    if report.tags:
        counts.append(plural(report.tags, "tag"))
    if report.metadata:
        counts.append(f"metadata of {plural(report.metadata, 'file')}")
    moved = f"{plural(report.files, 'file')} sent, {size(report.bytes)}"
    if report.dry_run:
        moved = f"{plural(report.files, 'file')} to send" + (
            f", {size(report.bytes)}" if report.bytes else ""
        )
    parts = [f"{report.target}: {would}{', '.join(counts)}", moved]
    if report.reused:
        parts.append(f"{report.reused:,} files were there")
    if report.there:
        parts.append(f"{plural(report.there, 'asset')} there before")
    took = "" if report.dry_run else f", {duration(report.seconds)}"
    return "; ".join(parts) + took


def _loss_lines(report: CopyReport, verb: str) -> list[str]:
    if not report.losses:
        return []
    return [
        f"the target {verb}:",
        *(
            f"  {loss.count:,} {loss.what} (such as {', '.join(loss.examples)})"
            for loss in report.losses
        ),
    ]


def _faults(report: CopyReport) -> list[str]:
    lines = [f"failed: {each.name}: {each.message}" for each in report.failures[:NAMES_SHOWN]]
    if report.failed > NAMES_SHOWN:
        lines.append(f"failed: {report.failed - NAMES_SHOWN:,} more files")
    for count, kind, what, names in (
        (report.left_out_count, "asset", "without a readable file at the source", report.left_out),
        (
            report.conflict_count,
            "annotation",
            "changed at the target since, left as it is there",
            report.conflicts,
        ),
        (
            report.different_count,
            "asset",
            "missing or different at the end",
            report.different,
        ),
    ):
        if count:
            more = " …" if count > NAMES_SHOWN else ""
            lines.append(f"{plural(count, kind)} {what}: {', '.join(names[:NAMES_SHOWN])}{more}")
    if report.missing:
        lines.append("Run the same command again; it copies only what is missing")
    return lines


def _verified(report: CopyReport) -> list[str]:
    if not report.verified:
        return []
    if report.source_digest and report.source_digest == report.target_digest:
        return [
            f"verified: {plural(report.verified, 'asset')}, {report.target}@{report.target_digest}"
        ]
    same = "" if report.different_count else " as copied"
    return [f"verified: {plural(report.verified, 'asset')}{same}"]
