"""``headrace import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from headrace.cli.console.choice import (
    DEFAULT_CHOICE,
    Choice,
    not_found_data,
    not_found_lines,
    status_of,
)
from headrace.cli.console.errors import FAILED, Failure, UsageError, explain
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    OnError,
    OptionalFormat,
    Output,
    Status,
    VocOrigin,
    given,
)
from headrace.cli.console.result import Result
from headrace.cli.console.streams import check_one_stream, input_file
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import (
    absolute,
    by_count,
    finding_lines,
    findings_data,
    label_lines,
    plural,
    way_back,
)
from headrace.errors import ConflictError, FormatError, NoDataError, NotFoundError

if TYPE_CHECKING:
    from headrace.engine.imports.report import ImportReport


async def import_(
    target: str,
    version: str,
    /,
    *files: Path,
    format: Annotated[OptionalFormat, Parameter(name=["--from", "--format"])] = None,
    mode: Literal["replace", "keep", "concatenate"] = "replace",
    status: Status | None = None,
    images: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    voc_origin: VocOrigin | None = None,
    labels: Path | None = None,
    on_error: OnError = "raise",
    report: Path | None = None,
    allow_missing: Flag = False,
    known_labels: Flag = False,
    use_id: Flag = False,
    no_split_tags: Flag = False,
    allow_empty: Flag = False,
    dry_run: Flag = False,
    no_undo: Flag = False,
    choice: Choice = DEFAULT_CHOICE,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Import annotation files into a version.

    Images are matched to assets by path, by name, or by the end of the path. All of them and all labels are checked before anything is written. The same command continues after an interruption.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        files: Annotation files, or folders of them; - reads standard input.
        format: Format of the files. Default: detected.
        mode: What to do with images that have annotations: replace them, keep them, or concatenate.
        status: Status of the new annotations.
        images: Folder of the images, read for sizes that the annotations do not give.
        split: Import only this split of the source.
        task: Task of the YOLO labels, if it cannot be detected: detect, segment, pose, obb or classify.
        voc_origin: Pixel coordinates of VOC boxes: zero counts from 0, one_inclusive from 1 with the last pixel inside.
        labels: A TOML file that renames, merges or drops labels.
        on_error: On a bad record: raise stops at the first, skip leaves it out, collect reports all and then fails. Of several files, skip also leaves out those that cannot be read at all; the exit status is 1 then.
        report: Write every finding to this file, as JSON lines; of one FILE only.
        allow_missing: Skip images that are not in the version instead of failing.
        known_labels: Fail on a label that the version does not have instead of creating it.
        use_id: The file names images by the ids of their assets.
        no_split_tags: Do not tag assets with the split of their image (train, val, test).
        allow_empty: Succeed even if no image or no shape of the file can be imported.
        dry_run: Print what would be imported, created and replaced, and write nothing.
        no_undo: Replace annotations without recording them, so that headrace undo cannot put them back.
    """
    if not files:
        raise UsageError(
            "FILE is missing", hint="give annotation files: headrace import TARGET VERSION FILE…"
        )
    if report is not None and len(files) > 1:
        raise UsageError("--report takes the findings of one FILE", hint="import one at a time")
    options = given(images=images, split=split, task=task, voc_origin=voc_origin, labels_map=labels)
    chosen = await choice.filter()
    check_one_stream(choice.files_from, *files)
    reports: list[ImportReport] = []
    failures: list[tuple[Path, Failure]] = []
    async with connected(target, account) as client:
        found = await find_version(client, version)
        for file in files:
            try:
                async with input_file(file, format) as source:
                    imported = await found.import_annotations(
                        source.path,
                        format,
                        mode=mode,
                        status=status,
                        force_create_label=not known_labels,
                        fail_on_asset_not_found=not allow_missing,
                        use_id=use_id,
                        on_error=on_error,
                        split_tags=not no_split_tags,
                        allow_empty=allow_empty,
                        dry_run=dry_run,
                        undo=not no_undo,
                        include=chosen,
                        progress=output.reporter,
                        report=report,
                        **options,
                    )
            except (FormatError, NoDataError, NotFoundError, ConflictError, OSError) as error:
                if on_error != "skip" or len(files) == 1:
                    raise
                failures.append((file, explain(error)))
                continue
            imported.source = source.shown(imported.source)
            imported.findings = source.findings(imported.findings)
            reports.append(imported)
    failed = not allow_empty and any(map(_is_empty, reports))
    return Result(
        command="import",
        data={
            "version": version,
            "files": [_data(each) for each in reports],
            "report": None if report is None else absolute(report),
            "failures": [failure.json() | {"path": str(file)} for file, failure in failures],
            **not_found_data(chosen),
        },
        lines=[
            *(line for each in reports for line in _lines(each, target)),
            *([] if report is None else [f"all findings: {report}"]),
            *(f"{file} was not imported: {failure.line()}" for file, failure in failures),
            *not_found_lines(chosen),
        ],
        next=None if dry_run else f"headrace stats {target} {version}",
        status=FAILED if failed or failures else status_of(chosen),
    )


