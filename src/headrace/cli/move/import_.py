"""``headrace import``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from headrace.cli.console.errors import UsageError
from headrace.cli.console.findings import finding_lines, findings_data
from headrace.cli.console.formats import MaybeFormat
from headrace.cli.console.label_bars import label_lines
from headrace.cli.console.options import (
    ANYONE,
    PLAIN,
    Account,
    Flag,
    OnError,
    Output,
    Status,
    VocOrigin,
)
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version, given
from headrace.cli.console.wording import many

if TYPE_CHECKING:
    from headrace.engine.imports.report import ImportReport


async def import_(
    target: str,
    version: str,
    /,
    *files: Path,
    format: Annotated[MaybeFormat, Parameter(name=["--format", "--from"])] = None,
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
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Import annotation files into a version.

    Nothing is written before all file names and labels are known to be good. The same command goes on after an
    interruption.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        files: Annotation files or folders of them: COCO, video COCO, YOLO, VOC.
        format: Their format; by default it is found by looking.
        mode: What happens to images that are annotated already.
        status: The status of the new annotations.
        images: The folder of the images, for sizes that the annotations do not give.
        split: Only this split of the source.
        task: What the rows mean where the format cannot tell (YOLO).
        voc_origin: Whether the corners of VOC count from 0, or from 1 with the last pixel inside.
        on_error: At a bad record: fail, leave it out, or go on to name all and then fail.
        allow_missing: Leave images out that are not in the version, rather than fail.
        known_labels: Fail at a label that the version does not have, rather than make it.
        use_id: The images are called by the ids of their assets.
    """
    if not files:
        raise UsageError(
            "FILE is missing", hint="name annotation files: headrace import TARGET VERSION FILE…"
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
    labels = dict(sorted(report.labels.items(), key=lambda pair: (-pair[1], pair[0])))
    lines = [
        f"{report.source}: {report.format}, {many(report.annotations, 'annotation')} written",
        f"images  {report.images:,} in = {_parts(report, 'images')}",
        f"shapes  {report.shapes:,} in = {_parts(report, 'shapes')}",
        *label_lines(labels),
        *finding_lines(report.findings),
    ]
    if report.resumed:
        lines.insert(1, f"resumed: {many(report.resumed, 'chunk')} had been written before")
    if report.not_found:
        lines.append(
            f"no asset for {', '.join(report.not_found[:5])}"
            + (" …" if len(report.not_found) > 5 else "")
        )
    return lines


def _parts(report: ImportReport, what: str) -> str:
    """``364 imported + 0 dropped``: where everything went, parts that are not there left out but the first and last."""
    words = {
        "imported": "imported",
        "kept": "kept as they are",
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
