"""Numbers, paths, labels and findings as text for people; findings as JSON too."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from headrace.cli.console.arguments import with_options
from headrace.cli.console.terminal import one_line, wrapped
from headrace.transfer.progress_event import duration as duration
from headrace.transfer.progress_event import size as size

if TYPE_CHECKING:
    from headrace.formats.findings.finding import Finding, Place
    from headrace.transfer.report import TransferReport

_BAR_WIDTH = 24
_FAILURES_SHOWN = 20
_NOT_WRITTEN = "not written: "
_EIGHTHS = " ▏▎▍▌▋▊▉"


def absolute(path: Path) -> str:
    """Return the absolute path, with symbolic links kept."""
    return os.path.abspath(path)


def shown_folder(path: Path) -> str:
    """Return a folder as a path that cannot be mistaken for a name: ``./lake``."""
    return str(path) if path.is_absolute() or path.parts[:1] == ("..",) else f"./{path}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Return a number with its noun: ``1 asset``, ``4,888 shapes``."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def counted(numbers: Mapping[str, int]) -> str:
    """Return numbers with their nouns, which are the keys in the plural: ``3 assets, 1 shape``. Zeros are left out."""
    shown = [plural(number, noun.removesuffix("s")) for noun, number in numbers.items() if number]
    return ", ".join(shown) or "nothing"


def replaced_lines(path: str | None) -> list[str]:
    """Return the line that says where a folder is that was renamed to make room."""
    return [] if path is None else [f"renamed what was there: {path}"]


def way_back(target: str, removal: object) -> list[str]:
    """Return the line that says how to put back what a command removed; none without a record of it."""
    return [] if removal is None else [f"to put it back: headrace undo run {target} {removal}"]


def by_count(labels: Mapping[str, int]) -> dict[str, int]:
    """Return the labels with the most frequent first."""
    return dict(sorted(labels.items(), key=lambda pair: (-pair[1], pair[0])))


def label_lines(counts: Mapping[str, int]) -> list[str]:
    """Return one line for each label: name, shapes, share of all, and a bar in proportion to the largest."""
    if not counts:
        return []
    total, largest = sum(counts.values()), max(counts.values())
    name_width = max(map(len, counts))
    number_width = len(f"{largest:,}")
    return [
        f"  {name:<{name_width}}  {count:>{number_width},}  {_share(count, total):>6} %  {_bar(count, largest)}".rstrip()
        for name, count in counts.items()
    ]


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Return a heading, and one line for each finding: code, count, message and the first places.

    What a format does not write although nothing of value is lost (ids, areas) comes last, in one line. On a terminal,
    long lines are wrapped.
    """
    details = [finding for finding in findings if _is_detail(finding)]
    others = [finding for finding in findings if not _is_detail(finding)]
    width = max([len(f"{finding.count:,}") for finding in others], default=0)
    lines = ["findings"] if others else []
    for finding in others:
        head = f"  {finding.code:<4} {finding.count:>{width},}  "
        where = ", ".join(dict.fromkeys(filter(None, map(_shown_place, finding.examples))))
        text = with_options(finding.message) + (f": {where}" if where else "")
        line = head + one_line(text)
        lines.append(wrapped(line, sys.stdout, indent=len(head)))
    if others and sys.stdout.isatty():
        lines.append(f"Explain: headrace explain {others[0].code}")
    if details:
        names = dict.fromkeys(finding.message.removeprefix(_NOT_WRITTEN) for finding in details)
        line = one_line(f"details not written: {', '.join(names)}")
        lines.append(wrapped(line, sys.stdout, indent=2))
    return lines


def _is_detail(finding: Finding) -> bool:
    return finding.code == "LOSS" and finding.severity == 0


def _place(place: Place) -> Place:
    return place if place.detail is None else replace(place, detail=with_options(place.detail))


def _shown_place(place: Place) -> str:
    where, detail = str(replace(place, detail=None)), _place(place).detail
    return f"{where} ({detail})" if where and detail else where or detail or ""


def findings_data(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Return the findings as JSON objects."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity.name.lower(),
            "message": with_options(finding.message),
            "count": finding.count,
            "dropped_images": finding.dropped_images,
            "dropped_shapes": finding.dropped_shapes,
            "examples": [str(_place(place)) for place in finding.examples],
        }
        for finding in findings
    ]


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}" if total else "0.0"


def _bar(count: int, largest: int) -> str:
    eighths = round(8 * _BAR_WIDTH * count / largest) if largest else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


# --- failures ------------------------------------------------------------------------------------------------


def failure_lines(report: TransferReport) -> list[str]:
    """Return a line for each of the first files that failed."""
    if not report.failed:
        return []
    shown = report.failures[:_FAILURES_SHOWN]
    rest = report.failed - len(shown)
    lines = [f"{plural(report.failed, 'file')} failed:"]
    lines += [f"  {one_line(each.name)}: {with_options(each.message)}" for each in shown]
    return lines + ([f"  … and {rest:,} more (--json names them)"] if rest else [])


def failures_data(report: TransferReport) -> list[dict[str, str]]:
    """Return each file that failed, with the code and the message of its error."""
    return [
        {"name": each.name, "code": each.code, "message": with_options(each.message)}
        for each in report.failures
    ]
