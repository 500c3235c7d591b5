"""Files of nothing but bad records: told one by one, in time and memory that follow the size of the file."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from headrace.engine.convert.run import convert_blocking
from headrace.formats.coco.rows import Row, SegmentationMode, find_row
from headrace.formats.coco.schema import UndecodedRecord
from headrace.formats.io.json_stream import JsonStream, Member

BAD: list[Any] = [
    [[1, 2]],
    [[1, 2, 3, 4, 5, 6, 7]],
    {"size": [48, 64], "counts": "~"},
    {"size": [48, 64]},
    "none",
]


@pytest.mark.parametrize("to", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("task", [None, "detect"])
def test_the_file_is_not_searched_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, task: str | None
) -> None:
    chance = random.Random(0)
    annotations = [
        {
            "id": n,
            "image_id": chance.randrange(1, 50),
            "category_id": 1,
            "bbox": [1, 2, 3, 4],
            "area": 12,
            "segmentation": chance.choice(BAD),
        }
        for n in range(2_000)
    ]
    document = {
        "images": [
            {"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in range(1, 50)
        ],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}],
    }
    path = tmp_path / "source.json"
    path.write_text(json.dumps(document))
    searches: list[Row] = []

    def find(
        stream: JsonStream, member: Member, mode: SegmentationMode, row: Row
    ) -> UndecodedRecord:
        searches.append(row)
        return find_row(stream, member, mode, row)

    monkeypatch.setattr("headrace.formats.coco.file_reader.find_row", find)
    report = convert_blocking(path, tmp_path / "out", to=to, on_error="skip", task=task)
    told = {
        code: sum(each.count for each in report.findings if each.code == code)
        for code in ("C08", "C09", "C12")
    }
    assert sum(told.values()) == 2_000
    assert min(told.values()) > 300
    # Those of the examples in the report, three of each kind.
    assert len(searches) <= 3 * len(report.findings)
