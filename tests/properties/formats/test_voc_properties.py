"""VOC: what was written reads back up to the declared loss; whatever bytes are read, only typed errors come."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.errors import HeadraceError
from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.findings.collect import Findings
from headrace.formats.voc import xml_parser as tree
from headrace.formats.voc.record import VocAnnotation
from headrace.formats.voc.regex_parser import RegexParser
from headrace.model.sample import Sample
from headrace.model.shapes import Polygon, Rectangle
from tests.support.data.formats import lay_out, numbers, read
from tests.support.tiers import scaled


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# Everything that XML can hold; a name of nothing but blanks is no name.
texts = st.text(
    st.characters(min_codepoint=32, exclude_categories=("Cs", "Cn", "Cc")), min_size=1, max_size=12
).filter(lambda text: text.strip())
coordinates = st.one_of(st.integers(-100, 30_000), st.floats(-100, 30_000))
lengths = st.one_of(st.integers(0, 30_000), st.floats(0, 30_000))
attributes = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "pose": st.sampled_from(["Left", "Frontal"]),
            "truncated": st.booleans(),
            "difficult": st.booleans(),
            "colour": texts,
            "a<b": texts,
        },
    ),
)


@st.composite
def shapes(draw: Any) -> Rectangle | Polygon:
    more: dict[str, Any] = {
        "label": draw(texts), "attributes": draw(attributes), "iscrowd": draw(st.booleans()),
    }  # fmt: skip
    box = draw(coordinates), draw(coordinates), draw(lengths), draw(lengths)
    if draw(st.booleans()):
        return Rectangle(x=box[0], y=box[1], w=box[2], h=box[3], **more)
    rings = draw(st.lists(st.lists(coordinates, min_size=6, max_size=6), min_size=1, max_size=3))
    return Polygon(rings=rings, bbox=draw(st.sampled_from([None, box])), **more)


@st.composite
def datasets(draw: Any) -> list[Sample]:
    names = draw(
        st.lists(st.sampled_from(["a", "b.c", "s/a", "s/t/é x", "d&e"]), unique=True, max_size=4)
    )
    return [
        Sample(
            filename=f"{name}.png",
            width=draw(st.integers(1, 60_000)),
            height=draw(st.integers(1, 60_000)),
            shapes=draw(st.lists(shapes(), max_size=3)),
            split=draw(st.sampled_from(["train", "val", "odd name"])),
        )
        for name in names
    ]


def said(shape: Any) -> dict[str, Any]:
    """What an object's tags say after writing: the customary flags are always there."""
    absent = {"truncated": False, "difficult": False, "occluded": False}
    return absent | (shape.attributes or {})


@pytest.mark.parametrize("origin", ["zero", "one_inclusive"])
@settings(max_examples=scaled(50), deadline=None)
@given(samples=datasets())
def test_read_of_written_is_the_same(origin: Any, samples: list[Sample]) -> None:
    with folder() as root:
        writer = get("voc").create(
            root / "out",
            [],
            options=WriteOptions(voc_origin=origin),
            findings=Findings(strict=True),
        )
        with writer:
            writer.write(samples)
        if not samples:
            return
        found = read(root / "out", "voc", voc_origin=origin)
    back = {one.filename: one for one in found.samples}
    assert back.keys() == {one.filename for one in samples}
    for sample in samples:
        after = back[sample.filename]
        assert (after.width, after.height, after.split) == (
            sample.width, sample.height, sample.split,
        )  # fmt: skip
        for one, other in zip(sample.shapes, after.shapes, strict=True):
            assert type(one) is type(other)
            assert (one.label, one.iscrowd) == (other.label, other.iscrowd)
            assert said(one) == other.attributes
            assert numbers(other) == pytest.approx(numbers(one), abs=1e-6)


PIECES = st.sampled_from(
    [
        "<annotation>", "</annotation>", "<object>", "</object>", "<name>", "</name>", "dog", " ",
        "<bndbox>", "</bndbox>", "<xmin>1</xmin>", "<ymin>2</ymin>", "<xmax>3</xmax>", "<xmin/>",
        "<ymax>4</ymax>", "<filename>x.jpg</filename>", "<size>", "</size>", "<width>5</width>",
        "<height>6</height>", "<depth>3</depth>", "&amp;", "&x;", "<!-- x -->", "<![CDATA[y]]>",
        "<polygon>", "</polygon>", "<x1>1</x1>", "<y1>1</y1>", "<part>", "</part>", "\n", "1e5", "]]>",
        "<truncated>1</truncated>", "<pose/>", "<?xml version='1.0'?>", "<!DOCTYPE a>", "é", "\t",
    ]
)  # fmt: skip
ODD = st.one_of(
    st.binary(max_size=300),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()),
    st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode("utf-16")),
)


