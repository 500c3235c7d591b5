"""Coordinates as callers see them and as the platform takes them.

Whole coordinates are returned as ints, because callers slice images with them; others stay exact floats.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

import msgspec

from headrace.engine.versions.load import Page
from headrace.errors import BadRequestError
from headrace.garbage import collector_paused
from headrace.platform.annotations.plain import plain_annotations
from headrace.sdk.base.session import Session


def tidy(number: float) -> float:
    """Return a whole number as an int, any other unchanged."""
    return int(number) if number == int(number) else number


def tidy_points(points: Iterable[Iterable[float]]) -> list[list[float]]:
    """Return points as lists, whole numbers as ints."""
    return [[tidy(number) for number in point] for point in points]


def tidy_annotation(annotation: dict[str, Any]) -> None:
    """Convert the points of a loaded annotation to lists and its whole numbers to ints, in place."""
    for box in annotation["rectangles"]:
        for key in "xywh":
            box[key] = tidy(box[key])
    for kind, key in (("polygons", "polygon"), ("lines", "line"), ("keypoints", "keypoints")):
        for shape in annotation[kind]:
            shape[key] = tidy_points(shape[key])
    for point in annotation["points"]:
        (point["point"],) = tidy_points([point["point"]])


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


def as_plain(page: Page) -> list[dict[str, Any]]:
    """Return loaded annotations as plain values."""
    if isinstance(page, list):
        with collector_paused(kept=True):
            plain: list[dict[str, Any]] = msgspec.to_builtins(page)
            for annotation in plain:
                tidy_annotation(annotation)
            return plain
    return plain_annotations(page)


async def by_asset(
    pages: AsyncIterator[list[dict[str, Any]]],
) -> dict[str, list[dict[str, Any]]]:
    """Collect plain annotations by asset id."""
    loaded: dict[str, list[dict[str, Any]]] = {}
    async for page in pages:
        for plain in page:
            loaded.setdefault(plain.pop("asset_id"), []).append(plain)
    return loaded
