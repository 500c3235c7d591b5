"""What is written as COCO is read back equal; and the fast loop of the reader says the same as the strict decoder."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from headrace.formats import ReadOptions, WriteOptions, get
from headrace.formats.coco import external_sort
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry import rle
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape, Classification, Keypoints, Mask, Polygon, Rectangle
from tests.support.tiers import scaled

quick = settings(
    max_examples=scaled(120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

TEXTS = [
    "",
    "a",
    "a b",
    '"',
    "\\",
    "},{",
    '}, {"id":',
    "\u732b",
    "\U0001f600",
    "null",
    "NaN",
    "\x7f",
    "line\nbreak",
]
LABELS = ["cat", "dog", "traffic light", "\u732b"]
NUMBERS = [0.0, -0.0, 0.1, 1 / 3, 1e-12, 5e-324, 1e17, -123456.78125, 640.0, 1e300]


class Draw:
    """Datasets drawn from a seed: quick enough for thousands of numbers, and hypothesis still finds small seeds."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def number(self) -> float:
        pick = self.random.random()
        if pick < 0.1:
            return self.random.choice(NUMBERS)
        return (
            self.random.uniform(-50, 700) if pick < 0.6 else round(self.random.uniform(-50, 700), 2)
        )

    def maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self.random.random() < 0.3 else None

    def text(self) -> str:
        return "".join(self.random.choices(TEXTS, k=self.random.randrange(3)))

    def value(self) -> Any:
        return self.random.choice(
            [None, True, 0, 2**53, self.number(), self.text(), [self.text()], {"deep": [{}]}]
        )

    def attributes(self) -> dict[str, Any]:
        return {
            f"k{place}{self.text()}": self.value() for place in range(self.random.randrange(1, 4))
        }

    def box(self) -> tuple[float, float, float, float]:
        return (
            self.number(),
            self.number(),
            self.random.uniform(1e-3, 500),
            self.random.uniform(1e-3, 500),
        )

    def ring(self) -> list[float]:
        return [self.number() for _ in range(2 * self.random.randrange(3, 8))]

    def shape(self, width: int, height: int) -> AnyShape:
        common: dict[str, Any] = {
            "label": self.random.choice(LABELS),
            "iscrowd": self.random.random() < 0.2,
            "area": self.number(),
            "score": self.maybe(self.number),
            "text": self.maybe(self.text),
            "attributes": self.maybe(self.attributes),
            "extra": self.maybe(self.attributes),
        }
        kind = self.random.randrange(5)
        if kind == 0:
            x, y, w, h = self.box()
            return Rectangle(x=x, y=y, w=w, h=h, **common)
        if kind == 1:
            return Polygon(
                rings=[self.ring() for _ in range(self.random.randrange(1, 4))],
                bbox=self.box(),
                **common,
            )
        if kind == 2:
            points = [
                x
                for _ in range(3)
                for x in (self.number(), self.number(), float(self.random.randrange(3)))
            ]
            return Keypoints(points=points, bbox=self.box(), **common)
        if kind == 3:
            cuts = sorted(
                self.random.choices(range(width * height + 1), k=self.random.randrange(6))
            )
            counts = [
                after - before
                for before, after in zip([0, *cuts], [*cuts, width * height], strict=True)
            ]
            return Mask(
                counts=rle.encode(counts), height=height, width=width, bbox=self.box(), **common
            )
        return Classification(**common)

    def sample(self, place: int) -> Sample:
        width, height = self.random.randrange(1, 40), self.random.randrange(1, 40)
        return Sample(
            filename=f"{place}/{self.text()}.jpg".replace("\\", "_"),
            width=width,
            height=height,
            id=place + 1,
            shapes=[self.shape(width, height) for _ in range(self.random.randrange(6))],
            attributes=self.maybe(self.attributes),
            extra=self.maybe(self.attributes),
        )

    def samples(self) -> list[Sample]:
        return [self.sample(place) for place in range(self.random.randrange(12))]


