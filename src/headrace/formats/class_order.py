"""The order of classes in written files, and the class numbers that result from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, Literal, get_args

from headrace.errors import ConfigurationError, did_you_mean
from headrace.formats.findings.collect import Pass, Severity

ClassOrder = Literal["source", "name"]

CLASS: Final = "CLASS"
# Beyond this number of pairs, suggesting similar names takes too long.
_MAX_COMPARED: Final = 20_000


def checked_order(order: object) -> ClassOrder | tuple[str, ...]:
    """Validate an order of classes: ``source``, ``name``, or a list of names.

    Raises:
        ConfigurationError: Any other word, an empty list, or a name that is repeated, empty or not a string.
    """
    if order == "source" or order == "name":
        return order
    orders = get_args(ClassOrder)
    if isinstance(order, str):
        meant = did_you_mean(order.lower(), orders)
        raise ConfigurationError(
            f"unknown class order {order!r}",
            hint=f"{meant}give {', '.join(orders)} or a list of class names",
        )
    if not isinstance(order, Sequence) or isinstance(order, bytes | bytearray | memoryview):
        raise ConfigurationError(
            f"a class order cannot be of type {type(order).__name__}",
            hint=f"give {', '.join(orders)} or a list of class names",
        )
    if not order:
        raise ConfigurationError(
            "the class order is an empty list", hint="omit it for the order of the source"
        )
    return _checked_names(order)


def _checked_names(names: Sequence[object]) -> tuple[str, ...]:
    positions: dict[str, int] = {}
    for position, name in enumerate(names, start=1):
        if not isinstance(name, str):
            raise ConfigurationError(
                f"name {position} in the class order is of type {type(name).__name__}, not a string",
                hint="give class names, not class numbers",
            )
        if not name.strip():
            raise ConfigurationError(
                f"name {position} in the class order is empty", hint="remove it"
            )
        if name in positions:
            raise ConfigurationError(
                f"the class order names {name!r} twice, at {positions[name]} and {position}",
                hint="remove one of them",
            )
        positions[name] = position
    return tuple(positions)


class ClassNumbers:
    """Assigns class numbers.

    A list of names decides their numbers whether the source has these classes or not, so all parts of one dataset get
    the same numbers; labels missing from the list follow in the source's order.

    Args:
        labels: Known labels in the source's order.
        order: ``source``, ``name`` or a list of names.
        first: The first number.
        kept: Numbers that the source has, kept with the order ``source``.
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
        # Listed, but not used yet. Kept apart so that look-ups need not record which names are used.
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
        """The numbers of the labels used so far."""
        return self._numbers

    def number(self, label: str) -> int:
        """Return the number of a label; a new label that is not listed gets the next number."""
        found = self._numbers.get(label)
        if found is None:
            found = self._reserved.pop(label, None)
            if found is None:
                found, self._next = self._next, self._next + 1
            self._numbers[label] = found
        return found

    def all(self, labels: Sequence[str]) -> list[int]:
        """Return the numbers of many labels."""
        try:
            return list(map(self._numbers.__getitem__, labels))
        except KeyError:
            return list(map(self.number, labels))

    def items(self) -> list[tuple[str, int]]:
        """Return all classes with their numbers in order, unused listed ones included."""
        pairs = [*self._numbers.items(), *self._reserved.items()]
        return sorted(pairs, key=lambda pair: pair[1]) if self._listed else pairs

    def names(self) -> list[str]:
        """Return all class names in order."""
        return [name for name, _ in self.items()]

    def note_missing(self, found: Pass) -> None:
        """Add a finding for each listed name that the source does not have, since it may be a typo."""
        compare = len(self._reserved) * len(self._numbers) <= _MAX_COMPARED
        for name in self._reserved:
            near = get_close_matches(name, self._numbers, n=1) if compare else ()
            found.add(
                CLASS,
                "a class of the given order does not occur in the source; declared without objects",
                severity=Severity.NOTE,
                detail=repr(name) + (f", did you mean {near[0]!r}?" if near else ""),
            )


def note_unordered(order: ClassOrder | Sequence[str], found: Pass) -> None:
    """Add a finding where an order was requested and the target has no class numbers."""
    if order != "source":
        found.add(
            CLASS,
            "the class order has no effect: the target has class names and no class numbers",
            severity=Severity.NOTE,
        )
