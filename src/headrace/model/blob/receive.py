"""Blobs that another process packed: check them by the page, and give their labels the keys of a version.

Nothing of a blob is trusted: it is read as if its bytes were random. Blobs of rectangles, points, polygons and lines
alone are checked by their columns. All others are unpacked, and the caller packs them again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from msgspec import Struct

from headrace.errors import CorruptionError
from headrace.model.blob import runs
from headrace.model.blob.chains import ChainRuns
from headrace.model.blob.decoded_chains import check_chains
from headrace.model.blob.layout import BlobContent, BlobGroup, opened, seal
from headrace.model.blob.unpack import unpack_page
from headrace.model.blob.values import Integers
from headrace.model.columns import FLAT, ShapeKind, Shapes
from headrace.model.ids import MAX_ORDINAL

_CHAINED = frozenset({ShapeKind.POLYGON, ShapeKind.LINE})
_NONE = ChainRuns(b"", b"", b"")


class UnknownLabelError(ValueError):
    """A blob has a label that the table of labels does not have."""


class ReceivedShapes(Struct):
    """The shapes of one blob.

    Attributes:
        blob: The blob, with the keys of the version; empty where ``shapes`` must be packed.
        counts: The number of shapes of each label key.
        shapes: The shapes, where they must still be packed.
    """

    blob: bytes
    counts: dict[int, int]
    shapes: Shapes | None = None


def receive(blob: bytes, keys: Mapping[int, int]) -> ReceivedShapes:
    """Check one blob; see :func:`receive_page`."""
    return receive_page([blob], keys)[0]


def receive_page(blobs: Sequence[bytes], keys: Mapping[int, int]) -> list[ReceivedShapes]:
    """Check some blobs.

    Args:
        blobs: The blobs. Their labels are indices of ``keys``.
        keys: The key of each label in the version.

    Raises:
        ValueError: A blob is invalid.
        UnknownLabelError: A label is not among the keys.
    """
    try:
        contents = [opened(blob) for blob in blobs]
        for content in contents:
            _check_groups(content)
        groups = [group for content in contents for group in content.groups]
        sizes, labels = _relabel(groups, keys)
        end = 0
        for content in contents:
            start, end = end, end + len(content.groups)
            if sum(sizes[start:end]) > MAX_ORDINAL:
                raise ValueError("more shapes than an annotation can have")
        plain = [_is_plain(content) for content in contents]
        _check_plain(
            [
                (group, size)
                for content, size_of, is_plain in _with_sizes(contents, sizes, plain)
                if is_plain
                for group, size in zip(content.groups, size_of, strict=True)
            ]
        )
        rest = [blob for blob, is_plain in zip(blobs, plain, strict=True) if not is_plain]
        unpacked = iter(unpack_page(rest) if rest else [])
    except (CorruptionError, msgspec.MsgspecError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
    received = []
    following = iter(labels)
    for content, size_of, is_plain in _with_sizes(contents, sizes, plain):
        of_groups = [next(following) for _ in size_of]
        if is_plain:
            counts: dict[int, int] = {}
            for each in of_groups:
                for key in each:
                    counts[key] = counts.get(key, 0) + 1
            received.append(ReceivedShapes(seal(content, scored=False), counts))
        else:
            shapes = next(unpacked)
            for group, keys_of_group in zip(shapes.groups, of_groups, strict=True):
                group.labels = keys_of_group
            received.append(ReceivedShapes(b"", dict(shapes.label_counts()), shapes))
    return received


def _with_sizes(
    contents: list[BlobContent], sizes: list[int], plain: list[bool]
) -> list[tuple[BlobContent, list[int], bool]]:
    """Give each content the sizes of its groups."""
    found, end = [], 0
    for content, is_plain in zip(contents, plain, strict=True):
        start, end = end, end + len(content.groups)
        found.append((content, sizes[start:end], is_plain))
    return found


def _check_groups(content: BlobContent) -> None:
    if content.next_ordinal is not None:
        raise ValueError("ordinals that the sender chose")
    last = -1
    for group in content.groups:
        if not last < group.kind < len(ShapeKind):
            raise ValueError("groups out of order, or of an unknown kind")
        last = group.kind


def _relabel(groups: list[BlobGroup], keys: Mapping[int, int]) -> tuple[list[int], list[list[int]]]:
    """Give the groups the keys of the version; returns the size of each group and its keys."""
    decoded = runs.decode([group.labels for group in groups])
    numbers, lengths = decoded.numbers, decoded.lengths
    if (decoded.scales != 0).any() or not lengths.all():
        raise ValueError("labels that are no indices, or a group without shapes")
    used, places = np.unique(numbers, return_inverse=True)
    try:
        table = np.array([keys[int(index)] for index in used.tolist()], np.int64)
    except KeyError as error:
        raise UnknownLabelError(f"label {error.args[0]} is not among the labels") from None
    chosen: Integers = table[places] if len(used) else np.empty(0, np.int64)
    encoded = runs.encode(chosen.astype(np.float64), lengths, np.zeros_like(lengths))
    for group, run in zip(groups, encoded, strict=True):
        group.labels = run
    listed, ends = chosen.tolist(), np.cumsum(lengths).tolist()
    sizes = lengths.tolist()
    return sizes, [listed[end - size : end] for end, size in zip(ends, sizes, strict=True)]


def _is_plain(content: BlobContent) -> bool:
    return all(
        group.extras is None and (group.kind in FLAT or group.kind in _CHAINED)
        for group in content.groups
    )


def _check_plain(groups: list[tuple[BlobGroup, int]]) -> None:
    flat = [(group, size) for group, size in groups if group.kind in FLAT]
    chained = [(group, size) for group, size in groups if group.kind not in FLAT]
    numbers = runs.measure([group.numbers or b"" for group, _ in flat]).lengths.tolist()
    widths = [FLAT[ShapeKind(group.kind)] * size for group, size in flat]
    counts = check_chains([group.chains or _NONE for group, _ in chained]).tolist()
    if numbers != widths or counts != [size for _, size in chained]:
        raise ValueError("columns of different lengths")
    if any(group.chains is not None for group, _ in flat) or any(
        group.numbers is not None for group, _ in chained
    ):
        raise ValueError("columns of another kind")
