"""Ids: the positions of images by id, and the ids of annotations seen so far."""

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
# Each id up to here takes four bytes of the table; with far larger ids a dict is smaller.
SMALL_IDS = 8_000_000
_MAX_DIGITS = 19
_EMPTY = array("i", [-1]) * 4096


class HasImageId(Protocol):
    """An object with the id of an image."""

    @property
    def image_id(self) -> Id | None:
        """The id of the image."""


class ImageIndex:
    """The position of each image in the file, by id: a flat table for small numbers, else a dict.

    ``duplicates`` holds the positions of images whose id an earlier image has.
    """

    def __init__(self) -> None:
        self._table: array[int] | dict[Id, int] = array("i")
        self._count = 0
        self.duplicates: set[int] = set()

    def add(self, id: Id | None) -> None:
        """Add the next image of the file. One without an id (None) is counted, but cannot be found."""
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
        """Add the next images of the file."""
        table = self._table
        try:
            is_small = min(ids) >= 0 and max(ids) < 16 * self._count + SMALL_IDS  # type: ignore[type-var, operator]
        except (TypeError, ValueError):  # an id that is text or None; no ids
            is_small = False
        if not is_small or isinstance(table, dict):
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
        # In small steps, so that a large table is never in memory twice.
        while number >= len(table):
            table.extend(_EMPTY)

    def __len__(self) -> int:
        return self._count

    @property
    def is_dense(self) -> bool:
        """Whether the ids are in a table: all are whole numbers from 0, and none is too large."""
        return isinstance(self._table, array)

    def position(self, id: Id | None) -> int:
        """Return the position of the image with an id, or -1 where there is none."""
        at = self._position(id)
        return self._position(of_other_type(id)) if at < 0 else at

    def _position(self, id: Id | None) -> int:
        if isinstance(self._table, dict):
            return -1 if id is None else self._table.get(id, -1)
        return self._table[id] if type(id) is int and 0 <= id < len(self._table) else -1

    def known_id(self, id: Id | None) -> Id | None:
        """Return an id as the images have it, where an annotation may have it as a number or as a text."""
        return id if self._position(id) >= 0 else of_other_type(id)

    def positions(self, refs: Sequence[HasImageId]) -> list[int]:
        """Return the positions of the images that objects refer to; see :meth:`position`."""
        table = self._table
        if isinstance(table, array):
            try:
                ids = cast("list[int]", [ref.image_id for ref in refs])
                positions = list(map(table.__getitem__, ids))
                # Negative ids would count from the end of the table.
                if min(ids, default=0) >= 0:
                    return positions
            except (TypeError, IndexError):  # an id that is text, or not in the table
                pass
        return [self.position(ref.image_id) for ref in refs]

    def position_in(self, text: bytes) -> int:
        """Return the position of the image of an annotation, given as text that need not be clean."""
        return self.position(image_id_in(text))


def of_other_type(id: Id | None) -> Id | None:
    """Return a number as text, and the text of a number as number (VIA writes both for one image); else None."""
    if isinstance(id, str):
        number = int(id) if id.isascii() and id.isdigit() and len(id) < _MAX_DIGITS else None
        return number if str(number) == id else None
    return None if id is None else str(id)


def image_id_in(text: bytes) -> Id | None:
    """Return the image id of an annotation, given as text that need not be clean."""
    with contextlib.suppress(MsgspecError, UnicodeDecodeError, RecursionError):
        return _REF.decode(text).image_id
    return lenient_id(text, ImageRef)


def lenient_id(text: bytes, kind: type[ImageId | ImageRef]) -> Id | None:
    """Return the id in an element that is not clean; it may be a whole number written as 7.0."""
    with contextlib.suppress(ValueError, RecursionError):
        values = json.loads(text)
        key = kind.__struct_fields__[0]
        if isinstance(values, dict):
            return recover.id_of(values.get(key), _silent)
    return None


def _silent(*args: object, **more: object) -> None:
    """Report nothing: the record is decoded again later."""


# Memory is bounded: duplicates among ids beyond these limits may go unnoticed.
MAX_SMALL = 32 * 1024 * 1024
MAX_OTHERS = 500_000
_GROWTH = bytes(1 << 16)


class SeenIds:
    """A set of ids: a flat table for small numbers (1 for each that was seen), a bounded set for the others."""

    def __init__(self) -> None:
        self.table = bytearray(_GROWTH)
        self._others: set[Id] = set()

    def is_new(self, id: Id | None) -> bool:
        """Add an id; False where it was seen before. An annotation without an id is always new."""
        try:
            if id >= 0:  # type: ignore[operator]
                if self.table[id]:  # type: ignore[index]
                    return False
                self.table[id] = 1  # type: ignore[index]
                return True
        except (TypeError, IndexError):  # no id, text, or a number beyond the table
            pass
        return self._is_new_other(id)

    def are_new(self, ids: Sequence[Id | None]) -> bool:
        """Add ids; False, without adding any, unless all are small numbers that were not seen before."""
        try:
            low, high = min(ids), max(ids)  # type: ignore[type-var]
            if low < 0 or high >= MAX_SMALL:  # type: ignore[operator]
                return False
        except TypeError:  # no id, or text
            return False
        numbers = cast("Sequence[int]", ids)
        self._make_room(cast("int", high))
        table = self.table
        for count, number in enumerate(numbers):
            if table[number]:
                for added in numbers[:count]:
                    table[added] = 0
                return False
            table[number] = 1
        return True

    def _make_room(self, number: int) -> None:
        # In small steps, so that a large table is never in memory twice.
        while number >= len(self.table):
            self.table += _GROWTH

    def _is_new_other(self, id: Id | None) -> bool:
        if id is None:
            return True
        if isinstance(id, int) and len(self.table) <= id < MAX_SMALL:
            self._make_room(id)
            return self.is_new(id)
        if id in self._others:
            return False
        if len(self._others) < MAX_OTHERS:
            self._others.add(id)
        return True
