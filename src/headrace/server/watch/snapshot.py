"""Figures as plain records, so that processes can send them to each other, and their sum."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

COUNTED = frozenset({"counter", "histogram"})
"""The kinds of families that only grow: what a dead process counted stays in the sum."""

SAME = frozenset(
    {
        "headrace_build_info",
        "headrace_database_bytes",
        "headrace_disk_bytes",
        "headrace_disk_free_bytes",
        "headrace_jobs",
        "headrace_lease_age_seconds",
        "headrace_objects",
        "headrace_objects_bytes",
        "process_max_fds",
        "process_start_time_seconds",
    }
)
"""Families that are no sum: all processes tell the same, and the largest figure counts."""

Labels = tuple[tuple[str, str], ...]


class Series(Struct, array_like=True):
    """One figure: the name of its line, its labels and its value."""

    name: str
    labels: Labels
    value: float


class Family(Struct, array_like=True):
    """The figures of one name, such as all buckets of a histogram."""

    name: str
    text: str
    kind: str
    series: list[Series]


Snapshot = list[Family]
"""All figures of a process, or of a server."""


def total(snapshots: Iterable[Snapshot]) -> Snapshot:
    """Sum up the figures of several processes."""
    families: dict[str, Family] = {}
    values: dict[str, dict[tuple[str, Labels], float]] = {}
    for snapshot in snapshots:
        for family in snapshot:
            families.setdefault(family.name, family)
            sums = values.setdefault(family.name, {})
            for one in family.series:
                key = (one.name, one.labels)
                if family.name in SAME:
                    sums[key] = max(sums.get(key, one.value), one.value)
                else:
                    sums[key] = sums.get(key, 0.0) + one.value
    return [
        Family(
            name,
            family.text,
            family.kind,
            [Series(line, labels, value) for (line, labels), value in values[name].items()],
        )
        for name, family in families.items()
    ]


def counted(snapshot: Snapshot) -> Snapshot:
    """Return the figures of a process that stay when it ends."""
    return [family for family in snapshot if family.kind in COUNTED and family.name not in SAME]
