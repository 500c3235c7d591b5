"""What is read of loaded annotations, so that no contender can leave them undone. Standard library only."""

from collections.abc import Iterable, Mapping
from typing import Any


def sum_loaded(annotations: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Read every label and sum every coordinate of annotations as plain values."""
    count = shapes = letters = 0
    total = 0.0
    for annotation in annotations:
        count += bool(annotation["rectangles"] or annotation["polygons"])
        for box in annotation["rectangles"]:
            shapes += 1
            letters += len(box["label"])
            total += box["x"] + box["y"] + box["w"] + box["h"]
        for polygon in annotation["polygons"]:
            shapes += 1
            letters += len(polygon["label"])
            for x, y in polygon["polygon"]:
                total += x + y
    return counts(count, shapes, letters, total)


def counts(annotations: int, shapes: int, letters: int, total: float) -> dict[str, int]:
    """Return the counts that must be equal: annotations with shapes, shapes, and letters of their labels.

    The sum of the coordinates, in pixels, must be about equal: servers give the official client whole pixels.
    """
    return {
        "annotations": annotations,
        "shapes": shapes,
        "letters": letters,
        "about_sum": round(total),
    }
