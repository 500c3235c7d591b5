"""Conversions with a label map, and of chosen images: on every path from reader to writer."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from headrace import NameFilter, convert, formats
from headrace.engine.convert.report import ConversionReport
from headrace.errors import NoDataError, ParseError
from tests.support.tiers import slow

LABELS = ["person", "car", "ignored", "truck", "dog"]
MAP = {"drop": ["ignored"], "merge": {"vehicle": ["truck", "car"]}, "rename": {"dog": "hound"}}
MAPPED = ["person", "vehicle", "hound"]
IMAGES = 30


def document(*, polygons: bool = False) -> dict[str, Any]:
    outline = {"segmentation": [[1, 1, 9, 1, 9, 9]]} if polygons else {}
    return {
        "images": [
            {"id": n, "file_name": f"{n:02}.jpg", "width": 64, "height": 48} for n in range(IMAGES)
        ],
        "annotations": [
            {
                "id": n,
                "image_id": n % IMAGES,
                "category_id": n % 5 + 1,
                "bbox": [1, 1, 8, 8],
                "area": 64,
                "iscrowd": 0,
            }
            | outline
            for n in range(IMAGES * 3)
        ],
        "categories": [{"id": n, "name": name} for n, name in enumerate(LABELS, start=1)],
    }


@pytest.fixture(params=["boxes", "polygons"])
async def coco(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "source.json"
    path.write_text(json.dumps(document(polygons=request.param == "polygons")))
    return path


@pytest.fixture
async def sources(coco: Path, tmp_path: Path) -> dict[str, Path]:
    made = {"coco": coco}
    for to in ("yolo", "voc"):
        made[to] = tmp_path / f"source-{to}"
        await convert(coco, made[to], to=to)
    return made


def shapes_of(path: Path, format: str) -> Counter[str]:
    with formats.read(path, format) as source:
        return Counter(shape.label for sample in source for shape in sample.shapes)


@pytest.mark.parametrize("from_", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("to", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("workers", [1, slow(2)])
async def test_a_label_map_on_every_path(
    sources: dict[str, Path], from_: str, to: str, workers: int, tmp_path: Path
) -> None:
    dst = tmp_path / ("out.json" if to == "coco" else "out")
    report = await convert(sources[from_], dst, to=to, from_=from_, labels_map=MAP, workers=workers)
    per_label = IMAGES * 3 // 5
    want = {"person": per_label, "vehicle": 2 * per_label, "hound": per_label}
    assert report.labels == want
    assert [*report.labels] == ([*want] if from_ != "voc" else [*report.labels])
    assert (report.shapes_in, report.shapes_out, report.shapes_dropped) == (90, 72, 18)
    (finding,) = [each for each in report.findings if each.code == "LABEL"]
    assert (finding.message, finding.count) == ("the label map drops 'ignored'", per_label)
    assert shapes_of(dst, to) == want
    if to == "yolo" and from_ != "voc":
        with formats.read(dst, "yolo") as source:
            assert [label.name for label in source.labels] == MAPPED
    if to == "coco" and from_ == "coco":
        written = json.loads(dst.read_text())["categories"]
        assert [(each["id"], each["name"]) for each in written] == [
            (1, "person"),
            (2, "vehicle"),
            (5, "hound"),
        ]


async def test_a_map_that_drops_nothing_keeps_every_shape_as_it_is(
    coco: Path, tmp_path: Path
) -> None:
    plain, mapped = tmp_path / "plain.json", tmp_path / "mapped.json"
    await convert(coco, plain, to="coco")
    await convert(coco, mapped, to="coco", labels_map={"rename": {"dog": "hound"}})
    want = json.loads(plain.read_text())
    want["categories"][4]["name"] = "hound"
    for document in (have := json.loads(mapped.read_text()), want):
        for annotation in document["annotations"]:
            del annotation["id"]  # numbered anew, image by image
        document["annotations"].sort(key=lambda each: (each["image_id"], each["category_id"]))
    assert have == want


async def test_the_class_order_names_labels_as_the_map_does(coco: Path, tmp_path: Path) -> None:
    order = ["hound", "vehicle", "person"]
    await convert(coco, tmp_path / "out", to="yolo", labels_map=MAP, class_order=order)
    with formats.read(tmp_path / "out", "yolo") as source:
        assert [label.name for label in source.labels] == order


@pytest.mark.parametrize("from_", ["coco", "yolo", "voc"])
async def test_a_label_that_the_source_does_not_have(
    sources: dict[str, Path], from_: str, tmp_path: Path
) -> None:
    wrong = {"drop": ["ignord"], "merge": {"vehicle": ["car", "bus"]}}
    with pytest.raises(ParseError, match=r"LABEL.*: 'bus', 'ignord' \(did you mean 'ignored'\?\)"):
        await convert(sources[from_], tmp_path / "out", to="coco", from_=from_, labels_map=wrong)
    assert not (tmp_path / "out").exists()
    report = await convert(
        sources[from_], tmp_path / "out", to="coco", from_=from_, labels_map=wrong, on_error="skip"
    )
    assert {"vehicle": 18, "ignored": 18}.items() <= report.labels.items()


async def test_dropping_every_label_fails(coco: Path, tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="the label map drops"):
        await convert(coco, tmp_path / "out", to="yolo", labels_map={"drop": LABELS})


async def chosen(source: Path, from_: str, dst: Path, **more: Any) -> ConversionReport:
    return await convert(source, dst, to="coco", from_=from_, **more)


@pytest.mark.parametrize("from_", ["coco", "yolo", "voc"])
@pytest.mark.parametrize("workers", [1, slow(2)])
async def test_chosen_images_on_every_path(
    sources: dict[str, Path], from_: str, workers: int, tmp_path: Path
) -> None:
    dst = tmp_path / "out.json"
    report = await chosen(
        sources[from_], from_, dst, include="1*.*", exclude="*5.*", workers=workers
    )
    written = json.loads(dst.read_text())
    names = {each["file_name"].rpartition("/")[2] for each in written["images"]}
    assert {name.partition(".")[0] for name in names} == {f"{n}" for n in range(10, 20) if n != 15}
    assert (report.images_in, report.images_out, report.images_dropped) == (9, 9, 0)
    assert (report.shapes_in, report.shapes_out) == (27, 27)
    assert len(written["annotations"]) == 27


async def test_listed_images_and_names_that_are_not_there(coco: Path, tmp_path: Path) -> None:
    names = NameFilter(names=["07.jpg", "99.jpg"])
    report = await chosen(coco, "coco", tmp_path / "out.json", include=names)
    assert report.images_out == 1
    assert names.note() == "1 of 2 listed names were not found: 99.jpg"
    with pytest.raises(NoDataError, match="listed names were not found"):
        await chosen(coco, "coco", tmp_path / "none.json", names=["98.jpg"])
    assert not (tmp_path / "none.json").exists()
