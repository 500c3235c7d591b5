"""``headrace export``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.class_order import class_order as parse_order
from headrace.cli.console.findings import finding_lines, findings_data
from headrace.cli.console.formats import FormatOption
from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output, Status
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version, given
from headrace.cli.console.wording import absolute, many
from headrace.threads import in_thread


async def export(
    target: str,
    version: str,
    dst: Path,
    /,
    *,
    format: FormatOption,
    status: Status | None = None,
    task: str | None = None,
    split: str | None = None,
    class_order: str | None = None,
    use_id: Flag = False,
    overwrite: Flag = False,
    strict: Flag = False,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Write the annotations of a version in another format.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dst: The file or folder to write; it appears complete or not at all.
        format: The format to write.
        status: Only annotations of this status.
        task: What YOLO labels say: detect, segment, pose, obb or classify.
        split: The split that the images are written under, where the format has splits.
        class_order: How classes are numbered: source, name, NAME,NAME… or @FILE, one name a line.
        use_id: Call images by the ids of their assets.
        overwrite: Replace what is there.
        strict: Fail where the format cannot say something, rather than count it.
    """
    order = None if class_order is None else await in_thread(parse_order, class_order)
    options = given(task=task, split=split, class_order=order)
    async with connected(target, account) as client:
        found = await find_version(client, version)
        report = await found.export(
            dst,
            format,
            status=status,
            use_id=use_id,
            overwrite=overwrite,
            strict=strict,
            progress=output.reporter,
            **options,
        )
    dropped = f", {report.shapes_dropped:,} left out" if report.shapes_dropped else ""
    return Result(
        command="export",
        data={
            "version": version,
            "target": absolute(dst),
            "format": report.format,
            "images": report.images,
            "shapes": report.shapes,
            "shapes_dropped": report.shapes_dropped,
            "labels": report.labels,
            "findings": findings_data(report.findings),
            "seconds": round(report.seconds, 3),
        },
        lines=[
            f"{dst}: {report.format}, {many(report.images, 'image')}, {many(report.shapes, 'shape')}{dropped}",
            *finding_lines(report.findings),
        ],
    )
