"""``headrace export``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    FormatOption,
    Output,
    Status,
    given,
    parse_class_order,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import (
    absolute,
    finding_lines,
    findings_data,
    plural,
    replaced_lines,
)
from headrace.threads import in_thread


async def export(
    target: str,
    version: str,
    dst: Path,
    /,
    *,
    format: FormatOption,
    status: Status | None = None,
    images: Path | None = None,
    task: str | None = None,
    split: str | None = None,
    class_order: str | None = None,
    use_id: Flag = False,
    overwrite: Flag = False,
    force: Flag = False,
    strict: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Export the annotations of a version to a file or folder.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        dst: The file or folder to write; it appears only when it is complete.
        format: Format to write.
        status: Export only annotations with this status. Default: all.
        images: Folder of the images, as pull fills it; needed by YOLO's task classify, which copies them.
        task: Task of the YOLO labels: detect, segment, pose, obb or classify.
        split: Name of the split to write, if the format has splits.
        class_order: Order of the class numbers: source, name, NAME,NAME… or @FILE with one name a line. Default: source.
        use_id: Name images by the ids of their assets.
        overwrite: Replace a file at the destination; in a folder, only the files that headrace wrote there unchanged.
        force: Rename a folder that --overwrite must not replace to DST.replaced-TIME, then write.
        strict: Fail if the format cannot represent something, instead of counting it.
    """
    order = None if class_order is None else await in_thread(parse_class_order, class_order)
    options = given(images=images, task=task, split=split, class_order=order)
    async with connected(target, account) as client:
        found = await find_version(client, version)
        report = await found.export(
            dst,
            format,
            status=status,
            use_id=use_id,
            overwrite=overwrite,
            force=force,
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
            "replaced": report.replaced,
            "findings": findings_data(report.findings),
            "seconds": round(report.seconds, 3),
        },
        lines=[
            f"{dst}: {report.format}, {plural(report.images, 'image')}, {plural(report.shapes, 'shape')}{dropped}",
            *replaced_lines(report.replaced),
            *finding_lines(report.findings),
        ],
    )
