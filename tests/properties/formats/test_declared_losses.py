"""Any samples -> a format -> back: equal, except for what the format declares; and that is counted, to the last shape."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.boxes import box_of
from headrace.formats.info import FIELDS, WHOLE, Capability
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Keypoints, Polygon, Rectangle, Track
from tests.support.data.drawn_samples import LABELS, SampleDraw
from tests.support.tiers import scaled

WIDTH, HEIGHT = 64, 48
NAMES = [f"{place}.jpg" for place in range(4)]
TARGETS = [
    ("coco", None),
    ("coco-video", None),
    ("voc", None),
    ("voc", "detect"),
    ("yolo", "detect"),
    ("yolo", "segment"),
    ("yolo", "obb"),
    ("yolo", "pose"),
]
OF_SHAPES = {
    "shape_id": "id",
    "area": "area",
    "score": "score",
    "text": "text",
    "attributes": "attributes",
    "extra": "extra",
    "segmentation": "segmentation",
}


@pytest.mark.parametrize(("format", "task"), TARGETS)
def test_what_is_not_declared_as_lost_comes_back(
    tmp_path: Path, format: str, task: str | None
) -> None:
    for seed in range(scaled(200)):
        check(seed, format, task, tmp_path)


def check(seed: int, format: str, task: str | None, folder: Path) -> None:
    says = get(format).info.capability(task)
    draw = SampleDraw(seed, names=NAMES, width=WIDTH, height=HEIGHT, inside=True)
    samples = draw.samples()
    if "background" not in says.fields:
        samples = [replace(each, annotated=True) for each in samples]
    target = folder / f"{seed}-{format}-{task}"
    written = write(format, task, samples, target)
    one, other = lost(written), declared(samples, says)
    assert one == other, (one - other, other - one)
    shapes = [shape for sample in samples for shape in sample.shapes]
    dropped = sum(not is_kept(shape, says, task) for shape in shapes)
    assert written.get("write").shapes_dropped == dropped, (
        written.get("write").shapes_dropped,
        dropped,
    )
    if dropped == len(shapes):
        return
    found = read(format, target)
    assert found.keys() == {sample.filename for sample in samples}
    for sample in samples:
        assert_sample_kept(sample, found[sample.filename], says)
        kept = [shape for shape in sample.shapes if is_kept(shape, says, task)]
        for before, after in zip(kept, found[sample.filename].shapes, strict=True):
            assert_kept(before, after, says)


def is_kept(shape: AnyShape, says: Capability, task: str | None) -> bool:
    """Whether a format keeps anything of a shape: it has the kind, and the shape has a box where the box is kept."""
    kept = says.kinds.get(kind_of(shape))
    if shape.iscrowd and "iscrowd" not in says.fields:
        return False
    return kept is not None and ((kept == WHOLE and task != "pose") or box_of(shape) is not None)


def is_given(value: object) -> bool:
    return value is not None and value is not False


def kind_of(shape: AnyShape) -> Any:
    return type(shape).__struct_config__.tag


def declared(samples: list[Sample], says: Capability) -> Counter[str]:
    """How often each field that the format does not keep has a value."""
    counts: Counter[str] = Counter()
    for sample in samples:
        for field, name in (
            ("image_id", "id"),
            ("image_attributes", "attributes"),
            ("extra", "extra"),
        ):
            counts[field] += getattr(sample, name) is not None
        for shape in sample.shapes:
            for field, name in OF_SHAPES.items():
                counts[field] += is_given(getattr(shape, name, None))
    return Counter(
        {FIELDS[field]: n for field, n in counts.items() if n and field not in says.fields}
    )


def lost(findings: Findings) -> Counter[str]:
    prefix = "not written: "
    fields = {FIELDS["bbox"], FIELDS["rings"]}
    counts = {
        each.message.removeprefix(prefix): each.count
        for each in findings
        if each.message.startswith(prefix)
    }
    return Counter({words: count for words, count in counts.items() if words not in fields})


def assert_sample_kept(before: Sample, after: Sample, says: Capability) -> None:
    assert (after.width, after.height) == (before.width, before.height)
    assert after.annotated == before.annotated
    if "image_id" in says.fields and before.id is not None:
        assert after.id == before.id
    if "image_attributes" in says.fields:
        back = after.attributes or {}
        for key, value in (before.attributes or {}).items():
            assert back[key] in (value, as_text(value))
    if "extra" in says.fields:
        # COCO says in a key of its own that an image was not annotated.
        extra = {key: value for key, value in (after.extra or {}).items() if key != "annotated"}
        assert extra == (before.extra or {})


def assert_kept(before: AnyShape, after: AnyShape, says: Capability) -> None:
    assert after.label == before.label
    for field, name in OF_SHAPES.items():
        value, back = getattr(before, name, None), getattr(after, name, None)
        if field not in says.fields or not is_given(value):
            continue
        if field == "attributes":
            # VOC adds those that it always writes, and has attributes as text only.
            back = {key: back.get(key) for key in value}
            value = value if value == back else {key: as_text(each) for key, each in value.items()}
        assert back == value, (field, back, value)
    assert after.iscrowd == before.iscrowd
    kept = says.kinds[kind_of(before)]
    if kept == WHOLE:
        assert type(after) is type(before)
        if isinstance(before, Polygon) and len(before.rings) > 1 and "rings" not in says.fields:
            return
        assert geometry(after) == pytest.approx(geometry(before), abs=1e-6)
    elif kept == "its box":
        assert box_of(after) == pytest.approx(box_of(before), abs=1e-6)


def geometry(shape: AnyShape) -> list[float]:
    """The numbers that every format keeps of a kind that it keeps whole."""
    match shape:
        case Rectangle():
            return [shape.x, shape.y, shape.w, shape.h]
        case Polygon():
            return [value for ring in shape.rings for value in ring]
        case Keypoints():
            # YOLO has no place for points that are not labelled.
            points = zip(shape.points[0::3], shape.points[1::3], shape.points[2::3], strict=True)
            return [value for x, y, v in points for value in ((x, y, v) if v else (0, 0, 0))]
        case Track():
            return [
                value for k in shape.rectangles for value in (k.frame_index, k.x, k.y, k.w, k.h)
            ]
    return []


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def write(format: str, task: str | None, samples: list[Sample], target: Path) -> Findings:
    findings = Findings(strict=False)
    labels = [LabelInfo(name=name) for name in LABELS]
    if format == "coco":
        target = target.with_suffix(".json")
    with get(format).create(
        target, labels, options=WriteOptions(task=task), findings=findings
    ) as writer:
        writer.write(samples)
    return findings


def read(format: str, target: Path) -> dict[str, Sample]:
    target = target.with_suffix(".json") if format == "coco" else target
    with get(format).open(target, options=ReadOptions(), findings=Findings()) as reader:
        reader.labels()
        return {sample.filename: sample for batch in reader.batches() for sample in batch}