def _is_empty(report: ImportReport) -> bool:
    """Return whether a source has shapes, and none was imported or is there already: all assets are in a campaign."""
    return report.shapes > 0 and report.shapes_imported + report.shapes_kept == 0


def _lines(report: ImportReport, target: str) -> list[str]:
    written = "would be written" if report.dry_run else "written"
    lines = [
        f"{report.source}: {report.format}, {plural(report.annotations, 'annotation')} {written}",
        f"images  {report.images:,} in = {_parts(report, 'images')}",
        f"shapes  {report.shapes:,} in = {_parts(report, 'shapes')}",
        *_notes(report),
        *way_back(target, report.removal),
        *label_lines(by_count(report.labels)),
        *finding_lines(report.findings),
    ]
    if report.resumed:
        lines.insert(1, f"resumed: {plural(report.resumed, 'chunk')} had already been written")
    if report.not_found:
        lines.append(
            f"no asset for {', '.join(report.not_found[:5])}"
            + (" …" if len(report.not_found) > 5 else "")
        )
    return lines


def _notes(report: ImportReport) -> list[str]:
    """Return one line for each thing that was done beside writing the annotations."""
    lines = []
    would_be = "would be " if report.dry_run else ""
    if report.splits:
        splits = " + ".join(f"{count:,} {name}" for name, count in report.splits.items())
        lines.append(f"splits  {splits} {would_be}tagged")
    if report.splits_kept:
        keep = "keeps" if report.splits_kept == 1 else "keep"
        lines.append(f"{plural(report.splits_kept, 'asset')} {keep} the tag of another split")
    if report.annotations_replaced:
        replaced = plural(report.annotations_replaced, "annotation")
        shapes = plural(report.shapes_replaced, "shape")
        lines.append(f"{replaced} with {shapes} {would_be}replaced")
    if report.example_by_ending is not None:
        image, asset = report.example_by_ending
        images = plural(report.images_by_ending, "image")
        lines.append(f"{images} matched by the end of the name, such as {image} to {asset}")
    if report.dry_run and report.labels_created:
        labels = plural(len(report.labels_created), "label")
        lines.append(f"{labels} would be created: {', '.join(report.labels_created)}")
    return lines


def _parts(report: ImportReport, what: str) -> str:
    """Return what became of all images or shapes: ``364 imported + 0 dropped``. Parts of zero between these two are left out."""
    words = {
        "imported": "imported",
        "kept": "kept unchanged",
        "in_campaign": "in a campaign",
        "not_found": "without an asset",
        "dropped": "dropped",
    }
    counts = {part: getattr(report, f"{what}_{part}") for part in words}
    return " + ".join(
        f"{count:,} {words[part]}"
        for part, count in counts.items()
        if count or part in ("imported", "dropped")
    )


def _data(report: ImportReport) -> dict[str, Any]:
    counts = {
        f"{what}{part}": getattr(report, f"{what}{part}")
        for what in ("images", "shapes")
        for part in ("", "_imported", "_kept", "_in_campaign", "_not_found", "_dropped")
    }
    return {
        "source": report.source,
        "format": report.format,
        "mode": report.mode.value,
        **counts,
        "annotations": report.annotations,
        "annotations_replaced": report.annotations_replaced,
        "shapes_replaced": report.shapes_replaced,
        "removal": report.removal,
        "labels": report.labels,
        "labels_created": report.labels_created,
        "splits": report.splits,
        "splits_kept": report.splits_kept,
        "images_by_ending": report.images_by_ending,
        "not_found": report.not_found,
        "findings": findings_data(report.findings),
        "resumed": report.resumed,
        "dry_run": report.dry_run,
        "seconds": round(report.seconds, 3),
    }
