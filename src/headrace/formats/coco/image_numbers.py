"""Choose the ids of images and categories in a COCO file: those of the source where possible, else new numbers."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.model.sample import LabelInfo

MAX_TABLE = 32 * 1024 * 1024
MAX_INT = 2**53
_GROWTH = bytes(1 << 16)


class ImageNumbers:
    """Assigns unique numbers to images: the source's number unless an earlier image has it, else the next free one."""

    def __init__(self) -> None:
        self._used = bytearray(_GROWTH)
        self._large: set[int] = set()
        self._next = 1

    def assign_all(self, wanted: Sequence[int | str | None]) -> Sequence[int]:
        """Return the numbers of the next images, given the ids that their source has."""
        end = self._next + len(wanted)
        if end > MAX_TABLE or wanted.count(None) < len(wanted):
            return [self.assign(each) for each in wanted]
        # All numbers from here on are free.
        numbers = range(self._next, end)
        self._grow(end)
        self._used[numbers.start : end] = b"\1" * len(numbers)
        self._next = end
        return numbers

    def assign(self, wanted: int | str | None) -> int:
        """Return the number of the next image."""
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
        # In small steps, so that a large table is never in memory twice.
        while size > len(self._used):
            self._used += _GROWTH


def kept_numbers(labels: Sequence[LabelInfo], *, keep_zero: bool) -> dict[str, int] | None:
    """Return the numbers that the source gives to its labels, or None unless all have one and all differ.

    COCO counts from 1. The number 0 is only kept with ``keep_zero``, for a source that is COCO itself.
    """
    numbers = {
        label.name: label.id
        for label in labels
        if isinstance(label.id, int) and not isinstance(label.id, bool)
    }
    keep = len(numbers) == len(labels) == len(set(numbers.values()))
    least = 0 if keep_zero else 1
    return numbers if keep and min(numbers.values(), default=least) >= least else None
