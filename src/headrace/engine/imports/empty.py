"""An import that would import nothing is an error: before it, where that can be seen, so that nothing is replaced."""

from __future__ import annotations

from headrace.engine.imports.source import SourceSummary
from headrace.errors import NoDataError
from headrace.formats.findings.collect import Findings

_HINT = "if that is intended, pass allow_empty=True"


def check_not_empty(source: str, found: SourceSummary, findings: Findings) -> None:
    """Raise NoDataError if no image of a source has an asset, or no shape of a source that has some can be imported."""
    read = findings.get("read")
    shapes = 0 if read is None else read.shapes_in
    matches = found.matches
    if found.images and not matches.images:
        raise NoDataError(
            f"{source}: none of its {found.images:,} images is in the version", hint=_HINT
        )
    if shapes and not matches.shapes:
        reasons = [f"{matches.missing:,} images have no asset"] if matches.missing else []
        reasons += [
            f"{kind.dropped_shapes:,} left out: {kind.message}"
            for kind in findings
            if kind.dropped_shapes
        ]
        message = f"{source}: none of its {shapes:,} shapes can be imported"
        raise NoDataError("; ".join([message, *reasons[:3]]), hint=_HINT)
