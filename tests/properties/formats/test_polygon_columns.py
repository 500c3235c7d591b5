"""Polygons kept in columns are written to VOC and YOLO files as the polygons that they stand for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from headrace.formats import WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.model.sample import Sample
from headrace.model.shapes import Polygon, Rectangle
from tests.properties.formats.test_voc_properties import folder
from tests.support.tiers import scaled

NUMBERS = st.sampled_from([0, 1.0, 12.5, 47, 63.999, -3, 1e-7, 1e16, 123456.789])
RING = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=5).map(
    lambda points: [number for point in points for number in point]
)
SHAPE = st.tuples(
    st.sampled_from(["cat", "dog", "100 %s", "a & b"]),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.none() | st.lists(RING, min_size=1, max_size=3),
)
IMAGES = st.lists(st.lists(SHAPE, max_size=4), min_size=1, max_size=4)
RECTANGLE = ("cat", (1, 2, 3, 4.5), None)
TRIANGLE = ("cat", (1, 2, 3, 4.5), [[1, 2, 4, 2, 4, 6.5]])
IN_TWO_PARTS = ("dog", (0, 0, 9, 9), [[0, 0, 1, 0, 1, 1.0], [8, 8, 9.0, 8, 9, 9, 8, 9]])
PARTLY_OUTSIDE = [
    ("cat", (1, 2, 63, 40), [[1, 2, 63.999, 2, 47, 63.999]]),
    ("cat", (1, 2, 99, 40), [[1, 2, 123456.789, 2, 47, 12.5]]),
    ("cat", (-3, 2, 50, 10.5), [[-3, 2, 47, 2, 47, 12.5]]),
]


def table_of(shapes: list[Any], form: str) -> BoxTable:
    columns = [[box[place] for _, box, _ in shapes] for place in range(4)]
    outlines: dict[str, Any] = {"polygon_rings": [rings for _, _, rings in shapes]}
    if form == "texts":
        texts = [rings and repr(rings).encode() for _, _, rings in shapes]
        outlines = {"polygon_texts": texts}
    return BoxTable([label for label, _, _ in shapes], *columns, **outlines)


@pytest.mark.parametrize("form", ["numbers", "texts"])
@pytest.mark.parametrize(
    ("format", "options"),
    [
        ("voc", {}),
        ("voc", {"voc_origin": "one_inclusive"}),
        ("voc", {"task": "detect"}),
        ("yolo", {}),
        ("yolo", {"task": "segment"}),
        ("yolo", {"task": "segment", "clip": True}),
        ("yolo", {"task": "detect"}),
    ],
    ids=str,
)
@settings(max_examples=scaled(30), deadline=None)
@given(batches=st.lists(IMAGES, min_size=1, max_size=3))
@example(batches=[[[RECTANGLE, TRIANGLE, IN_TWO_PARTS]], [[IN_TWO_PARTS], [TRIANGLE, RECTANGLE]]])
@example(batches=[[[RECTANGLE, TRIANGLE], [], [IN_TWO_PARTS, IN_TWO_PARTS], [RECTANGLE]]] * 2)
@example(batches=[[[TRIANGLE]], [[each] for each in PARTLY_OUTSIDE], [[TRIANGLE]]])
def test_files_are_those_of_the_polygons(
    form: str, format: str, options: dict[str, Any], batches: list[list[list[Any]]]
) -> None:
    carried: list[list[Sample]] = []
    for images in batches:
        table, stop = table_of([shape for image in images for shape in image], form), 0
        carried.append([])
        for image in images:
            start, stop = stop, stop + len(image)
            view: Any = BoxView(table, start, stop)
            carried[-1].append(Sample(filename="x.jpg", width=64, height=48, shapes=view))
    plain = [
        [
            structs.replace(
                sample,
                shapes=[
                    Polygon(label=label, rings=rings, bbox=box)
                    if rings
                    else Rectangle(label=label, x=box[0], y=box[1], w=box[2], h=box[3])
                    for label, box, rings in image
                ],
            )
            for sample, image in zip(samples, images, strict=True)
        ]
        for samples, images in zip(carried, batches, strict=True)
    ]
    with folder() as root:
        written = []
        for number, each in enumerate((carried, plain)):
            findings = Findings("skip")
            target = root / str(number)
            writer = get(format).create(
                target, [], options=WriteOptions(**options), findings=findings
            )
            with writer:
                for samples in each:
                    writer.write(samples)
            files = {
                path.relative_to(target): path.read_bytes()
                for path in target.rglob("*")
                if path.is_file() and path.parts[-2] != ".headrace"
            }
            written.append((files, list(findings), writer.found.shapes_out))
        assert written[0] == written[1]
        assert len(written[0][0]) > 1
