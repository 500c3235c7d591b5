"""The counts of a conversion, and the check that it did not lose everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from headrace.errors import NoDataError
from headrace.formats.findings.collect import Findings, Pass

_REASONS = 3


def passes(findings: Findings) -> tuple[Pass, Pass]:
    """Return the pass that read and the pass that wrote."""
    read, written = findings.get("read"), findings.get("write")
    assert read is not None
    assert written is not None
    return read, written


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
