"""The numbers that a COCO file gives to images and labels: those of the source where they serve, else new ones."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.model.sample import LabelInfo

MAX_TABLE = 32 * 1024 * 1024
MAX_INT = 2**53
_PIECE = bytes(1 << 16)


class ImageNumbers:
    """Unique numbers for images: the source's own whole number where no image had it before, else the next free."""

    def __init__(self) -> None:
        self._used = bytearray(_PIECE)
        self._large: set[int] = set()
        self._next = 1

    def assign_all(self, wanted: Sequence[int | str | None]) -> Sequence[int]:
        """The numbers of the next images."""
        end = self._next + len(wanted)
        if end > MAX_TABLE or wanted.count(None) < len(wanted):
            return [self.assign(each) for each in wanted]
        # All numbers from the next one on are free.
        numbers = range(self._next, end)
        self._grow(end)
        self._used[numbers.start : end] = b"\1" * len(numbers)
        self._next = end
        return numbers

    def assign(self, wanted: int | str | None) -> int:
        """The number of the next image."""
        number = wanted if isinstance(wanted, int) and 0 <= wanted <= MAX_INT else self._next
        while not self._claim(number):
            number = self._next
        self._next = max(self._next, number + 1)
        return number

    def _claim(self, number: int) -> bool:
        if number >= MAX_TABLE:
            free = number not in self._large
            self._large.add(number)
            return free
        self._grow(number + 1)
        free = not self._used[number]
        self._used[number] = 1
        return free

    def _grow(self, size: int) -> None:
        # By the piece: a large table is never in memory twice.
        while size > len(self._used):
            self._used += _PIECE


def kept_numbers(labels: Sequence[LabelInfo], *, keep_zero: bool) -> dict[str, int] | None:
    """The numbers that the source gives to its labels, where all have one and none stands twice.

    COCO counts from 1; 0 is kept only for a source that is COCO itself, where ``keep_zero`` says so.
    """
    numbers = {
        label.name: label.id
        for label in labels
        if isinstance(label.id, int) and not isinstance(label.id, bool)
    }
    keep = len(numbers) == len(labels) == len(set(numbers.values()))
    least = 0 if keep_zero else 1
    return numbers if keep and min(numbers.values(), default=least) >= least else None
