"""The numbers that a COCO file gives to images and labels: those of the source where they serve, else new ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from headrace.model.sample import LabelInfo

MAX_TABLE = 32 * 1024 * 1024
MAX_INT = 2**53


class ImageNumbers:
    """Unique numbers for images: the source's own whole number where no image had it before, else the next free."""

    def __init__(self) -> None:
        self._used = bytearray(1 << 16)
        self._large: set[int] = set()
        self._next = 1

    def take_all(self, wanted: Sequence[int | str | None]) -> Sequence[int]:
        """The numbers of the next images."""
        end = self._next + len(wanted)
        if end > MAX_TABLE or wanted.count(None) < len(wanted):
            return [self.take(each) for each in wanted]
        # All numbers from the next one on are free.
        numbers = range(self._next, end)
        self._grow(end)
        self._used[numbers.start : end] = b"\1" * len(numbers)
        self._next = end
        return numbers

    def take(self, wanted: int | str | None) -> int:
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
        if size > len(self._used):
            self._used.extend(bytes(max(len(self._used), size - len(self._used))))


class LabelNumbers:
    """Numbers for labels, in order: the source's where all of them are unique and may be kept, else counted from 1.

    COCO counts from 1; 0 is kept only for a source that is COCO itself, where ``keep_zero`` says so.
    """

    def __init__(self, labels: Sequence[LabelInfo], *, keep_zero: bool) -> None:
        ids = [
            label.id
            for label in labels
            if isinstance(label.id, int) and not isinstance(label.id, bool)
        ]
        keep = len(ids) == len(labels) == len(set(ids)) and min(ids, default=1) >= (
            0 if keep_zero else 1
        )
        self._numbers = {
            label.name: label.id if keep and isinstance(label.id, int) else place
            for place, label in enumerate(labels, start=1)
        }

    def number(self, label: str) -> int:
        """The number of a label; a label met for the first time gets the next one."""
        found = self._numbers.get(label)
        if found is None:
            found = self._numbers[label] = max(self._numbers.values(), default=0) + 1
        return found

    def all(self, labels: Sequence[str]) -> list[int]:
        """The numbers of many labels."""
        try:
            return list(map(self._numbers.__getitem__, labels))
        except KeyError:
            return list(map(self.number, labels))

    def items(self) -> Iterable[tuple[str, int]]:
        """All labels with their numbers, in order."""
        return self._numbers.items()


def ordered(labels: Sequence[LabelInfo], order: str | Sequence[str]) -> list[LabelInfo]:
    """Labels as the source has them, by name, or in a given order with the others behind."""
    if order == "source":
        return list(labels)
    if order == "name":
        return sorted(labels, key=lambda label: label.name)
    places = {name: place for place, name in enumerate(order)}
    return sorted(labels, key=lambda label: places.get(label.name, len(places)))
