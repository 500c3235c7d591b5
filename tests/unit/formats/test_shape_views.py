"""Shapes of a reader are made when something asks for them; from then on they are like any other list of shapes."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

from headrace import formats
from headrace.errors import ParseError
from headrace.formats.geometry.box_table import BoxView, as_boxes
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Polygon, Rectangle


def annotation(number: int, image: int, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 1,
        "bbox": [1, 2, 30, 4.5],
        "area": 20,
        "segmentation": [[1, 2, 3.25, 4, 5, 6], [0, 0, 1, 0, 1, 1]],
        **more,
    }


def write(path: Path, annotations: list[dict[str, object]]) -> Path:
    document = {
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 64, "height": 48} for n in (1, 2)],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}],
    }
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(params=["in the order of the images", "in another order"])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Sample:
    annotations = [annotation(1, 1), annotation(2, 1, segmentation=[]), annotation(3, 2)]
    if "another" in request.param:
        annotations.reverse()
    return next(iter(formats.read(write(tmp_path / "a.json", annotations), "coco")))


def test_nothing_is_made_until_a_shape_is_asked_for(sample: Sample) -> None:
    shapes = sample.shapes
    assert isinstance(shapes, BoxView)
    assert len(shapes) == 2
    assert shapes.is_untouched
    assert shapes[0].label == "cat"
    assert not shapes.is_untouched


def test_numbers_are_lists_and_whole_ones_stay_whole(sample: Sample) -> None:
    polygon = next(shape for shape in sample.shapes if isinstance(shape, Polygon))
    assert polygon.rings == [[1, 2, 3.25, 4, 5, 6], [0, 0, 1, 0, 1, 1]]
    assert repr(polygon.rings) == "[[1, 2, 3.25, 4, 5, 6], [0, 0, 1, 0, 1, 1]]"
    assert type(polygon.rings) is list
    assert repr((polygon.bbox, polygon.area)) == "((1, 2, 30, 4.5), 20)"


def test_copies_and_pickles_are_lists(sample: Sample) -> None:
    for again in (copy.deepcopy(sample), pickle.loads(pickle.dumps(sample))):
        assert again == sample
        assert type(again.shapes) is list


def test_shapes_can_be_changed_as_a_list_can(sample: Sample) -> None:
    first, second = sample.shapes
    extra = Rectangle(label="dog", x=0, y=0, w=1, h=1)
    sample.shapes.append(extra)
    sample.shapes.insert(0, extra)
    assert sample.shapes == [extra, first, second, extra]
    del sample.shapes[0]
    sample.shapes[0] = extra
    assert list(sample.shapes) == [extra, second, extra]
    assert [*sample.shapes, first] == [extra, second, extra, first]
    assert [first, *sample.shapes] == [first, extra, second, extra]
    sample.shapes.remove(second)
    assert len(sample.shapes) == 2


def test_shapes_are_joined_and_sorted_as_lists_are(sample: Sample) -> None:
    first, second = list(sample.shapes)
    more = [second]
    assert sample.shapes + more == [first, second, second]
    assert more + sample.shapes == [second, first, second]
    assert sample.shapes.copy() == [first, second]
    sample.shapes.sort(key=lambda shape: isinstance(shape, Polygon))
    once = list(sample.shapes)
    sample.shapes.sort(key=lambda shape: isinstance(shape, Polygon), reverse=True)
    assert list(sample.shapes) == once[::-1]


@pytest.mark.parametrize("target", ["coco", "voc", "yolo"])
def test_what_was_changed_is_what_is_written(tmp_path: Path, sample: Sample, target: str) -> None:
    for shape in sample.shapes:
        shape.label = "dog"
    assert as_boxes(sample.shapes) is None
    formats.write([sample], tmp_path / f"out-{target}", target, labels=[LabelInfo(name="dog")])
    written = next(iter(formats.read(tmp_path / f"out-{target}", target)))
    assert {shape.label for shape in written.shapes} == {"dog"}
    assert len(written.shapes) == 2


def test_a_bad_number_is_found_before_a_shape_is_asked_for(tmp_path: Path) -> None:
    bad = annotation(2, 2, segmentation=[[1, 2, 3, 4, 5, "x"]])
    path = write(tmp_path / "a.json", [annotation(1, 1), bad])
    with pytest.raises(ParseError) as raised:
        list(formats.read(path, "coco", strict=True))
    assert raised.value.offset == path.read_text().index('{"id": 2, "image_id"')
