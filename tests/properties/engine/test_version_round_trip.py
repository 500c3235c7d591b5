"""Any samples -> a version of any type -> the same samples; what is lost is said, to the last shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bench.images import jpeg
from headrace.engine.imports.report import ImportOptions, ImportReport
from headrace.engine.imports.run import import_source
from headrace.engine.versions.load import annotations_of_version, as_loaded
from headrace.formats.geometry import rle
from headrace.formats.geometry.boxes import box_of
from headrace.formats.info import FIELDS
from headrace.model.enums import InferenceType
from headrace.model.geometry import rings_bounds
from headrace.model.sample import Sample
from headrace.model.shapes import (
    AnyShape,
    Classification,
    Keypoints,
    Line,
    Mask,
    Point,
    Polygon,
    Rectangle,
    Track,
)
from headrace.platform.annotations.samples import to_sample
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.drawn_samples import SampleDraw
from tests.support.lakes.doors import DOORS, open_door
from tests.support.lakes.sample_reader import source_of
from tests.support.tiers import scaled, slow

WIDTH, HEIGHT = 24, 16
NAMES = [f"{place}.jpg" for place in range(4)]
ORDER = (Rectangle, Polygon, Line, Point, Keypoints, Classification, Mask, Track)
TYPES = [
    InferenceType.OBJECT_DETECTION,
    InferenceType.SEGMENTATION,
    InferenceType.KEYPOINT,
    InferenceType.CLASSIFICATION,
]
OTHERS = [slow(each) for each in InferenceType if each not in TYPES]


@pytest.mark.parametrize("type", [*TYPES, *OTHERS])
@pytest.mark.parametrize("kind", DOORS)
async def test_what_goes_in_comes_out(kind: str, type: InferenceType, tmp_path: Path) -> None:
    images = draw(tmp_path / "images")
    async with open_door(kind, tmp_path) as door, door.connect() as client:
        await client.push("drawn/first", images, type=type)
        version = await client.version("drawn/first")
        for seed in range(scaled(60)):
            drawn = SampleDraw(seed, names=NAMES, width=WIDTH, height=HEIGHT).samples()
            await version.delete_all_annotations()
            report = await imported(version, drawn, tmp_path)
            found = await loaded(version)
            expected = {each.filename: kept(each, type) for each in drawn if each.annotated}
            assert found.keys() == expected.keys()
            for name, sample in expected.items():
                assert found[name].shapes == sample.shapes
                assert found[name] == sample
            assert_whole_numbers_are_integers(found)
            assert counted(report) == lost(drawn)
            stats = await version.retrieve_stats()
            assert stats.nb_objects == sum(len(each.shapes) for each in drawn)


def draw(folder: Path) -> Path:
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(jpeg(WIDTH, HEIGHT, comment=name.encode()))
    return folder


async def imported(version: DatasetVersion, drawn: Sequence[Sample], folder: Path) -> ImportReport:
    source = source_of(drawn, folder)
    return await import_source(version.session.backend, version.record, source, ImportOptions())


async def loaded(version: DatasetVersion) -> dict[str, Sample]:
    """The samples of all annotated assets, as an export makes them."""
    assets = {str(asset.id): asset.record async for asset in version.list_assets()}
    found = {}
    async for page in annotations_of_version(version.session.backend, version.id, as_loaded):
        for annotation in page:
            record = assets[annotation.asset_id]
            sample = to_sample(record.data.filename, record.data.meta, annotation)
            found[sample.filename] = sample
    return found


def kept(sample: Sample, type: InferenceType) -> Sample:
    """What a version of this type keeps of a sample."""
    shapes = sorted(
        map(kept_shape(type), sample.shapes), key=lambda shape: ORDER.index(shape_type(shape))
    )
    return Sample(
        filename=sample.filename,
        width=sample.width,
        height=sample.height,
        attributes=sample.attributes,
        shapes=shapes,
    )


def shape_type(shape: AnyShape) -> Any:
    return shape.__class__


def kept_shape(type: InferenceType) -> Callable[[AnyShape], AnyShape]:
    def keep(shape: AnyShape) -> AnyShape:
        common: dict[str, Any] = {
            "label": shape.label,
            "text": shape.text,
            "attributes": shape.attributes,
            "iscrowd": shape.iscrowd,
            "score": shape.score,
        }
        if type is InferenceType.CLASSIFICATION:
            return Classification(**common)
        box = box_of(shape)
        if type is InferenceType.OBJECT_DETECTION and isinstance(shape, Polygon) and box:
            return Rectangle(**common, **dict(zip("xywh", box, strict=True)))
        shape = replace(shape, id=None, extra=None, area=None)
        if isinstance(shape, Polygon) and box == rings_bounds(shape.rings):
            # A box that follows from the rings is not stored beside them.
            return replace(shape, bbox=None)
        if isinstance(shape, Mask):
            area = float(rle.area(rle.decode(shape.counts, HEIGHT, WIDTH)))
            return replace(shape, area=area, bbox=box)
        return shape

    return keep


def lost(drawn: Sequence[Sample]) -> dict[str, int]:
    """How often an import must say that something was not written, by the words of the finding."""
    shapes = [shape for sample in drawn for shape in sample.shapes]
    counts = {
        FIELDS["shape_id"]: sum(shape.id is not None for shape in shapes),
        FIELDS["area"]: sum(shape.area is not None for shape in shapes),
        FIELDS["image_id"]: sum(sample.id is not None for sample in drawn),
        FIELDS["extra"]: sum(each.extra is not None for each in (*shapes, *drawn)),
    }
    return {words: count for words, count in counts.items() if count}


def counted(report: ImportReport) -> dict[str, int]:
    return {
        finding.message.removeprefix("not written: "): finding.count for finding in report.findings
    }


def assert_whole_numbers_are_integers(found: Mapping[str, Sample]) -> None:
    for shape in (shape for sample in found.values() for shape in sample.shapes):
        for number in numbers_of(shape):
            if abs(number) <= 2**53:
                assert isinstance(number, int) is (number == int(number)), shape


def numbers_of(shape: AnyShape) -> Iterator[float]:
    """All coordinates of a shape."""
    box = getattr(shape, "bbox", None)
    yield from box or ()
    if isinstance(shape, Rectangle):
        yield from (shape.x, shape.y, shape.w, shape.h)
    elif isinstance(shape, Point):
        yield from (shape.x, shape.y)
    elif isinstance(shape, Polygon):
        yield from chain.from_iterable(shape.rings)
    elif isinstance(shape, Line | Keypoints):
        yield from shape.points
    if isinstance(shape, Keypoints) and isinstance(shape.segmentation, list):
        yield from chain.from_iterable(shape.segmentation)
    if isinstance(shape, Track):
        for keyframe in shape.rectangles:
            yield from (keyframe.x, keyframe.y, keyframe.w, keyframe.h)
        yield from chain.from_iterable(keyframe.ring for keyframe in shape.polygons)
