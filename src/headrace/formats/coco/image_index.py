"""The place of each image in its file, by its id."""

from __future__ import annotations

import contextlib
import json
from array import array
from collections.abc import Sequence
from typing import Protocol, cast

from msgspec import MsgspecError
from msgspec.json import Decoder

from headrace.formats.coco import recover
from headrace.formats.coco.schema import Id, ImageId, ImageRef

_REF = Decoder(ImageRef)
# Ids below take four bytes each; far larger ones would make the table larger than a dict.
SMALL_IDS = 8_000_000
_EMPTY = array("i", [-1]) * 4096


class HasImageId(Protocol):
    """What names an image by its id."""

    @property
    def image_id(self) -> Id | None:
        """The id."""


class ImageIndex:
    """The place of each image in the file, by its id: a flat table for the usual small numbers, else a dict."""

    def __init__(self) -> None:
        self._table: array[int] | dict[Id, int] = array("i")
        self._count = 0
        self.duplicates: set[int] = set()

    def add(self, id: Id | None) -> None:
        """The next image of the file; None for one without an id, which no annotation can name.

        The places of images whose id an earlier one has are in :attr:`doubles`.
        """
        position = self._count
        self._count += 1
        if id is None:
            return
        table = self._table
        if isinstance(table, array):
            if type(id) is int and 0 <= id < 16 * self._count + SMALL_IDS:
                self._make_room(table, id)
                if table[id] < 0:
                    table[id] = position
                else:
                    self.duplicates.add(position)
                return
            table = self._table = {number: at for number, at in enumerate(table) if at >= 0}
        if table.setdefault(id, position) != position:
            self.duplicates.add(position)

    def extend(self, ids: Sequence[Id | None]) -> None:
        """:meth:`add` of many."""
        table = self._table
        try:
            usual = min(ids) >= 0 and max(ids) < 16 * self._count + SMALL_IDS  # type: ignore[type-var, operator]
        except (TypeError, ValueError):  # an id that is text or none; no ids
            usual = False
        if not usual or isinstance(table, dict):
            for each in ids:
                self.add(each)
            return
        numbers = cast("Sequence[int]", ids)
        self._make_room(table, max(numbers))
        for position, number in enumerate(numbers, self._count):
            if table[number] < 0:
                table[number] = position
            else:
                self.duplicates.add(position)
        self._count += len(numbers)

    @staticmethod
    def _make_room(table: array[int], number: int) -> None:
        # By the piece: a large table is never in memory twice.
        while number >= len(table):
            table.extend(_EMPTY)

    def __len__(self) -> int:
        return self._count

    @property
    def is_dense(self) -> bool:
        """Whether all ids are whole numbers from 0, and none too large for a table."""
        return isinstance(self._table, array)

    def position(self, id: Id | None) -> int:
        """The place of an image, or -1 where there is none of this id."""
        if isinstance(self._table, dict):
            return -1 if id is None else self._table.get(id, -1)
        return self._table[id] if type(id) is int and 0 <= id < len(self._table) else -1

    def positions(self, refs: Sequence[HasImageId]) -> list[int]:
        """:meth:`place` of many."""
        table = self._table
        if isinstance(table, array):
            try:
                ids = cast("list[int]", [ref.image_id for ref in refs])
                positions = [table[number] for number in ids]
                # Negative ids would count from the table's end.
                if min(ids, default=0) >= 0:
                    return positions
            except (TypeError, IndexError):  # an id that is text, or of no image
                pass
        return [self.position(ref.image_id) for ref in refs]

    def position_in(self, text: bytes) -> int:
        """:meth:`place` of the image that an annotation's text names, however odd it is otherwise."""
        return self.position(image_id_in(text))


def image_id_in(text: bytes) -> Id | None:
    """The id of the image that an annotation's text names, however odd it is otherwise."""
    with contextlib.suppress(MsgspecError, UnicodeDecodeError, RecursionError):
        return _REF.decode(text).image_id
    return lenient_id(text, ImageRef)


def lenient_id(text: bytes, kind: type[ImageId | ImageRef]) -> Id | None:
    """The id in an element that is odd otherwise: also a whole number written as 7.0."""
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text)
        key = kind.__struct_fields__[0]
        if isinstance(values, dict):
            return recover.id_of(values.get(key), _silent)
    return None


def _silent(*args: object, **more: object) -> None:
    """Report nothing: the record is looked at again."""
