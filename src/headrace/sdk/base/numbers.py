"""Numbers as people meet them: whole ones are ints, because pictures are cut with them; others stay exact."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def tidy(number: float) -> float:
    """A number, as an int where it is whole."""
    return int(number) if number == int(number) else number


def tidy_points(points: Iterable[Iterable[float]]) -> list[list[float]]:
    """Points as lists of tidy numbers."""
    return [[tidy(number) for number in point] for point in points]


def tidy_annotation(annotation: dict[str, Any]) -> None:
    """Make the geometry of a loaded annotation tidy, in place."""
    for box in annotation["rectangles"]:
        for key in "xywh":
            box[key] = tidy(box[key])
    for kind, key in (("polygons", "polygon"), ("lines", "line"), ("keypoints", "keypoints")):
        for shape in annotation[kind]:
            shape[key] = tidy_points(shape[key])
    for point in annotation["points"]:
        point["point"] = [tidy(number) for number in point["point"]]
