"""COCO to COCO with every annotation left in its place: the same records as when they are brought together by image."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.report import ConversionReport
from headrace.engine.convert.run import convert_blocking
from headrace.errors import FormatError
from tests.support.tiers import slow

LABELS = ["cat", "dog", "dog", "", "é"]


def polygon(chance: random.Random, points: int = 40) -> list[float]:
    return [round(chance.uniform(0, 640), 2) for _ in range(2 * points)]


def annotation(chance: random.Random, number: int, images: list[Any]) -> dict[str, Any]:
    """A usual annotation nine times of ten, else one of the many other kinds."""
    box = [round(chance.uniform(0, 300), 2) for _ in range(2)] + [10.5, 20]
    record: dict[str, Any] = {
        "id": number,
        "image_id": chance.choice(images),
        "category_id": chance.choice([1, 2, 5]),
        "segmentation": [polygon(chance)],
        "area": 12.25,
        "bbox": box,
        "iscrowd": 0,
    }
    odd: list[dict[str, Any]] = [
        {"segmentation": []},
        {"segmentation": None, "area": None},
        {"segmentation": [polygon(chance), polygon(chance, 3)], "area": None},
        {"segmentation": [polygon(chance)[:-1]]},
        {"segmentation": {"size": [480, 640], "counts": [480 * 640]}, "iscrowd": 1},
        {"segmentation": {"size": [1, 2], "counts": [2]}},
        {"segmentation": {"size": [480, 640], "counts": "~"}},
        {"bbox": None},
        {"bbox": [1, 2, 0, 4]},
        {"bbox": [1e308, 2, 1e308, 4], "area": None, "segmentation": []},
        {"bbox": "none"},
        {"area": "large"},
        {"area": float("nan")},
        {"iscrowd": 1},
        {"iscrowd": False},
        {"iscrowd": True},
        {"id": 3},
        {"id": "seven"},
        {"id": None},
        {"image_id": 987654},
        {"image_id": float(chance.choice(images)) if isinstance(images[0], int) else None},
        {"category_id": 77},
        {"category_id": None},
        {"keypoints": [1, 2, 2, 3, 4, 1]},
    ]
    if chance.random() < 0.1:
        record |= chance.choice(odd)
    return record


def document(chance: random.Random) -> dict[str, Any]:
    """A file of several windows; its keys, ids and dialect differ from seed to seed."""
    ids: list[Any] = chance.sample(range(1, 900), 60)
    if chance.random() < 0.2:
        ids = [f"image {number}" for number in ids]
    images: list[dict[str, Any]] = [
        {"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480} for number in ids
    ]
    if chance.random() < 0.5:
        images[7] |= {"file_name": ""}
        images[9] |= {"width": None}
        images[11] |= {"id": ids[3]}
        images[13] |= {"id": None}
        images[15] |= {"width": 2**40}
    annotations = [annotation(chance, number, ids) for number in range(300)]
    if chance.random() < 0.3:
        for record in annotations[chance.randrange(300) :]:
            record["score"] = 0.5
            record["source"] = {"tool": "x", "tags": [1, None]}
    categories = [
        {"id": number, "name": name} for number, name in zip([1, 2, 5, 6, 9], LABELS, strict=True)
    ]
    if chance.random() < 0.3:
        categories[0]["id"] = "one"
    keys = list({"images": 0, "annotations": 0, "categories": 0, "info": 0})
    chance.shuffle(keys)
    every = {
        "images": images,
        "annotations": annotations,
        "categories": categories,
        "info": {"year": 2024},
    }
    return {key: every[key] for key in keys}


def outcome(source: Path, target: Path, **how: Any) -> tuple[ConversionReport | None, Any]:
    """What came of it; of an error only that it came, since it is met in another order."""
    try:
        report = convert_blocking(source, target, to="coco", **how)
    except FormatError as error:
        return None, type(error)
    written = json.loads(target.read_text())
    numbers = [record["id"] for record in written["annotations"]]
    assert numbers == list(range(1, len(numbers) + 1))
    # A label that is not declared gets a number when it is first met.
    names = {category.pop("id"): category["name"] for category in written["categories"]}
    by_image: dict[Any, list[Any]] = {}
    for record in written["annotations"]:
        del record["id"]
        record["category_id"] = names[record["category_id"]]
        by_image.setdefault(record["image_id"], []).append(record)
    categories = sorted(map(str, written["categories"]))
    return report, (written["images"], categories, by_image, written["info"])


@pytest.mark.parametrize("task", [None, "detect"])
@pytest.mark.parametrize("seed", [*range(3), *map(slow, range(3, 12))])
def test_the_same_records(tmp_path: Path, seed: int, task: str | None) -> None:
    chance = random.Random(seed)
    source = tmp_path / "source.json"
    indent = chance.choice([None, 1])
    source.write_text(json.dumps(document(chance), indent=indent), encoding="utf-8")
    for policy in ({"on_error": "skip"}, {"on_error": "collect"}, {"strict": True}, {}):
        how: dict[str, Any] = {"task": task, "from_": "coco", **policy}
        unordered, written = outcome(source, tmp_path / "unordered.json", overwrite=True, **how)
        gathered, expected = outcome(
            source, tmp_path / "gathered.json", overwrite=True, geometry="floats", **how
        )
        assert written == expected
        assert (unordered is None) == (gathered is None)
        if unordered is not None and gathered is not None:
            assert unordered.shapes_dropped > 0
            assert _said(unordered) == _said(gathered)
            assert unordered.labels == gathered.labels
            assert (unordered.images_out, unordered.shapes_out) == (
                gathered.images_out,
                gathered.shapes_out,
            )


def _said(report: ConversionReport) -> list[tuple[Any, ...]]:
    return sorted(
        (each.code, each.message, each.severity, each.count, each.dropped_shapes)
        for each in report.findings
    )
