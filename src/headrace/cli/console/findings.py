"""What reading and writing found, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.formats.findings.collect import Finding


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A heading, then code, count, words and the first places of each."""
    if not findings:
        return []
    width = max(len(f"{finding.count:,}") for finding in findings)
    lines = ["findings"]
    for finding in findings:
        places = [str(place) for place in finding.examples if str(place)]
        where = f": {', '.join(places)}" if places else ""
        lines.append(f"  {finding.code:<4} {finding.count:>{width},}  {finding.message}{where}")
    return lines


def findings_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """The same as JSON."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity.name.lower(),
            "message": finding.message,
            "count": finding.count,
            "dropped_images": finding.dropped_images,
            "dropped_shapes": finding.dropped_shapes,
            "examples": [str(place) for place in finding.examples],
        }
        for finding in findings
    ]
