"""``headrace export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.find import chosen_assets
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    FormatOption,
    Output,
    Query,
    Status,
    given,
    parse_class_order,
)
from headrace.cli.console.result import Result
from headrace.cli.console.streams import STREAM, output_file
from headrace.cli.console.target import connected, find_version, split_digest
from headrace.cli.console.wording import (
    absolute,
    finding_lines,
    findings_data,
    plural,
    replaced_lines,
)
from headrace.formats.info import Media
from headrace.threads import in_thread


async def export(
    target: str,
    version: str,
    dst: Path,
    /,
    *,
    format: Annotated[FormatOption, Parameter(name=["--to", "--format"])],
    q: Query = None,
    status: Status | None = None,
    images: Path | None = None,
    media: Media | None = None,
    task: str | None = None,
    split_by: str = "tag",
    split_seed: int = 0,
    split: str | None = None,
    class_order: str | None = None,
    labels: Path | None = None,
    use_id: Flag = False,
    overwrite: Flag = False,
    force: Flag = False,
    strict: Flag = False,
    dry_run: Flag = False,
    allow_empty: Flag = False,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Export the annotations of a version to a file or folder.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version; with @sha256:… after it, the digest that it must have.
        dst: The file or folder to write; it appears only when it is complete. - writes standard output.
        format: Format to write.
        q: Export only assets that fulfil this condition. Default: all.
        status: Export only annotations with this status. Default: all.
        images: Folder of the images, as pull fills it, for YOLO's task classify; without it they come from the target.
        media: Put the images in place: copy, hardlink or symlink (to the lake's own files, which must not be changed
            then), or none. Default: copy for the task classify, else none.
        task: Task of the YOLO labels: auto, detect, segment, pose, obb or classify. Default: the one that fits.
        split_by: Splits: tag (the tags train, val, test … of assets), none, or a ratio such as 80/20 or 70/20/10.
        split_seed: Seed of the ratio. File names and seed decide, so an image stays in its split.
        split: Name of the split of all images that have none.
        class_order: Order of the class numbers: source, name, NAME,NAME… or @FILE with one name a line. Default: source.
        labels: A TOML file that renames, merges or drops labels; class orders name labels as it does.
        use_id: Name images by the ids of their assets.
        overwrite: Replace a file at the destination; in a folder, only the files that headrace wrote there unchanged.
        force: Rename a folder that --overwrite must not replace to DST.replaced-TIME, then write.
        strict: Fail if the format cannot represent something, instead of counting it.
        dry_run: Do everything except write the destination.
        allow_empty: Write the destination even if every shape is lost.
    """
    order = None if class_order is None else await in_thread(parse_class_order, class_order)
    options = given(images=images, task=task, split=split, class_order=order)
    version, expected = split_digest(version)
    chosen = await choice.filter()
    async with output_file(dst, format) as path, connected(target, account) as client:
        found = await find_version(client, version)
        assets = None if q is None else await chosen_assets(found, q)
        report = await found.export(
            path,
            format,
            status=status,
            assets=assets,
            use_id=use_id,
            overwrite=overwrite,
            force=force,
            strict=strict,
            media=media,
            split_by=split_by,
            split_seed=split_seed,
            dry_run=dry_run,
            allow_empty=allow_empty,
            expected_digest=expected,
            include=chosen,
            labels_map=labels,
            progress=output.reporter,
            **options,
        )
    counts = [plural(report.images, "image"), plural(report.shapes, "shape")]
    if report.shapes_dropped:
        counts.append(f"{report.shapes_dropped:,} left out")
    if report.media:
        counts.append(f"{plural(report.media, 'image file')} placed")
    if dry_run:
        counts.append("not written (dry run)")
    name = report.format if report.task is None else f"{report.format} {report.task}"
    return Result(
        command="export",
        data={
            "version": version,
            "target": "-" if dst == STREAM else absolute(dst),
            "format": report.format,
            "task": report.task,
            "images": report.images,
            "shapes": report.shapes,
            "shapes_dropped": report.shapes_dropped,
            "labels": report.labels,
            "splits": report.splits,
            "media": report.media,
            "dry_run": report.dry_run,
            "replaced": report.replaced,
            "findings": findings_data(report.findings),
            "seconds": round(report.seconds, 3),
            **not_found_data(chosen),
        },
        status=status_of(chosen),
        lines=[
            f"{dst}: {name}, {', '.join(counts)}",
            *replaced_lines(report.replaced),
            *not_found_lines(chosen),
            *finding_lines(report.findings),
        ],
    )