seeds = st.integers(0, 2**32)


def write(target: Path, samples: list[Sample], found: list[LabelInfo]) -> bytes:
    options = WriteOptions(overwrite=True, about={"info": {"a": 1}})
    with get("coco").create(
        target, found, options=options, findings=Findings(strict=False)
    ) as writer:
        for each in samples:
            writer.write([each])
    return target.read_bytes()


def read(
    path: Path, *, strict: bool = False, **options: Any
) -> tuple[list[LabelInfo], list[Sample]]:
    findings = Findings(strict=strict)
    with get("coco").open(
        path, options=ReadOptions(batch=2, **options), findings=findings
    ) as reader:
        found = reader.labels(), [sample for batch in reader.batches() for sample in batch]
        findings.check()
        return found


def numbered(samples: list[Sample]) -> list[Sample]:
    """The same samples with the ids that the writer gives to shapes: 1, 2, …"""
    count = 0
    made = []
    for each in samples:
        shapes = [
            structs.replace(shape, id=count + place)
            for place, shape in enumerate(each.shapes, start=1)
        ]
        count += len(shapes)
        made.append(structs.replace(each, shapes=shapes))
    return made


@quick
@given(seed=seeds)
def test_what_is_written_is_read_back_equal(tmp_path: Path, seed: int) -> None:
    samples = Draw(seed).samples()
    path = tmp_path / "coco.json"
    first = write(path, samples, [LabelInfo(name="dog", id=7), LabelInfo(name="unused", id=3)])
    found, again = read(path, strict=True)
    assert again == numbered(samples)
    assert [(label.name, label.id) for label in found[:2]] == [("dog", 7), ("unused", 3)]
    # Keys that the format does not define may change their order, nothing else may.
    assert json.loads(write(path, again, found)) == json.loads(first)


