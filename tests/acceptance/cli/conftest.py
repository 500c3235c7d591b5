"""A lake by its folder and behind a server, and a drawn dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from examples.make_sample import draw_dataset
from tests.support.processes.cli import Place, new_lake, served


@dataclass(frozen=True)
class Drawn:
    """Images, their COCO file, and its content."""

    images: Path
    annotations: Path
    coco: dict[str, Any]

    @property
    def labels(self) -> dict[str, int]:
        """Shapes per label."""
        names = {category["id"]: category["name"] for category in self.coco["categories"]}
        found = [names[annotation["category_id"]] for annotation in self.coco["annotations"]]
        return {name: found.count(name) for name in set(found)}


@pytest.fixture(params=["lake", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "lake":
        yield new_lake(tmp_path / "lake")
    else:
        with served(tmp_path / "lake") as reached:
            yield reached


@pytest.fixture
def lake(tmp_path: Path) -> Place:
    return new_lake(tmp_path / "lake")


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    images, annotations = draw_dataset(tmp_path_factory.mktemp("drawn"), count=12)
    return Drawn(images, annotations, json.loads(annotations.read_text()))
