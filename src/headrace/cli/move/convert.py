"""``headrace convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.class_order import class_order as parse_order
from headrace.cli.console.findings import finding_lines, findings_data
from headrace.cli.console.formats import FormatOption, MaybeFormat
from headrace.cli.console.label_bars import label_lines
from headrace.cli.console.options import PLAIN, Flag, OnError, Output, VocOrigin
from headrace.cli.console.result import Result
from headrace.cli.console.target import given
from headrace.cli.console.wording import absolute, many
from headrace.threads import in_thread


async def convert(
    src: Path,
    dst: Path,
    /,
    *,
    to: FormatOption,
    from_: Annotated[MaybeFormat, Parameter(name="--from")] = None,
    images: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    class_order: str | None = None,
    voc_origin: VocOrigin | None = None,
    on_error: OnError = "raise",
    strict: Flag = False,
    overwrite: Flag = False,
    report: Path | None = None,
    dry_run: Flag = False,
    workers: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    output: Output = PLAIN,
) -> Result:
    """Convert annotation files to another format, without a lake.

    Args:
        src: The file or folder to read.
        dst: The file or folder to write; it appears complete or not at all.
        to: The format to write.
        from_: The format to read; by default it is found by looking.
        images: The folder of the images, for sizes that the annotations do not give.
        split: Read this split only, or name the one to write where the source has none.
        task: What YOLO labels say: detect, segment, pose, obb or classify.
        class_order: How classes are numbered: source, name, NAME,NAME… or @FILE, one name a line.
        voc_origin: Whether the corners of VOC count from 0, or from 1 with the last pixel inside.
        on_error: At a bad record: fail, leave it out, or go on to name all and then fail.
        strict: Fail at the first thing that is odd or that the format cannot say.
        overwrite: Replace what is there.
        report: Write every single finding to this file, as lines of JSON.
        dry_run: Do everything but write; a report is written all the same.
        workers: How many processes share the work; by default several only where that pays.
    """
    from headrace.engine.convert.run import convert as run_convert

    order = None if class_order is None else await in_thread(parse_order, class_order)
    options: dict[str, Any] = given(
        images=images, split=split, task=task, class_order=order, voc_origin=voc_origin
    )
    outcome = await run_convert(
        src,
        dst,
        to=to,
        from_=from_,
        on_error=on_error,
        strict=strict,
        dry_run=dry_run,
        progress=output.reporter,
        overwrite=overwrite,
        report=report,
        workers=workers,
        **options,
    )
    lines = [
        f"{src}: {outcome.source_format} ({outcome.why})",
        f"{dst}: {outcome.target_format}, {many(outcome.images_out, 'image')},"
        f" {many(outcome.shapes_out, 'shape')}" + (", not written: a dry run" if dry_run else ""),
    ]
    if outcome.images_dropped or outcome.shapes_dropped:
        lines.append(
            f"left out: {many(outcome.images_dropped, 'image')}, {many(outcome.shapes_dropped, 'shape')}"
        )
    labels = dict(sorted(outcome.labels.items(), key=lambda pair: (-pair[1], pair[0])))
    return Result(
        command="convert",
        data={
            "src": absolute(src),
            "dst": absolute(dst),
            "from": outcome.source_format,
            "to": outcome.target_format,
            "images": outcome.images_out,
            "shapes": outcome.shapes_out,
            "images_dropped": outcome.images_dropped,
            "shapes_dropped": outcome.shapes_dropped,
            "labels": outcome.labels,
            "declared": [{"what": loss.what, "becomes": loss.becomes} for loss in outcome.declared],
            "findings": findings_data(outcome.findings),
            "report": None if report is None else absolute(report),
            "dry_run": outcome.dry_run,
            "seconds": round(outcome.seconds, 3),
        },
        lines=[
            *lines,
            *label_lines(labels),
            *finding_lines(outcome.findings),
            *([] if report is None else [f"every single finding: {report}"]),
        ],
    )
