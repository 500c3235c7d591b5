"""A dataset that goes from COCO to YOLO, on to VOC and back to COCO is itself, up to the declared losses."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.formats import WHOLE, Capability, get
from headrace.formats.geometry import rle
from headrace.formats.geometry.outlines import mask_rings
from headrace.formats.yolo.writing.encode import joined_rings
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import (
    AnyShape,
    Classification,
    Keypoints,
    Mask,
    Polygon,
    Rectangle,
)
from tests.support.data.formats import lay_out, numbers
from tests.support.tiers import scaled

LABELS = ["no", "012", "dog: #1", "<é> & 日", "unused"]
KINDS: dict[type, Any] = {
    Rectangle: "rectangle",
    Polygon: "polygon",
    Keypoints: "keypoints",
    Mask: "mask",
    Classification: "classification",
}
parts = st.floats(0, 1)
labels = st.sampled_from(LABELS[:-1])


@st.composite
def spans(draw: Any, length: int) -> tuple[float, float]:
    """Where a box begins, and how long it is: inside, and no line."""
    size = draw(st.floats(0.05, 1)) * length
    return draw(parts) * (length - size), size


@st.composite
def shapes(draw: Any, width: int, height: int) -> AnyShape:
    label = draw(labels)
    (x, w), (y, h) = draw(spans(width)), draw(spans(height))
    kind = draw(st.sampled_from(list(KINDS)))
    if kind is Rectangle:
        return Rectangle(label=label, x=x, y=y, w=w, h=h, area=draw(st.none() | st.just(7.5)))
    if kind is Polygon:
        corners = st.lists(st.tuples(parts, parts), min_size=1, max_size=6)
        more = [(x + a * w, y + b * h) for a, b in draw(corners)]
        points = [(x, y), (x + w, y), (x + w, y + h), *more]
        return Polygon(label=label, rings=[[value for point in points for value in point]])
    if kind is Keypoints:
        given = [x + w / 2, y + h / 2, 2.0, 0.0, 0.0, 0.0]
        return Keypoints(label=label, points=given, bbox=(x, y, w, h))
    if kind is Mask:
        start = draw(st.integers(0, width * height - 2))
        length = draw(st.integers(1, width * height - start))
        counts = [start, length, width * height - start - length]
        return Mask(label=label, counts=rle.encode(counts), height=height, width=width)
    return Classification(label=label)


@st.composite
def datasets(draw: Any) -> list[Sample]:
    names = draw(st.lists(st.sampled_from(["a", "b.c", "é x", "s/a", "s/t/d"]), unique=True))
    samples = []
    for number, name in enumerate(names):
        width, height = draw(st.integers(8, 300)), draw(st.integers(8, 300))
        drawn = draw(st.lists(shapes(width, height), max_size=4))
        samples.append(
            Sample(filename=f"{name}.png", id=number, width=width, height=height, shapes=drawn)
        )
    return samples


def box_of(shape: AnyShape) -> tuple[float, float, float, float]:
    if isinstance(shape, Rectangle):
        return shape.x, shape.y, shape.w, shape.h
    if isinstance(shape, Mask):
        return rle.bounds(rle.decode(shape.counts, shape.height, shape.width), shape.height)
    if isinstance(shape, Keypoints):
        assert shape.bbox is not None
        return shape.bbox
    assert isinstance(shape, Polygon)
    xs, ys = shape.rings[0][0::2], shape.rings[0][1::2]
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def left_of(shape: AnyShape, says: Capability) -> AnyShape | None:
    """What a format keeps of a shape, by its own declaration."""
    kept = says.kinds.get(KINDS[type(shape)])
    if kept is None or kept == WHOLE:
        return None if kept is None else shape
    x, y, w, h = box_of(shape)
    if kept == "its box":
        return Rectangle(label=shape.label, x=x, y=y, w=w, h=h)
    if kept == "its outline":
        # That the rings enclose its pixels exactly is a test of its own.
        assert isinstance(shape, Mask)
        counts = rle.decode(shape.counts, shape.height, shape.width)
        joined = list(joined_rings(mask_rings(counts, shape.height)))
        return Polygon(label=shape.label, rings=[joined])
    assert kept == "the corners of its box"
    ring = [x, y, x + w, y, x + w, y + h, x, y + h]
    return Polygon(label=shape.label, rings=[ring])


@pytest.mark.parametrize("task", ["detect", "segment"])
@given(datasets())
@settings(max_examples=scaled(60))
def test_coco_to_yolo_to_voc_to_coco(task: str, samples: list[Sample]) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        known = [LabelInfo(name=label) for label in LABELS]
        formats.write(samples, root / "start.json", "coco", labels=known)
        convert_blocking(root / "start.json", root / "yolo", to="yolo", task=task, allow_empty=True)
        sizes = {
            f"yolo/images/train/{sample.filename}": (sample.width or 0, sample.height or 0)
            for sample in samples
        }
        lay_out(root, sizes)
        if samples:
            convert_blocking(
                root / "yolo", root / "voc", to="voc", from_="yolo", task=task, allow_empty=True
            )
            convert_blocking(
                root / "voc", root / "end.json", to="coco", from_="voc", allow_empty=True
            )
            with formats.read(root / "end.json", strict=True) as source:
                found, met = list(source), [label.name for label in source.labels]
        else:
            found, met = [], []
    kept = [get("yolo").info.capability(task), get("voc").info.says]
    wanted = {}
    for sample in samples:
        drawn: list[AnyShape | None] = [*sample.shapes]
        for says in kept:
            drawn = [shape and left_of(shape, says) for shape in drawn]
        wanted[sample.filename] = (sample.width, sample.height, [x for x in drawn if x])
    assert sorted(sample.filename for sample in found) == sorted(wanted)
    for sample in found:
        width, height, drawn_wanted = wanted[sample.filename]
        assert (sample.width, sample.height) == (width, height)
        assert [(type(each), each.label) for each in sample.shapes] == [
            (type(each), each.label) for each in drawn_wanted
        ]
        for shape, before in zip(sample.shapes, drawn_wanted, strict=True):
            assert numbers(shape) == pytest.approx(numbers(before), abs=1e-6)
            assert box_of(shape) == pytest.approx(box_of(before), abs=1e-6)
            assert shape.iscrowd is False
            assert shape.text is shape.score is None
            flags = (shape.attributes or {}).values()
            assert not any(flags)
    # Labels survive, also those that no shape bears; only one with a colon cannot stand in VOC's map.
    used = {x.label for _, _, drawn in wanted.values() for x in drawn}
    mapped = [label for label in LABELS if ":" not in label]
    assert met == (mapped + [label for label in LABELS if ":" in label and label in used]) * bool(
        samples
    )
