"""Forks, copies, conversions and annotation files by the blocking twin."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from headrace import blocking
from headrace.errors import ConflictError
from tests.support.data.images import draw_images, write_coco

NAMES = [f"image_{index:04d}.jpg" for index in range(6)]


def test_what_comes_of_a_version(tmp_path: Path) -> None:
    draw_images(tmp_path / "images", 6)
    file = write_coco(tmp_path / "in.json", NAMES)
    blocking.create_lake(tmp_path / "lake")
    with blocking.connect(tmp_path / "lake") as client:
        client.push("drawings/first", tmp_path / "images")
        first = client.version("drawings/first")
        first.import_annotations_coco_file(file)

        fork, job = first.fork("second", with_annotations=True)
        assert isinstance(fork, blocking.DatasetVersion)
        assert job.done
        assert job.cancel() == job.status
        assert fork.retrieve_stats() == first.retrieve_stats()
        with pytest.raises(ConflictError):
            first.fork("second")

        bare, _ = first.fork("bare", assets=first.list_assets(filenames=NAMES[:2]), type="multi")
        assert first.copy_assets_to(bare, first.list_assets(), with_tags=True).done
        assert {asset.filename for asset in bare.iter_assets()} == set(NAMES)
        tag = bare.create_asset_tag("sunny")
        bare.find_asset(filename=NAMES[0]).add_tags(tag)
        assert bare.convert_tags_to_classification("ASSET", [tag]).done
        assert bare.retrieve_stats().label_repartition == {"sunny": 1}

        path = first.export_annotation_file("COCO", tmp_path / "out")
        assert len(json.loads(Path(path).read_text())["images"]) == 6
