"""``headrace import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from headrace.cli.console.errors import UsageError
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
from headrace.cli.console.target import connected, find_version
from headrace.cli.console.wording import by_count, finding_lines, findings_data, label_lines, plural

if TYPE_CHECKING:
    from headrace.engine.imports.report import ImportReport


async def import_(
    target: str,
    version: str,
    /,
    *files: Path,
    format: Annotated[OptionalFormat, Parameter(name=["--format", "--from"])] = None,
    mode: Literal["replace", "keep", "concatenate"] = "replace",
    status: Status | None = None,
    images: Path | None = None,
    split: str | None = None,
    task: str | None = None,
    voc_origin: VocOrigin | None = None,
    on_error: OnError = "raise",
    allow_missing: Flag = False,
    known_labels: Flag = False,
    use_id: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Import annotation files into a version.

    All file names and labels are checked before anything is written. The same command continues after an interruption.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        files: Annotation files, or folders of them: COCO, COCO video, YOLO, VOC.
        format: Format of the files. Default: detected.
        mode: What to do with images that have annotations: replace them, keep them, or concatenate.
        status: Status of the new annotations.
        images: Folder of the images, read for sizes that the annotations do not give.
        split: Import only this split of the source.
        task: Task of the YOLO labels, if it cannot be detected: detect, segment, pose, obb or classify.
        voc_origin: Pixel coordinates of VOC boxes: zero counts from 0, one_inclusive from 1 with the last pixel inside.
        on_error: On a bad record: raise stops at the first, skip leaves it out, collect reports all and then fails.
        allow_missing: Skip images that are not in the version instead of failing.
        known_labels: Fail on a label that the version does not have instead of creating it.
        use_id: The file names images by the ids of their assets.
    """
    if not files:
        raise UsageError(
            "FILE is missing", hint="give annotation files: headrace import TARGET VERSION FILE…"
        )
    options = given(images=images, split=split, task=task, voc_origin=voc_origin)
    async with connected(target, account) as client:
        found = await find_version(client, version)
        reports = [
            await found.import_annotations(
                file,
                format,
                mode=mode,
                status=status,
                force_create_label=not known_labels,
                fail_on_asset_not_found=not allow_missing,
                use_id=use_id,
                on_error=on_error,
                progress=output.reporter,
                **options,
            )
            for file in files
        ]
    return Result(
        command="import",
        data={"version": version, "files": [_data(report) for report in reports]},
        lines=[line for report in reports for line in _lines(report)],
        next=f"headrace stats {target} {version}",
    )


def _lines(report: ImportReport) -> list[str]:
    labels = by_count(report.labels)
    lines = [
        f"{report.source}: {report.format}, {plural(report.annotations, 'annotation')} written",
        f"images  {report.images:,} in = {_parts(report, 'images')}",
        f"shapes  {report.shapes:,} in = {_parts(report, 'shapes')}",
        *label_lines(labels),
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


def _parts(report: ImportReport, what: str) -> str:
    """Return what became of all images or shapes: ``364 imported + 0 dropped``. Parts of zero between these two are left out."""
    words = {
        "imported": "imported",
        "kept": "kept unchanged",
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
        for part in ("", "_imported", "_kept", "_not_found", "_dropped")
    }
    return {
        "source": report.source,
        "format": report.format,
        "mode": report.mode.value,
        **counts,
        "annotations": report.annotations,
        "labels": report.labels,
        "not_found": report.not_found,
        "findings": findings_data(report.findings),
        "resumed": report.resumed,
        "seconds": round(report.seconds, 3),
    }
