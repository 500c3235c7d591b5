"""``headrace convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.findings import finding_lines, findings_data
from headrace.cli.labels import label_lines
from headrace.cli.options import PLAIN, Flag, OnError, Output, VocOrigin
from headrace.cli.result import Result
from headrace.cli.target import check_format, given
from headrace.cli.wording import absolute, many


async def convert(
    src: Path,
    dst: Path,
    /,
    *,
    to: str,
    from_: Annotated[str | None, Parameter(name="--from")] = None,
    images: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    voc_origin: VocOrigin | None = None,
    on_error: OnError = "raise",
    strict: Flag = False,
    overwrite: Flag = False,
    dry_run: Flag = False,
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    output: Output = PLAIN,
) -> Result:
    """Convert annotation files to another format, without a lake.

    Args:
        src: The file or folder to read.
        dst: The file or folder to write; it appears complete or not at all.
        to: The format to write: coco, yolo or voc.
        from_: The format to read; by default it is found by looking.
        images: The folder of the images, for sizes that the annotations do not give.
        split: Read this split only, or name the one to write where the source has none.
        task: What YOLO labels say: detect, segment, pose, obb or classify.
        voc_origin: Whether the corners of VOC count from 0, or from 1 with the last pixel inside.
        on_error: At a bad record: fail, leave it out, or go on to name all and then fail.
        strict: Fail at the first thing that is odd or that the format cannot say.
        overwrite: Replace what is there.
        dry_run: Do everything but write.
        workers: How many processes share the work; by default one a processor where there are many files.
    """
    check_format(to)
    check_format(from_)
    from headrace.engine.convert import convert as run_convert

    options: dict[str, Any] = given(images=images, split=split, task=task, voc_origin=voc_origin)
    report = await run_convert(
        src,
        dst,
        to=to,
        from_=from_,
        on_error=on_error,
        strict=strict,
        dry_run=dry_run,
        progress=output.reporter,
        overwrite=overwrite,
        workers=workers,
        **options,
    )
    lines = [
        f"{src}: {report.source_format} ({report.why})",
        f"{dst}: {report.target_format}, {many(report.images_out, 'image')},"
        f" {many(report.shapes_out, 'shape')}" + (", not written: a dry run" if dry_run else ""),
    ]
    if report.images_dropped or report.shapes_dropped:
        lines.append(
            f"left out: {many(report.images_dropped, 'image')}, {many(report.shapes_dropped, 'shape')}"
        )
    labels = dict(sorted(report.labels.items(), key=lambda pair: (-pair[1], pair[0])))
    return Result(
        command="convert",
        data={
            "src": absolute(src),
            "dst": absolute(dst),
            "from": report.source_format,
            "to": report.target_format,
            "images": report.images_out,
            "shapes": report.shapes_out,
            "images_dropped": report.images_dropped,
            "shapes_dropped": report.shapes_dropped,
            "labels": report.labels,
            "declared": [{"what": loss.what, "becomes": loss.becomes} for loss in report.declared],
            "findings": findings_data(report.findings),
            "dry_run": report.dry_run,
            "seconds": round(report.seconds, 3),
        },
        lines=[*lines, *label_lines(labels), *finding_lines(report.findings)],
    )
