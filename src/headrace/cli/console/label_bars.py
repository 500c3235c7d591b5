"""How often each label is used, as lines with bars."""

from __future__ import annotations

from collections.abc import Mapping

_BAR = 24
_EIGHTHS = " ▏▎▍▌▋▊▉"


def label_lines(counts: Mapping[str, int]) -> list[str]:
    """One line a label: name, shapes, share of all, and a bar in proportion to the largest."""
    if not counts:
        return []
    total, largest = sum(counts.values()), max(counts.values())
    name_width = max(map(len, counts))
    number_width = len(f"{largest:,}")
    return [
        f"  {name:<{name_width}}  {count:>{number_width},}  {_share(count, total):>6} %  {_bar(count, largest)}".rstrip()
        for name, count in counts.items()
    ]


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f}" if total else "0.0"


def _bar(count: int, largest: int) -> str:
    eighths = round(8 * _BAR * count / largest) if largest else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
