"""What the marks of labels must say: recounted from the annotations of a lake."""

from __future__ import annotations

from headrace.model.blob.counts import unpack_counts
from headrace.platform.core import asset_set
from tests.support.lakes.raw_rows import RawRows

Marked = dict[tuple[int, int], set[int]]
"""Assets by version and label."""


def marked(connection: RawRows) -> Marked:
    """Return what the marks say."""
    found: Marked = {}
    for version, block, label, size, assets in connection.execute(
        "select m.version, m.block, m.label, m.assets_n, m.assets from label_mark m"
        " join version v on v.no = m.version where v.state = 'ACTIVE'"
    ):
        numbers = asset_set.numbers_of(asset_set.to_bits(assets))
        assert size == len(numbers) > 0
        found.setdefault((version, label), set()).update(
            block * asset_set.SIZE + number for number in numbers
        )
    return found


def annotated(connection: RawRows) -> Marked:
    """Return what the annotations say."""
    found: Marked = {}
    for version, asset, counts in connection.execute(
        "select n.version, n.asset, n.counts from annotation n"
        " join version v on v.no = n.version where v.state = 'ACTIVE'"
    ):
        for label in unpack_counts(counts):
            found.setdefault((version, label), set()).add(asset)
    return found


def check_marks(connection: RawRows) -> None:
    """Compare the marks of a lake with its annotations, unless some version is not marked yet."""
    unmarked = "select count(*) from version where unmarked is not null"
    if not connection.execute(unmarked).fetchone()[0]:
        assert marked(connection) == annotated(connection)