@quick
@given(
    seed=seeds,
    odd=st.booleans(),
    buckets=st.booleans(),
    wanted=st.sampled_from([{}, {"geometry": "raw"}, {"task": "detect"}]),
)
def test_order_and_oddities_of_the_file_do_not_matter(
    tmp_path: Path, seed: int, odd: bool, buckets: bool, wanted: dict[str, Any]
) -> None:
    draw = Draw(seed)
    samples = draw.samples()
    path = tmp_path / "coco.json"
    document = json.loads(write(path, samples, []))
    _, expected = read(path, **wanted)
    annotations = document["annotations"]
    draw.random.shuffle(annotations)
    if odd:
        # A number where a bool or a whole number is usual sends records to the strict decoder, without changing them.
        annotations = [
            {**each, "image_id": float(each["image_id"]), "iscrowd": str(each["iscrowd"])}
            for each in annotations
        ]
    document = {
        "annotations": annotations,
        "categories": document["categories"],
        "images": document["images"],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    with small_buckets() if buckets else nullcontext():
        _, found = read(path, **wanted)
    assert by_id(found) == by_id(expected)


@contextmanager
def small_buckets() -> Iterator[None]:
    """Buckets of hardly anything, so that a few annotations are dealt out as millions are."""
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (
            ("BUCKET_BYTES", 64),
            ("PENDING_BYTES", 200),
            ("FULL_BYTES", 150),
            ("LARGE_BYTES", 300),
        ):
            patch.setattr(external_sort, name, size)
        yield


def by_id(samples: list[Sample]) -> list[Sample]:
    return [
        structs.replace(each, shapes=sorted(each.shapes, key=lambda shape: int(shape.id or 0)))
        for each in samples
    ]


OUTLINES = [
    [],
    None,
    {},
    [[1, 2, 3, 4, 5, 6]],
    [[0.5, 0, 1, 0, 1, 1.5, 0, 1]],
    [[1, 2, 3, 4, 5, 6], [0, 0, 1, 0, 1, 1]],
    [[1, 2, 3, 4, 5, 6, 7]],
    [1, 2, 3, 4, 5, 6],
    [[1, 2]],
    [[1, 2, 3, 4, 5, "x"]],
    {"size": [5, 5], "counts": [25]},
    {"size": [5, 5], "counts": "~"},
    "text",
]
plain_annotations = st.fixed_dictionaries(
    {
        "id": st.one_of(st.integers(-3, 90), st.sampled_from([None, "a", 2**40, 70_000, 1.0])),
        "image_id": st.sampled_from([1, 2, 2, 1, 3, "1", None, -1]),
        "category_id": st.sampled_from([1, 1, 1, 1, 2, "x", None]),
        "bbox": st.sampled_from([[0, 0, 1, 1], [0.5, 1, 2, 2], [0, 0, 1, 0], [1, 2], None]),
        "segmentation": st.sampled_from(OUTLINES),
    },
    optional={"area": st.sampled_from([1, 2.5, "x"]), "iscrowd": st.sampled_from([0, 1, True])},
)


ways = st.sampled_from([{}, {"geometry": "raw"}, {"task": "detect"}])


@quick
@given(
    annotations=st.lists(st.tuples(plain_annotations, st.booleans()), max_size=12),
    options=ways,
    buckets=st.booleans(),
)
def test_the_fast_loop_says_what_the_strict_decoder_says(
    tmp_path: Path,
    annotations: list[tuple[dict[str, Any], bool]],
    options: dict[str, Any],
    buckets: bool,
) -> None:
    answers = []
    # An eighth key takes a record the other way, and an empty one says nothing.
    for eighth in ((False, False), (False, True), (True, True)):
        path = written(
            tmp_path,
            [each | ({"score": None} if eighth[other] else {}) for each, other in annotations],
        )
        with small_buckets() if buckets else nullcontext():
            samples, findings = read_all(path, **options)
        said = {
            (each.code, each.severity, each.message, each.count, each.dropped_shapes)
            for each in findings
        }
        answers.append((samples, said))
    assert answers[0] == answers[1] == answers[2]


def double(image: int, segmentation: Any) -> dict[str, Any]:
    """An annotation of id 0, to stand beside others of this id."""
    return {
        "id": 0,
        "image_id": image,
        "category_id": 1,
        "bbox": [0, 0, 1, 1],
        "segmentation": segmentation,
    }


@quick
@given(annotations=st.lists(plain_annotations, max_size=12))
# Annotations that differ in nothing but their outline.
@example(
    annotations=[double(1, []), double(2, [[1, 2, 3, 4, 5, 6]]), double(1, []), double(2, [])],
)
def test_what_is_odd_about_rows_is_found_where_it_stands(
    tmp_path: Path, annotations: list[dict[str, Any]]
) -> None:
    # Two records that say the same in other words cannot be told apart by their rows.
    spelt_alike = [
        {**each, "segmentation": each["segmentation"] or [], "iscrowd": int(each.get("iscrowd", 0))}
        for each in annotations
    ]
    path = written(tmp_path, spelt_alike)
    as_text, as_rows = read_all(path), read_all(path, geometry="raw")
    assert as_text[0] == as_rows[0]
    assert list(as_text[1]) == list(as_rows[1])


def written(folder: Path, annotations: list[dict[str, Any]]) -> Path:
    """A file of two images in which the annotations stand in no order."""
    document: dict[str, Any] = {
        "annotations": annotations,
        "images": [{"id": n, "file_name": f"{n}.jpg", "width": 5, "height": 5} for n in (1, 2)],
        "categories": [{"id": 1, "name": "a"}],
    }
    path = folder / "plain.json"
    path.write_text(json.dumps(document, sort_keys=True))
    return path


def read_all(path: Path, **options: Any) -> tuple[list[Sample], Findings]:
    """All samples and findings, whatever there is to find."""
    findings = Findings("skip")
    with get("coco").open(path, options=ReadOptions(**options), findings=findings) as reader:
        samples = [sample for batch in reader.batches() for sample in batch]
    findings.check()
    return samples, findings
