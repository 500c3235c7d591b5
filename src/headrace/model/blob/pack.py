"""Pack the shapes of many annotations into blobs at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from headrace.model.blob.chains import (
    ChainForm,
    ChainNumbers,
    ChainRuns,
    chain_numbers,
    encode_chains,
)
from headrace.model.blob.layout import BlobContent, BlobExtras, BlobGroup, seal
from headrace.model.blob.runs import encode_numbers
from headrace.model.blob.values import without_noise
from headrace.model.columns import FLAT, ShapeGroup, ShapeKind, Shapes, TrackGeometry, by_kind

NO_OUTLINE, MASK_OUTLINE, RINGS = 0, 1, 2
"""How ``BlobExtras.outlined`` describes an outline: none, a mask, or the number of its rings + RINGS."""

Runs = list[bytes]


class PageColumns:
    """Collects the columns of a page, encodes them together, and gives back the run of each.

    Args:
        form: What a chain is.
    """

    def __init__(self, form: ChainForm = "points") -> None:
        self._form: ChainForm = form
        self._numbers: list[Sequence[float]] = []
        self._chains: list[Sequence[Any]] = []
        self._number_runs: list[bytes] = []
        self._chain_runs: list[ChainRuns] = []
        self._joined: ChainNumbers

    def add_numbers(self, numbers: Sequence[float]) -> int:
        """Add a column of numbers; returns its index for :meth:`numbers`."""
        self._numbers.append(numbers)
        return len(self._numbers) - 1

    def add_chains(self, chains: Sequence[Any]) -> int:
        """Add a column of chains; returns its index for :meth:`chains`."""
        self._chains.append(chains)
        return len(self._chains) - 1

    def join_chains(self) -> ChainNumbers:
        """Join all chains that were added; columns of numbers may still be added afterwards."""
        self._joined = chain_numbers(self._chains, self._form)
        return self._joined

    def encode(self) -> None:
        """Encode all columns that were added."""
        self._number_runs = encode_numbers(self._numbers)
        self._chain_runs = encode_chains(self._joined)

    def numbers(self, index: int | None) -> bytes:
        """Return an encoded column of numbers; empty where there is none."""
        return b"" if index is None else self._number_runs[index]

    def chains(self, index: int | None) -> ChainRuns | None:
        """Return an encoded column of chains."""
        return None if index is None else self._chain_runs[index]


def pack(shapes: Shapes) -> bytes:
    """Pack the shapes of one annotation; see :func:`pack_page`, which is faster for many."""
    return pack_page([shapes])[0]


def pack_page(page: Sequence[Shapes], form: ChainForm = "points") -> list[bytes]:
    """Pack the shapes of many annotations.

    Args:
        page: The shapes of each annotation.
        form: What a chain is (:func:`.chain_numbers`). With ``flat`` and ``text`` shapes are those of a source
            (``model/shapes.py``): keypoints are flat lists, and boxes that follow from the rings of a polygon are left
            out. Groups are changed.

    Raises:
        ValueError: A number is not finite, or the columns of a group differ in length.
        TypeError: A coordinate is not a number, or an attribute cannot be encoded as JSON.
    """
    columns = PageColumns(form)
    sourced = form in ("flat", "text")
    prepared = [
        [
            _PreparedGroup(columns, group, flat=sourced, stored=shapes.next_ordinal is not None)
            for group in sorted(shapes.groups, key=by_kind)
            if group.labels
        ]
        for shapes in page
    ]
    chains = columns.join_chains()
    if sourced:
        _leave_out_boxes(chains, [group for groups in prepared for group in groups])
    for groups in prepared:
        for group in groups:
            group.add_boxes()
    columns.encode()
    return [
        seal(
            BlobContent([group.encoded() for group in groups], shapes.next_ordinal),
            scored=any(group.scores for group in shapes.groups),
        )
        for shapes, groups in zip(page, prepared, strict=True)
    ]


class _PreparedGroup:
    """A group whose columns were added to those of the page."""

    __slots__ = ("_columns", "_extras", "_flat", "_labels", "_numbers", "chains", "group")

    def __init__(
        self, columns: PageColumns, group: ShapeGroup, *, flat: bool, stored: bool
    ) -> None:
        _check_lengths(group, stored)
        self._columns = columns
        self._flat = flat
        self.group = group
        self._labels = columns.add_numbers(group.labels)
        self._numbers: int | None = None
        self.chains: int | None = None
        self._extras: dict[str, int] = {}
        self._add_geometry()
        self._add_extras(stored)

    def _add_geometry(self) -> None:
        group, columns = self.group, self._columns
        if group.kind in FLAT:
            self._numbers = columns.add_numbers(group.geometry)
        elif group.kind is ShapeKind.KEYPOINTS:
            self._add_keypoints(group.geometry)
        elif group.kind is ShapeKind.TRACK:
            self._add_tracks(group.geometry)
        elif group.kind in (ShapeKind.POLYGON, ShapeKind.LINE):
            self.chains = columns.add_chains(group.geometry)

    def _add_keypoints(self, objects: list[Any]) -> None:
        if self._flat:
            chains: list[Any] = [
                list(chain.from_iterable(zip(points[0::3], points[1::3], strict=True)))
                for points in objects
            ]
            visible = [_whole(v) for points in objects for v in points[2::3]]
        else:
            chains = [[p[:2] for p in points] for points in objects]
            visible = [_whole(v) for points in objects for _, _, v in points]
        self.chains = self._columns.add_chains(chains)
        self._add("visible", visible)

    def _add_tracks(self, tracks: list[TrackGeometry]) -> None:
        self._add(
            "tracks",
            [
                number
                for track in tracks
                for number in (
                    track.start,
                    len(track.rectangles),
                    len(track.polygons),
                    len(track.ends),
                )
            ],
        )
        self._add(
            "frames",
            [
                frame
                for track in tracks
                for frame in chain(
                    (r[0] for r in track.rectangles), (p[0] for p in track.polygons), track.ends
                )
            ],
        )
        self._numbers = self._columns.add_numbers(
            [number for track in tracks for r in track.rectangles for number in r[1:]]
        )
        self.chains = self._columns.add_chains(
            [ring for track in tracks for _, ring in track.polygons]
        )

    def _add_extras(self, stored: bool) -> None:
        group = self.group
        if stored:
            self._add("ordinals", group.ordinals or [])
        if group.instances:
            self._add("instances", [0 if n is None else _positive(n + 1) for n in group.instances])
        if group.scores:
            self._add("scored", [0 if score is None else 1 for score in group.scores])
            self._add("scores", [score for score in group.scores if score is not None])
        if group.segmentations:
            self._add("outlined", [_segmentation_code(each) for each in group.segmentations])
            rings = [r for each in group.segmentations if isinstance(each, list) for r in each]
            self._extras["outlines"] = self._columns.add_chains(rings)

    def add_boxes(self) -> None:
        """Add the boxes beside the geometry."""
        if self.group.boxes:
            self._add("boxed", [0 if box is None else 1 for box in self.group.boxes])
            boxes = [box for box in self.group.boxes if box is not None]
            self._add("boxes", list(chain.from_iterable(boxes)))

    def _add(self, name: str, numbers: Sequence[float]) -> None:
        self._extras[name] = self._columns.add_numbers(numbers)

    def encoded(self) -> BlobGroup:
        """Return the group with its encoded columns."""
        columns, group = self._columns, self.group
        made = BlobGroup(group.kind, columns.numbers(self._labels))
        if self._numbers is not None:
            made.numbers = columns.numbers(self._numbers)
        made.chains = columns.chains(self.chains)
        has_masks = group.kind is ShapeKind.MASK
        if not (self._extras or group.texts or group.attributes or has_masks):
            return made
        extras = made.extras = BlobExtras()
        for name, index in self._extras.items():
            if name == "outlines":
                extras.outlines = columns.chains(index)
            else:
                setattr(extras, name, columns.numbers(index))
        extras.texts = group.texts or None
        if group.attributes:
            extras.attributes = msgspec.json.encode(group.attributes)
        if has_masks:
            extras.masks = group.geometry
        if group.segmentations:
            masks = [each for each in group.segmentations if isinstance(each, str)]
            extras.outline_masks = masks or None
        return made


_NO_BOX = (float("nan"),) * 4


def _leave_out_boxes(chains: ChainNumbers, prepared: list[_PreparedGroup]) -> None:
    """Leave out the boxes of polygons that ``geometry.rings_bounds`` would return for their rings."""
    chosen = [
        each for each in prepared if each.group.boxes and each.group.kind is ShapeKind.POLYGON
    ]
    if not chosen:
        return
    ends = np.cumsum(chains.counts)
    firsts = (ends - chains.counts).tolist()
    places = [
        range(first, first + len(each.group.labels))
        for each in chosen
        for first in (firsts[each.chains or 0],)
    ]
    rings = np.fromiter(chain.from_iterable(places), np.int64)
    heads = np.flatnonzero(np.fromiter(chain.from_iterable(map(_heads, chosen)), np.bool_))
    edges = chains.bounds()[rings]
    low = np.minimum.reduceat(edges[:, :2], heads)
    size = without_noise(np.maximum.reduceat(edges[:, 2:], heads) - low)
    boxes = [box for each in chosen for box in each.group.boxes or ()]
    given = np.fromiter(
        chain.from_iterable([box or _NO_BOX for box in boxes]), np.float64, 4 * len(boxes)
    ).reshape(-1, 4)[heads]
    follows = (given[:, :2] == low).all(axis=1) & (given[:, 2:] == size).all(axis=1)
    for place in heads[follows].tolist():
        boxes[place] = None
    end = 0
    for each in chosen:
        start, end = end, end + len(each.group.labels)
        of_group = boxes[start:end]
        each.group.boxes = None if of_group.count(None) == end - start else of_group


def _heads(prepared: _PreparedGroup) -> list[bool]:
    """Return for each ring of a group of polygons whether it is the first one of its object."""
    instances = prepared.group.instances
    if instances is None:
        return [True] * len(prepared.group.labels)
    return [
        number is None or number != before
        for number, before in zip(instances, [None, *instances[:-1]], strict=True)
    ]


def _check_lengths(group: ShapeGroup, stored: bool) -> None:
    size = len(group.labels)
    width = FLAT.get(group.kind, 0 if group.kind is ShapeKind.CLASSIFICATION else 1)
    columns = (
        group.texts,
        group.attributes,
        group.instances,
        group.scores,
        group.boxes,
        group.segmentations,
    )
    if len(group.geometry) != width * size:
        raise ValueError("columns of different lengths")
    for column in columns:
        if column is not None and len(column) != size:
            raise ValueError("columns of different lengths")
    if stored and (group.ordinals is None or len(group.ordinals) != size):
        raise ValueError("a shape without an ordinal")
    if min(group.labels) < 0:
        raise ValueError("a label key must not be negative")


def _segmentation_code(outline: Any) -> int:
    if outline is None:
        return NO_OUTLINE
    return MASK_OUTLINE if isinstance(outline, str) else RINGS + len(outline)


def _whole(number: float) -> int:
    if number != int(number):
        raise ValueError("a keypoint's visibility must be a whole number")
    return int(number)


def _positive(number: int) -> int:
    if number < 1:
        raise ValueError("an instance must not be negative")
    return number
