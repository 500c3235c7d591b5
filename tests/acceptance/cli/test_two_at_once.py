"""Several equal commands at the same time: one asset a file, and every command answers as if it ran alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.processes.cli import Place, new_lake, served
from tests.support.storage import kind
from tests.support.tiers import slow

IMAGES, PUSHES, IMPORTS = 64, 4, 16
ROUNDS = [1, slow(20)]
SERVED_ROUNDS = 5
"""The many rounds where a command takes seconds: with PostgreSQL and S3."""


# A round starts up to 16 commands, and twenty of them take minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(params=["lake", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "lake":
        yield new_lake(tmp_path / "lake")
    else:
        with served(tmp_path / "lake") as found:
            yield found


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A folder of images in subfolders, two of which have the same content, with a COCO file of one box each."""
    root = tmp_path / "data"
    images, annotations = [], []
    for number in range(IMAGES):
        name = f"{number % 3}/{number:03}.png"
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 24), (max(number, 1), 0, 0)).save(root / name)
        images.append({"id": number, "file_name": name, "width": 32, "height": 24})
        box = {"bbox": [number % 7, 1, 5, 6], "area": 30, "iscrowd": 0}
        annotations.append({"id": number, "image_id": number, "category_id": 1 + number % 2, **box})
    categories = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (root / "labels.json").write_text(json.dumps(content))
    return root


def at_once(count: int, place: Place, *command: str | Path) -> list[dict[str, Any]]:
    """Run the same command several times at once; all must succeed."""
    with ThreadPoolExecutor(count) as pool:
        runs = [pool.submit(place.done, *map(str, command)) for _ in range(count)]
        return [run.result() for run in runs]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_pushes_of_the_same_folder_at_once_add_each_file_once(
    place: Place, dataset: Path, rounds: int
) -> None:
    for number in range(rounds if kind() == "lake" else min(rounds, SERVED_ROUNDS)):
        version = f"birds{number}/v1"
        # Each round has files of its own, so that all pushes find a lake without them.
        extra = dataset / f"round-{number}.png"
        Image.new("RGB", (40, 30), (number, 200, 0)).save(extra)
        reports = at_once(PUSHES, place, "push", version, dataset)
        files = IMAGES + number + 1
        stats = place.done("stats", version)
        assert stats["assets"] == files
        assert sum(report["assets"] for report in reports) == files
        for report in reports:
            assert report["files"] == report["uploaded"] + report["reused"] == files
            assert report["failed"] == 0
    if kind() == "lake":
        objects = [path for path in (place.lake / "objects").rglob("*.png") if path.is_file()]
        assert len(objects) == IMAGES + rounds


@pytest.mark.parametrize("rounds", ROUNDS)
def test_equal_imports_at_once_give_the_same_answer(
    place: Place, dataset: Path, rounds: int
) -> None:
    for number in range(rounds if kind() == "lake" else min(rounds, SERVED_ROUNDS)):
        version = f"birds{number}/v1"
        place.done("push", version, dataset)
        reports = at_once(IMPORTS, place, "import", version, dataset / "labels.json")
        for report in reports:
            (file,) = report["files"]
            assert (file["images_imported"], file["shapes_imported"]) == (IMAGES, IMAGES)
        stats = place.done("stats", version)
        assert (stats["assets"], stats["annotations"], stats["shapes"]) == (IMAGES, IMAGES, IMAGES)
        assert stats["labels"] == {"one": IMAGES // 2, "two": IMAGES // 2}
