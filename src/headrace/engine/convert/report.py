"""The outcome of a conversion: its counts, and the check that it did not lose everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from headrace.errors import NoDataError
from headrace.formats.findings.collect import Finding, Findings, Pass
from headrace.formats.info import Loss

_REASONS = 3


class ConversionReport(Struct, kw_only=True):
    """The outcome of a conversion: what was read, what was written, and why the rest was not.

    Attributes:
        source: Path of the source, as given.
        target: Path of the target, as given.
        source_format: Name of the source's format.
        target_format: Name of the target's format.
        why: How the source's format was determined.
        task: The task that was written, where the target's format has tasks.
        images_in: Images that the source holds.
        images_out: Images written.
        shapes_in: Shapes that the source holds.
        shapes_out: Shapes written.
        images_dropped: Images left out, each with a finding.
        shapes_dropped: Shapes left out, each with a finding.
        shapes_merged: Records that became part of another record's shape, such as the frames of a track.
        shapes_added: Shapes that a record yielded beyond its first.
        labels: Number of shapes written by label.
        declared: What the target's format can never represent, whatever the source holds.
        findings: Everything odd or lost, one entry per kind with its count.
        seconds: Duration in seconds.
        dry_run: True if nothing was written.
        replaced: Where the folder is that was at the target before, if ``force`` renamed it.
    """

    source: str
    target: str
    source_format: str
    target_format: str
    why: str
    task: str | None = None
    images_in: int = 0
    images_out: int = 0
    shapes_in: int = 0
    shapes_out: int = 0
    images_dropped: int = 0
    shapes_dropped: int = 0
    shapes_merged: int = 0
    shapes_added: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    declared: list[Loss] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seconds: float = 0.0
    dry_run: bool = False
    replaced: str | None = None


def passes(findings: Findings) -> tuple[Pass, Pass]:
    """Return the pass that read and the pass that wrote."""
    read, written = findings.get("read"), findings.get("write")
    assert read is not None
    assert written is not None
    return read, written


def fill_counts(report: ConversionReport, findings: Findings) -> None:
    """Fill in what was read and written, and the findings."""
    read, written = passes(findings)
    report.images_in, report.shapes_in = read.images_in, read.shapes_in
    report.images_out, report.shapes_out = written.images_out, written.shapes_out
    for each in (read, written):
        report.images_dropped += each.images_dropped
        report.shapes_dropped += each.shapes_dropped
        report.shapes_merged += each.merged
        report.shapes_added += each.added
    report.findings = list(findings)


def shapes_written(read: Mapping[str, int], lost: Mapping[str, int]) -> dict[str, int]:
    """Return the number of shapes written by label, in the order of those read."""
    written = Counter(read)
    written.subtract(lost)
    return dict(written)


def check_not_empty(source: str, findings: Findings) -> None:
    """Raise NoDataError if no shape of a source that has some was written, or none of its images."""
    read, written = passes(findings)
    for count, left, what in (
        (read.shapes_in, written.shapes_out, "shapes"),
        (read.images_in, written.images_out, "images"),
    ):
        if count and not left:
            reasons = [
                f"{kind.dropped_shapes or kind.dropped_images:,} left out: {kind.message}"
                for kind in findings
                if kind.dropped_shapes or kind.dropped_images
            ]
            raise NoDataError(
                "; ".join(
                    [f"{source}: none of its {count:,} {what} can be written", *reasons[:_REASONS]]
                ),
                hint="if that is intended, pass allow_empty=True",
            )
