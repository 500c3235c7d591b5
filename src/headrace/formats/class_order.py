"""The order of classes in what is written, and the numbers that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal, get_args

from headrace.errors import ConfigurationError
from headrace.formats.findings.collect import Pass, Severity

ClassOrder = Literal["source", "name"]

CLASS: Final = "CLASS"
# Names are compared for a suggestion only as long as that takes no time worth mentioning.
_MAX_COMPARED: Final = 20_000


def checked_order(order: object) -> ClassOrder | tuple[str, ...]:
    """An order of classes as it may be asked for: ``source``, ``name``, or names in order.

    Raises :class:`~headrace.errors.ConfigurationError` for anything else: another word, no list, an empty one, and
    names that stand there twice, are empty or no text.
    """
    if order == "source" or order == "name":
        return order
    orders = get_args(ClassOrder)
    if isinstance(order, str):
        near = get_close_matches(order.lower(), orders, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigurationError(
            f"no order of classes {order!r}",
            hint=f"{meant}give {', '.join(orders)} or a list of class names",
        )
    if not isinstance(order, Sequence) or isinstance(order, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"an order of classes is no {type(order).__name__}",
            hint=f"give {', '.join(orders)} or a list of class names",
        )
    if not order:
        raise ConfigurationError(
            "the order of classes names none", hint="leave it out for the order of the source"
        )
    return _checked_names(order)


def _checked_names(names: Sequence[object]) -> tuple[str, ...]:
    places: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if not isinstance(name, str):
            raise ConfigurationError(
                f"name {place} in the order of classes is no text but {type(name).__name__}",
                hint="give class names, not their numbers",
            )
        if not name.strip():
            raise ConfigurationError(
                f"name {place} in the order of classes is empty", hint="leave it out"
            )
        if name in places:
            raise ConfigurationError(
                f"the order of classes names {name!r} twice, as {places[name]} and {place}",
                hint="leave one of them out",
            )
        places[name] = place
    return tuple(places)


class ClassNumbers:
    """Numbers of classes, counted from ``first`` in the order asked for, or those ``kept`` from the source.

    A list decides the numbers of its names, whether the source has them or not, so that parts of one dataset get the
    same; labels that it lacks come behind, in the source's order. ``kept`` counts only where the order is the source's.
    """

    def __init__(
        self,
        labels: Iterable[str],
        order: ClassOrder | Sequence[str],
        *,
        first: int,
        kept: Mapping[str, int] | None = None,
    ) -> None:
        self._listed = not isinstance(order, str)
        self._numbers: dict[str, int] = {}
        # Listed, but not met yet: kept apart, so that the many look-ups of numbers need not note what they meet.
        self._reserved: dict[str, int] = {}
        self._next = first
        if self._listed:
            self._reserved = {name: number for number, name in enumerate(order, start=first)}
            self._next += len(self._reserved)
        elif order == "source" and kept:
            self._numbers = dict(kept)
            self._next = max(kept.values()) + 1
        for label in sorted(labels) if order == "name" else labels:
            self.number(label)

    @property
    def known(self) -> Mapping[str, int]:
        """The numbers of the labels met so far."""
        return self._numbers

    def number(self, label: str) -> int:
        """The number of a label; one met for the first time that no list names gets the next one."""
        found = self._numbers.get(label)
        if found is None:
            found = self._reserved.pop(label, None)
            if found is None:
                found, self._next = self._next, self._next + 1
            self._numbers[label] = found
        return found

    def all(self, labels: Sequence[str]) -> list[int]:
        """The numbers of many labels."""
        try:
            return list(map(self._numbers.__getitem__, labels))
        except KeyError:
            return list(map(self.number, labels))

    def items(self) -> list[tuple[str, int]]:
        """All classes with their numbers, in order, those of a list too that nothing has."""
        pairs = [*self._numbers.items(), *self._reserved.items()]
        return sorted(pairs, key=lambda pair: pair[1]) if self._listed else pairs

    def names(self) -> list[str]:
        """The same without the numbers."""
        return [name for name, _ in self.items()]

    def note_missing(self, found: Pass) -> None:
        """Note the names of the list that the source did not have, so that a slip of the pen is seen."""
        compare = len(self._reserved) * len(self._numbers) <= _MAX_COMPARED
        for name in self._reserved:
            near = get_close_matches(name, self._numbers, n=1) if compare else ()
            found.add(
                CLASS,
                "a class of the order that the source does not have, declared without objects",
                severity=Severity.NOTE,
                detail=repr(name) + (f", did you mean {near[0]!r}?" if near else ""),
            )


def note_unordered(order: ClassOrder | Sequence[str], found: Pass) -> None:
    """Note that an order was asked for where the target has no numbers for classes."""
    if order != "source":
        found.add(
            CLASS,
            "the order of classes is not written: here they have names and no numbers",
            severity=Severity.NOTE,
        )
