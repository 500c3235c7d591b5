"""YOLO: what was written reads back up to the declared loss; whatever bytes are read, only typed errors come."""

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
from headrace.formats.yolo.tokenize import BadLine, fast_rows, slow_rows
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import Classification, Keypoints, Polygon, Rectangle
from tests.support.data.formats import lay_out, numbers, read
from tests.support.tiers import scaled

LABELS = ["no", "012", "dog: #1", "é日", "- a", "true"]
SPLITS = ["train", "val", "test", "holdout"]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


sizes = st.tuples(st.integers(1, 20_000), st.integers(1, 20_000))
parts = st.floats(0, 1)
labels = st.sampled_from(LABELS)


@st.composite
def boxes(draw: Any, width: int, height: int) -> Rectangle:
    x1, x2 = sorted((draw(parts), draw(parts)))
    y1, y2 = sorted((draw(parts), draw(parts)))
    return Rectangle(
        label=draw(labels), x=x1 * width, y=y1 * height, w=(x2 - x1) * width, h=(y2 - y1) * height
    )


@st.composite
def polygons(draw: Any, width: int, height: int, points: int | None = None) -> Polygon:
    count = points or draw(st.integers(3, 8))
    ring = [draw(parts) * (width, height)[i % 2] for i in range(2 * count)]
    return Polygon(label=draw(labels), rings=[ring])


@st.composite
def keypoints(draw: Any, width: int, height: int) -> Keypoints:
    flat: list[float] = []
    for _ in range(3):
        seen = draw(st.sampled_from([0, 1, 2]))
        flat += (draw(parts) * width, draw(parts) * height, seen) if seen else (0, 0, 0)
    around = draw(boxes(width, height))
    return Keypoints(label=draw(labels), points=flat, bbox=(around.x, around.y, around.w, around.h))


KINDS = {
    "detect": boxes,
    "segment": polygons,
    "obb": lambda width, height: polygons(width, height, 4),
    "pose": keypoints,
}


@st.composite
def datasets(draw: Any, task: str) -> list[Sample]:
    names = draw(
        st.lists(
            st.sampled_from(["a", "b.c", "s/a", "s/t/é x", "d-2", "d"]), unique=True, max_size=5
        )
    )
    samples = []
    for name in names:
        width, height = draw(sizes)
        annotated = draw(st.booleans())
        shapes = draw(st.lists(KINDS[task](width, height), max_size=4)) if annotated else []
        samples.append(
            Sample(
                filename=f"{name}.png",
                width=width,
                height=height,
                shapes=shapes,
                annotated=annotated,
                split=draw(st.sampled_from(SPLITS)),
            )
        )
    return samples


def same(before: Any, after: Any) -> None:
    assert type(before) is type(after)
    assert before.label == after.label
    assert numbers(after) == pytest.approx(numbers(before), abs=1e-6)
    if isinstance(before, Keypoints):
        assert after.bbox == pytest.approx(before.bbox, abs=1e-6)


@pytest.mark.parametrize("task", list(KINDS))
@settings(max_examples=scaled(40), deadline=None)
@given(data=st.data())
def test_read_of_written_is_the_same(task: str, data: st.DataObject) -> None:
    samples = data.draw(datasets(task))
    findings = Findings(strict=True)
    with folder() as root:
        writer = get("yolo").create(
            root / "out",
            [LabelInfo(name=name) for name in LABELS],
            options=WriteOptions(task=task),
            findings=findings,
        )
        with writer:
            writer.write(samples)
        for sample in samples:
            assert sample.width is not None
            assert sample.height is not None
            lay_out(
                root / "out",
                {f"images/{sample.split}/{sample.filename}": (sample.width, sample.height)},
            )
        if not samples:
            return
        found = read(root / "out", "yolo", on_error="raise")
    assert found.names == LABELS
    assert found.about["task"] == task
    back = {(one.split, one.filename): one for one in found.samples}
    assert back.keys() == {(one.split, one.filename) for one in samples}
    for sample in samples:
        after = back[sample.split, sample.filename]
        assert (after.width, after.height) == (sample.width, sample.height)
        assert after.annotated == sample.annotated
        for one, other in zip(sample.shapes, after.shapes, strict=True):
            same(one, other)


@settings(max_examples=scaled(30), deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "s/c"]), st.sampled_from(["cat", "no", "x y"])),
        unique_by=lambda one: one[0],
    )
)
def test_classification_reads_back(classified: list[tuple[str, str]]) -> None:
    with folder() as root:
        lay_out(root, {f"media/{name}.png": (3, 2) for name, _ in classified})
        (root / "media").mkdir(exist_ok=True)
        writer = get("yolo").create(
            root / "out",
            [LabelInfo(name=name) for name in ("cat", "no", "x y")],
            options=WriteOptions(task="classify", images=root / "media"),
            findings=Findings(),
        )
        with writer:
            writer.write(
                [
                    Sample(filename=f"{name}.png", shapes=[Classification(label=label)])
                    for name, label in classified
                ]
            )
        found = read(root / "out", "yolo", task="classify")
    assert found.names == ["cat", "no", "x y"]
    expected = {f"{label}/{name.rpartition('/')[2]}.png" for name, label in classified}
    assert {one.filename for one in found.samples} == expected


LINES = st.lists(
    st.one_of(
        st.text("0123456789.eE+- \t", max_size=30),
        st.sampled_from(["0 0.5 0.5 1 1", "1 .5 .5 1 1", "", "#", "2 0 0 1 0 1 1"]),
    ),
    max_size=5,
)


@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_the_fast_path_says_what_the_slow_one_says(lines: list[str], end: str) -> None:
    text = end.join(lines).encode()
    fast = fast_rows(text)
    slow = list(slow_rows(text))
    if fast is not None:
        assert [row for row in fast if row] == [row for _, row in slow]
        assert not any(isinstance(row, BadLine) for _, row in slow)


ODD = st.one_of(
    st.binary(max_size=300),
    st.text("0123456789.eE+- \t\n\r#,[]{}:\"'&*!|>%@`~abc/\\", max_size=200).map(str.encode),
)


@settings(max_examples=scaled(120), deadline=1000)
@given(labels=ODD, yaml=ODD, listed=ODD, image=st.binary(max_size=200), good=st.booleans())
def test_any_bytes_end_in_samples_or_in_a_typed_error(
    labels: bytes, yaml: bytes, listed: bytes, image: bytes, good: bool
) -> None:
    text = yaml if not good else b"train: [images, list.txt]\nnames: [a, b]\n" + yaml
    with folder() as root:
        files = {"data.yaml": text, "labels/x.txt": labels, "images/y.jpg": image}
        lay_out(root, {**files, "list.txt": listed, "images/x.png": (5, 5)})
        for policy in ("raise", "skip", "collect"):
            findings = Findings(policy)  # type: ignore[arg-type]
            opened = get("yolo").open(root, options=ReadOptions(), findings=findings)
            with suppress(HeadraceError), opened as reader:
                reader.labels()
                for batch in reader.batches():
                    assert batch
                findings.check()
