"""Boxes kept in columns are the boxes that they stand for: in shapes, in bytes written, and after a journey."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from headrace.engine.convert.run import convert_blocking
from headrace.engine.convert.workers.sample_codec import pack, unpack
from headrace.errors import FormatError
from headrace.formats import WriteOptions, get
from headrace.formats.findings.collect import Finding, Findings
from headrace.formats.geometry.box_table import BoxTable, BoxView
from headrace.formats.geometry.lazy_polygons import LazyPolygon
from headrace.model.sample import Sample
from headrace.model.shapes import Classification, Keypoints, Polygon, Rectangle
from tests.properties.formats.test_voc_properties import folder
from tests.support.data.formats import lay_out, read
from tests.support.tiers import scaled

NUMBERS = st.sampled_from(["0", "1", "12.5", "47", "63.999", "-3", "1e1", "07", ".5", "+2", "nan"])
LABELS = st.sampled_from(["cat", "dog", "é", "a b", "x &amp; y", ""])
FLAGS = st.sampled_from(["", "<truncated>1</truncated>", "<pose>Left</pose>", "<difficult/>"])
BOX = st.tuples(LABELS, FLAGS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
ROW = st.tuples(st.sampled_from(["0", "1", "2.0", "9", "-1"]), *[NUMBERS | st.just("0.5")] * 4)


def same_both_ways(root: Any, format: str, **options: Any) -> None:
    """A source read into shapes and into columns, and what COCO's writer makes of both.

    ``other`` is the same source, spelled so that it is read one row after the other.
    """
    plain = read(root / "source", format, on_error="skip", **options)
    columns = read(root / "source", format, on_error="skip", geometry="raw", **options)
    assert columns.samples == plain.samples
    assert unpack(pack(columns.samples)) == plain.samples
    assert (columns.labels, list(columns.findings)) == (plain.labels, list(plain.findings))
    other = read(root / "other", format, on_error="skip", **options)
    assert other.samples == plain.samples
    assert [*map(told, other.findings)] == [*map(told, plain.findings)]
    written = []
    for geometry in ("floats", "raw"):
        target = root / f"{geometry}.json"
        how = {"from_": format, "on_error": "skip", "geometry": geometry, **options}
        convert_blocking(root / "source", target, to="coco", allow_empty=True, **how)
        written.append(target.read_bytes())
    assert written[0] == written[1]
    json.loads(written[0])


def told(finding: Finding) -> tuple[Any, ...]:
    """A finding without the folder, and without the numbers of lines that a comment moves."""
    names = [(place.path or "").rpartition("/")[2] for place in finding.examples]
    return finding.code, finding.message, finding.severity, finding.count, names


@pytest.mark.parametrize("origin", ["zero", "one_inclusive"])
@settings(max_examples=scaled(60))
@given(files=st.lists(st.lists(BOX, max_size=4), min_size=1, max_size=4))
def test_voc(origin: str, files: list[list[tuple[str, ...]]]) -> None:
    with folder() as root:
        for number, boxes in enumerate(files):
            objects = "".join(
                f"<object><name>{label}</name>{flag}<bndbox><xmin>{x}</xmin><ymin>{y}</ymin>"
                f"<xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object>"
                for label, flag, x, y, right, bottom in boxes
            )
            head = f"<annotation><filename>{number}.jpg</filename><size><width>64</width><height>48</height></size>"
            lay_out(root / "source", {f"{number}.xml": f"{head}{objects}</annotation>"})
            lay_out(root / "other", {f"{number}.xml": f"{head}<!-- x -->{objects}</annotation>"})
        same_both_ways(root, "voc", voc_origin=origin)


@settings(max_examples=scaled(60))
@given(files=st.lists(st.lists(ROW, max_size=4), min_size=1, max_size=4))
def test_yolo(files: list[list[tuple[str, ...]]]) -> None:
    with folder() as root:
        for place, blank in (("source", " "), ("other", "  ")):
            lay_out(root / place, {"data.yaml": "names: [a, b, c]\n"})
            for number, rows in enumerate(files):
                text = "\n".join(blank.join(row) for row in rows)
                lay_out(
                    root / place,
                    {f"images/{number}.png": (64, 47), f"labels/{number}.txt": text},
                )
        same_both_ways(root, "yolo")


OUTLINES = st.sampled_from(
    [
        "[]",
        "[[1,2,3,4,5,6]]",
        "[[1, 2.50, 3,4,5,6],[0,0,1,0,1,1]]",
        '{"size":[47,64],"counts":[3008]}',
        "[[1,2]]",
    ]
)
ANNOTATION = st.tuples(
    st.sampled_from([1, 2, 2, 3, 9]),
    st.sampled_from([1, 2, 2, 7]),
    st.sampled_from(["[0,0,64,47]", "[1.5,2,3,4]", "[60,40,9,9]", "[0,0,0,1]", "null"]),
    OUTLINES,
    st.sampled_from(['"area":2.5', '"area":null', '"area":3,"iscrowd":1', '"score":0.5']),
    st.booleans(),
)


@pytest.mark.parametrize("task", [None, "detect"])
@pytest.mark.parametrize("target", ["coco", "yolo", "voc"])
@settings(max_examples=scaled(40))
@given(annotations=st.lists(ANNOTATION, max_size=9))
# An annotation of a whole image alone.
@example(annotations=[(1, 1, "null", "[]", '"area":2.5', False)])
# A polygon beside an annotation without a box.
@example(
    annotations=[
        (1, 1, "[0,0,64,47]", "[]", '"area":2.5', False),
        (1, 1, "null", "[]", '"area":2.5', False),
        (2, 1, "[0,0,64,47]", "[[1,2,3,4,5,6]]", '"area":2.5', False),
    ]
)
def test_coco(target: str, task: str | None, annotations: list[tuple[Any, ...]]) -> None:
    lines = [
        f'{{"id":{1 if twice else number},"image_id":{image},"category_id":{category},"bbox":{box},'
        f'"segmentation":{outline},{more}}}'
        for number, (image, category, box, outline, more, twice) in enumerate(annotations)
    ]
    images = ",".join(
        f'{{"id":{n},"file_name":"{n}.jpg","width":64,"height":47}}' for n in (1, 2, 3)
    )
    document = (
        f'{{"annotations":[{",".join(lines)}],"images":[{images}],'
        '"categories":[{"id":1,"name":"cat"},{"id":2,"name":"dog"}]}'
    )
    with folder() as root:
        path = root / "source.json"
        path.write_text(document)
        how: dict[str, Any] = {"on_error": "skip", "task": task}
        plain = read(path, "coco", **how)
        columns = read(path, "coco", geometry="raw", **how)
        assert columns.samples == plain.samples
        assert unpack(pack(columns.samples)) == plain.samples
        # Of two with one id, either may be the one that stands twice.
        assert [*map(told, columns.findings)] == [*map(told, plain.findings)]
        outcomes: list[tuple[Any, ...]] = []
        for geometry in ("floats", "raw"):
            out = root / geometry
            try:
                report = convert_blocking(
                    path,
                    out,
                    to=target,
                    from_="coco",
                    geometry=geometry,
                    workers=1,
                    allow_empty=True,
                    **how,
                )
            except FormatError as error:
                # Labels of whole images make a dataset that contains the images; there are none here.
                outcomes.append(([], [], str(error), []))
                continue
            files = [out] if out.is_file() else sorted(each for each in out.rglob("*.*"))
            said = sorted((each.code, each.message, each.count) for each in report.findings)
            outcomes.append(
                ([_parsed(each) for each in files], said, report.shapes_out, report.labels)
            )
        assert outcomes[0] == outcomes[1]


def _parsed(file: Path) -> Any:
    """What a file says: the text of a polygon may be spelled as in the source.

    Annotations go by image: from COCO to COCO they may stay in the order of the source.
    """
    text = file.read_text()
    if not text.startswith("{"):
        return file.name, text
    document = json.loads(text)
    document["annotations"].sort(key=lambda annotation: annotation["image_id"])
    for annotation in document["annotations"]:
        del annotation["id"]
    return document


FLOATS = st.floats(allow_nan=False)
SOME = st.none() | st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3))
COMMON: dict[str, Any] = {
    "label": st.text(max_size=5),
    "text": st.none() | st.text(max_size=3),
    "attributes": SOME,
    "id": st.none() | st.integers() | st.text(max_size=3),
    "iscrowd": st.booleans(),
    "area": st.none() | FLOATS,
    "score": st.none() | FLOATS,
    "extra": SOME,
}
RINGS = st.lists(st.lists(FLOATS, min_size=6, max_size=8), min_size=1, max_size=2)
SHAPES = st.one_of(
    st.builds(Rectangle, x=FLOATS, y=FLOATS, w=FLOATS, h=FLOATS, **COMMON),
    st.builds(
        Polygon,
        rings=RINGS | st.just(LazyPolygon(b"[[1, 2.5, 3, 4, 5, 6]]")),
        bbox=st.none() | st.tuples(FLOATS, FLOATS, FLOATS, FLOATS),
        **COMMON,
    ),
)
OTHERS = st.one_of(
    st.builds(Classification, **COMMON),
    st.builds(Keypoints, points=st.lists(FLOATS, max_size=3), **COMMON),
)


@settings(max_examples=scaled(150))
@given(st.lists(st.lists(SHAPES, max_size=3) | st.lists(SHAPES | OTHERS, max_size=2), max_size=3))
def test_any_samples_come_back_equal(shapes: list[list[Any]]) -> None:
    samples = [
        Sample(filename=f"{n}.jpg", width=n, shapes=each, id=n or None, extra={"n": [n]})
        for n, each in enumerate(shapes)
    ]
    back = unpack(pack(samples))
    assert back == samples
    assert [type(shape) for each in back for shape in each.shapes] == [
        type(shape) for each in samples for shape in each.shapes
    ]


LITTLE = st.floats(allow_nan=True, width=32) | st.integers(-5, 700)
BOXES = st.builds(
    Rectangle,
    label=st.sampled_from(["cat", "dog", "é"]),
    attributes=st.none() | st.sampled_from([{"truncated": True}, {"a": None, "b": "\n"}]),
    x=LITTLE,
    y=LITTLE,
    w=LITTLE,
    h=LITTLE,
)


def table_of(boxes: list[Rectangle]) -> BoxTable:
    names = ("label", "x", "y", "w", "h")
    labels, x, y, w, h = ([getattr(box, name) for box in boxes] for name in names)
    said = [box.attributes for box in boxes]
    return BoxTable(labels, x, y, w, h, said if any(said) else None)


@pytest.mark.parametrize("clip", [False, True])
@given(
    tables=st.lists(st.lists(st.lists(BOXES, max_size=4), max_size=5), max_size=3),
    turned=st.booleans(),
)
def test_what_is_written_of_tables(
    clip: bool, tables: list[list[list[Rectangle]]], turned: bool
) -> None:
    """Images whose boxes follow each other in a table, in the table's order or against it, and one without any."""
    carried: list[Sample] = []
    for images in tables:
        table, stop = table_of([box for image in images for box in image]), 0
        for image in images:
            start, stop = stop, stop + len(image)
            carried.append(Sample(filename="x.jpg", shapes=BoxView(table, start, stop)))  # type: ignore[arg-type]
        carried.append(Sample(filename="y.jpg", width=64, height=48))
    if turned:
        carried.reverse()
    plain = [structs.replace(sample, shapes=list(sample.shapes)) for sample in carried]
    with folder() as root:
        written = []
        for number, samples in enumerate((carried, plain)):
            findings = Findings("skip")
            options = WriteOptions(clip=clip)
            writer = get("coco").create(
                root / f"{number}.json", [], options=options, findings=findings
            )
            with writer:
                writer.write(samples)
            written.append(((root / f"{number}.json").read_bytes(), list(findings)))
        assert written[0] == written[1]
