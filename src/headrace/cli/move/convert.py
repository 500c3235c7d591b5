"""``headrace convert``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.options import (
    DEFAULT_OUTPUT,
    Flag,
    FormatOption,
    OnError,
    OptionalFormat,
    Output,
    VocOrigin,
    Workers,
    given,
    parse_class_order,
)
from headrace.cli.console.result import Result
from headrace.cli.console.streams import STREAM, check_one_stream, input_file, output_file
from headrace.cli.console.wording import (
    absolute,
    by_count,
    finding_lines,
    findings_data,
    label_lines,
    plural,
    replaced_lines,
)
from headrace.threads import in_thread


async def convert(
    src: Path,
    dst: Path,
    /,
    *,
    to: Annotated[FormatOption, Parameter(name=["--to", "--format"])],
    from_: Annotated[OptionalFormat, Parameter(name="--from")] = None,
    images: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    class_order: str | None = None,
    labels: Path | None = None,
    voc_origin: VocOrigin | None = None,
    on_error: OnError = "raise",
    strict: Flag = False,
    overwrite: Flag = False,
    force: Flag = False,
    allow_empty: Flag = False,
    report: Path | None = None,
    dry_run: Flag = False,
    workers: Workers = None,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Convert annotation files to another format, without a lake.

    Args:
        src: The file or folder to read; - reads standard input.
        dst: The file or folder to write; it appears only when it is complete. - writes standard output.
        to: Format to write.
        from_: Format to read. Default: detected.
        images: Folder of the images, read for sizes that the annotations do not give.
        split: Read only this split; if the source has none, the name of the split to write.
        task: Task of the YOLO labels: auto, detect, segment, pose, obb or classify. Default: the one that fits the shapes.
        class_order: Order of the class numbers: source, name, NAME,NAME… or @FILE with one name a line. Default: source.
        labels: A TOML file that renames, merges or drops labels; class orders name labels as it does.
        voc_origin: Pixel coordinates of VOC boxes: zero counts from 0, one_inclusive from 1 with the last pixel inside.
        on_error: On a bad record: raise stops at the first, skip leaves it out, collect reports all and then fails.
        strict: Fail on the first finding, and on the first thing that the format cannot represent.
        overwrite: Replace a file at the destination; in a folder, only the files that headrace wrote there unchanged.
        force: Rename a folder that --overwrite must not replace to DST.replaced-TIME, then write.
        allow_empty: Succeed even if no shape or no image of the source can be written.
        report: Write every finding to this file, as JSON lines.
        dry_run: Do everything except writing the destination; --report is still written.
        workers: Number of processes. Default: more than one only for large sources.
    """
    from headrace.engine.convert.run import convert as run_convert

    order = None if class_order is None else await in_thread(parse_class_order, class_order)
    options: dict[str, Any] = given(
        images=images,
        split=split,
        task=task,
        class_order=order,
        voc_origin=voc_origin,
        labels_map=labels,
    )
    check_one_stream(src, choice.files_from)
    chosen = await choice.filter()
    async with input_file(src, from_) as source, output_file(dst, to) as target:
        outcome = await run_convert(
            source.path,
            target,
            to=to,
            from_=from_,
            on_error=on_error,
            strict=strict,
            dry_run=dry_run,
            progress=output.reporter,
            overwrite=overwrite,
            force=force,
            allow_empty=allow_empty,
            report=report,
            workers=workers,
            include=chosen,
            **options,
        )
    findings = source.findings(outcome.findings)
    name = (
        outcome.target_format if outcome.task is None else f"{outcome.target_format} {outcome.task}"
    )
    lines = [
        f"{src}: {outcome.source_format} ({source.shown(outcome.why)})",
        f"{dst}: {name}, {plural(outcome.images_out, 'image')},"
        f" {plural(outcome.shapes_out, 'shape')}" + (", not written (dry run)" if dry_run else ""),
    ]
    if outcome.images_dropped or outcome.shapes_dropped:
        lines.append(
            f"left out: {plural(outcome.images_dropped, 'image')}, {plural(outcome.shapes_dropped, 'shape')}"
        )
    lines += [*replaced_lines(outcome.replaced), *not_found_lines(chosen)]
    counts = by_count(outcome.labels)
    return Result(
        command="convert",
        data={
            "src": "-" if src == STREAM else absolute(src),
            "dst": "-" if dst == STREAM else absolute(dst),
            "from": outcome.source_format,
            "to": outcome.target_format,
            "task": outcome.task,
            "images": outcome.images_out,
            "shapes": outcome.shapes_out,
            "images_dropped": outcome.images_dropped,
            "shapes_dropped": outcome.shapes_dropped,
            "labels": outcome.labels,
            "declared": [{"what": loss.what, "becomes": loss.becomes} for loss in outcome.declared],
            "findings": findings_data(findings),
            "report": None if report is None else absolute(report),
            "dry_run": outcome.dry_run,
            "replaced": outcome.replaced,
            "seconds": round(outcome.seconds, 3),
            **not_found_data(chosen),
        },
        status=status_of(chosen),
        lines=[
            *lines,
            *label_lines(counts),
            *finding_lines(findings),
            *([] if report is None else [f"all findings: {report}"]),
        ],
    )
