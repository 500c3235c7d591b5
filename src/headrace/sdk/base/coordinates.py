"""Coordinates as callers see them and as the platform takes them.

Whole coordinates are returned as ints, because callers slice images with them; others stay exact floats.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from headrace.errors import BadRequestError
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.sdk.base.session import Session
from headrace.threads import in_thread


def tidy(number: float) -> float:
    """Return a whole number as an int, any other unchanged."""
    return int(number) if number == int(number) else number


def tidy_points(points: Iterable[Iterable[float]]) -> list[list[float]]:
    """Return points as lists, whole numbers as ints."""
    return [[tidy(number) for number in point] for point in points]


def tidy_annotation(annotation: dict[str, Any], tidied: bool) -> None:
    """Convert the points of a loaded annotation to lists and its whole numbers to ints, in place.

    Headrace has ``tidied`` the numbers already; other platforms send whole numbers in either form.
    """
    if not tidied:
        for box in annotation["rectangles"]:
            for key in "xywh":
                box[key] = tidy(box[key])
    points = _as_lists if tidied else tidy_points
    for kind, key in (("polygons", "polygon"), ("lines", "line"), ("keypoints", "keypoints")):
        for shape in annotation[kind]:
            shape[key] = points(shape[key])
    for point in annotation["points"]:
        (point["point"],) = points([point["point"]])


def _as_lists(points: Iterable[Iterable[float]]) -> list[list[float]]:
    return list(map(list, points))


def whole(session: Session, value: float) -> float:
    """Return a coordinate, rounded if the platform takes whole pixels only."""
    return round(value) if session.backend.limits.whole_pixels else value


def whole_pair(session: Session, point: Sequence[float]) -> tuple[float, float]:
    """Return a point, rounded if the platform takes whole pixels only; BadRequestError unless it has two numbers."""
    try:
        x, y = point
    except (TypeError, ValueError):
        raise BadRequestError(f"{point!r} is not a point", hint="give [x, y]") from None
    return whole(session, x), whole(session, y)


def whole_pairs(session: Session, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """Return points, rounded if the platform takes whole pixels only."""
    return [whole_pair(session, point) for point in points]


async def by_asset(
    session: Session, pages: AsyncIterator[list[LoadedAnnotation]]
) -> dict[str, list[dict[str, Any]]]:
    """Collect loaded annotations as plain values, by asset id."""
    loaded: dict[str, list[dict[str, Any]]] = {}
    tidied = session.backend.limits.extensions
    async for page in pages:
        for plain in await in_thread(_plain, page, tidied):
            loaded.setdefault(plain.pop("asset_id"), []).append(plain)
    return loaded


def _plain(page: list[LoadedAnnotation], tidied: bool) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = msgspec.to_builtins(page)
    for annotation in plain:
        tidy_annotation(annotation, tidied)
    return plain