@settings(max_examples=scaled(120), deadline=1000)
@given(content=ODD, listed=st.binary(max_size=50))
def test_any_bytes_end_in_samples_or_in_a_typed_error(content: bytes, listed: bytes) -> None:
    with folder() as root:
        lay_out(root, {"Annotations/x.xml": content, "ImageSets/Main/train.txt": listed})
        for policy in ("raise", "skip", "collect"):
            findings = Findings(policy)  # type: ignore[arg-type]
            opened = get("voc").open(root, options=ReadOptions(), findings=findings)
            with suppress(HeadraceError), opened as reader:
                reader.labels()
                for batch in reader.batches():
                    assert batch
                findings.check()


GOOD = """<?xml version="1.0" encoding="utf-8"?>
<annotation>
 <folder>f</folder><filename>x.jpg</filename><path>p</path>
 <source><database>d</database></source>
 <size><width>5</width><height>6</height><depth>3</depth></size><segmented>0</segmented>
 <object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
 <bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3.5</xmax><ymax>4e0</ymax></bndbox></object>
 <object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></object>
</annotation>
"""


def plainly(record: VocAnnotation) -> Any:
    return (
        record.filename, record.width, record.height, record.extra,
        [(thing.label, thing.attributes or {}, thing.corners) for thing in record.objects],
    )  # fmt: skip


ALIKE = GOOD.replace("<name>cat</name>", "<name>cat</name><pose/><truncated>0</truncated>").replace(
    "<name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>\n <bndbox>",
    "<name>dog</name><pose/><truncated>1</truncated><bndbox>",
)


@settings(max_examples=scaled(400), deadline=None)
@given(st.data())
def test_what_the_fast_path_takes_the_real_parser_reads_alike(data: st.DataObject) -> None:
    parser = RegexParser()
    text = data.draw(st.sampled_from([GOOD, ALIKE]))
    for known in data.draw(st.lists(st.sampled_from([GOOD, ALIKE]), max_size=2)):
        # How these are spelled is known from here on.
        assert parser.parse(known.encode()) is not None
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.one_of(PIECES, st.text(max_size=3))) + text[at + cut :]
    content = text.encode("utf-8", "surrogatepass")
    fast = parser.parse(content)
    if fast is None:
        return
    names, flags, texts = zip(*fast.objects, strict=True) if fast.objects else [[]] * 3
    corners = parser.numbers(texts)
    if corners is not None:
        things = [
            (name.decode(), parser.flagged(said) or {}, tuple(box))
            for name, said, *box in zip(names, flags, *corners, strict=True)
        ]
        assert plainly(tree.parse(content)) == (
            fast.filename, fast.width, fast.height, fast.extra, things,
        )  # fmt: skip


def said_by(parser: RegexParser, content: bytes) -> Any:
    fast = parser.parse(content)
    if fast is None or (fast.objects and parser.numbers([one[2] for one in fast.objects]) is None):
        return None
    objects = [tuple(one) for one in fast.objects]
    return fast.filename, fast.width, fast.height, fast.extra, objects, list(fast.polygon_texts)


@settings(max_examples=scaled(300), deadline=None)
@given(st.data())
def test_a_file_spelled_like_an_earlier_one_says_what_it_says_alone(data: st.DataObject) -> None:
    taught = RegexParser()
    assert taught.parse(ALIKE.encode()) is not None
    text = ALIKE
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(st.one_of(PIECES, st.text(max_size=3))) + text[at:]
    content = text.encode("utf-8", "surrogatepass")
    assert said_by(taught, content) == said_by(RegexParser(), content)


@pytest.mark.parametrize(
    ("old", "new", "own"),
    [
        ("<path>p<", "<path> p <", {"path": "p"}),
        ("<path>p<", "<path> <", {"path": None}),
        ("<depth>3<", "<depth> 3 <", {"depth": None}),
        ("<depth>3<", "<depth>1 <", {"depth": "1"}),
        ("<segmented>0<", "<segmented> 0<", {"segmented": None}),
        ("<segmented>0<", "<segmented> 1<", {"segmented": "1"}),
        ("</database>", "</database><image> </image>", {"source": {"database": "d"}}),
        (">d</database>", ">Unknown </database><image/>", {"source": None}),
    ],
)
def test_what_a_file_says_of_itself(old: str, new: str, own: dict[str, Any]) -> None:
    content = GOOD.replace(old, new).encode()
    fast = RegexParser().parse(content)
    assert fast is not None
    assert fast.extra == tree.parse(content).extra
    assert {name: fast.extra.get(name) for name in own} == own


def test_what_ends_a_section_is_left_to_the_real_parser() -> None:
    for old in ("<folder>f", "<name>dog", "<pose>Left"):
        assert RegexParser().parse(GOOD.replace(old, f"{old}]]>").encode()) is None


def test_the_fast_path_takes_the_usual_file() -> None:
    assert RegexParser().parse(GOOD.encode()) is not None
    assert RegexParser().parse(GOOD.replace("\n", "\r\n").encode()) is not None
    assert RegexParser().parse(GOOD.replace("cat", "<!-- x -->cat").encode()) is None
