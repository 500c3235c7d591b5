"""Adding the shapes of an import to an annotation that is there."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any, NamedTuple

import msgspec

from headrace.model.columns import append_shapes
from headrace.model.packing import pack, pack_counts, unpack
from headrace.platform.annotations.decode import PreparedAnnotation


class ExistingAnnotation(NamedTuple):
    """An annotation that an asset has already."""

    asset: int
    no: int
    account: int
    status: str
    counts: bytes
    shapes: bytes | None
    content: int | None
    attributes: str | None


class MergedAnnotation(NamedTuple):
    """An existing annotation with the shapes of an item behind its own."""

    blob: bytes
    counts: bytes
    size: int
    attributes: str | None


def merge_all(
    pairs: list[tuple[ExistingAnnotation, bytes, PreparedAnnotation]],
) -> dict[ExistingAnnotation, MergedAnnotation]:
    """Existing annotations with the shapes of their items; each comes with its blob."""
    return {existing: _merge(existing, blob, item) for existing, blob, item in pairs}


def _merge(existing: ExistingAnnotation, blob: bytes, item: PreparedAnnotation) -> MergedAnnotation:
    shapes = append_shapes(unpack(blob), item.shapes)
    attributes = existing.attributes
    if item.attributes:
        old: dict[str, Any] = msgspec.json.decode(attributes) if attributes else {}
        attributes = msgspec.json.encode(old | item.attributes).decode()
    counts = Counter(chain.from_iterable(group.labels for group in shapes.groups))
    return MergedAnnotation(pack(shapes), pack_counts(counts), shapes.count, attributes)
