"""Formats many plain objects at once: one C call prints the numbers of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import NamedTuple

from headrace.formats.geometry.box_table import Rings
from headrace.formats.voc import encode
from headrace.model.shapes import Box


class ObjectTexts(NamedTuple):
    """Plain objects: the template of each, all their numbers, and where those of each begin and the last ones end."""

    templates: list[str]
    numbers: tuple[str, ...]
    starts: Sequence[int]

    def objects(self, start: int, stop: int) -> str:
        """Return the text of the objects from ``start`` up to ``stop``."""
        numbers = self.numbers[self.starts[start] : self.starts[stop]]
        return "".join(self.templates[start:stop]) % numbers


def object_texts(
    templates: list[str],
    boxes: Iterable[Box],
    outlines: Sequence[Rings | None] | None,
    one: int,
) -> ObjectTexts | None:
    """Format objects.

    Args:
        templates: The template of each object without an outline; changed in place.
        boxes: The box of each.
        outlines: The rings of each, None for an object without; None where no object has any.
        one: The number of the first pixel: 0 or 1.

    Returns:
        The texts; None where a number is not finite, or there are no objects.
    """
    starts: Sequence[int] = range(0, 4 * len(templates) + 1, 4)
    if outlines is None:
        flat = [each for x, y, w, h in boxes for each in (x + one, y + one, x + w, y + h)]
    else:
        flat, starts = [], [0]
        for row, ((x, y, w, h), rings) in enumerate(zip(boxes, outlines, strict=True)):
            flat += (x + one, y + one, x + w, y + h)
            if rings is not None:
                templates[row] = encode.with_rings(templates[row], rings)
                for ring in rings:
                    flat += ring
            starts.append(len(flat))
    if not flat or not isfinite(sum(flat)):
        return None
    return ObjectTexts(templates, encode.numbers(flat), starts)
