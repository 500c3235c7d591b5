"""Each layout of the tools that write YOLO is detected and read without any option."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from headrace import formats
from headrace.formats import ReadOptions, get
from headrace.formats.findings.collect import Findings, Severity
from headrace.model.sample import Sample
from tests.support.data.formats import read
from tests.support.layouts import SCENE, Build, Expected
from tests.support.layouts import yolo as layouts


def _name(build: Build) -> str:
    return build.__name__.removeprefix("build_")


def check(samples: Sequence[Sample], wanted: Expected) -> None:
    """Compare samples with what a layout holds."""
    assert len(samples) == wanted.images
    labels = Counter(shape.label for sample in samples for shape in sample.shapes)
    assert dict(labels) == wanted.labels
    splits = Counter(sample.split for sample in samples if sample.split is not None)
    assert dict(splits) == wanted.splits
    assert sum(sample.annotated for sample in samples) == wanted.annotated
    names = [sample.filename for sample in samples]
    assert len({*names}) == len(names)


@pytest.mark.parametrize("build", layouts.LAYOUTS, ids=_name)
def test_a_layout_is_read_as_it_is(tmp_path: Path, build: Build) -> None:
    wanted = build(tmp_path / "street")
    source = tmp_path / "street" / wanted.source
    guess = formats.detect(source)
    assert (guess.format, guess.confidence != "possible" or "class" in guess.reason) == (
        "yolo",
        True,
    )
    found = read(source, guess.format)
    check(found.samples, wanted)
    assert sorted(sample.path or "" for sample in found.samples) == sorted(wanted.paths)
    assert all(finding.severity < Severity.ERROR for finding in found.findings)
    assert {*found.names} >= {*wanted.labels}


@pytest.mark.parametrize("build", layouts.WITHOUT_IMAGES, ids=_name)
def test_a_layout_without_images_is_read_where_the_sizes_are_known(
    tmp_path: Path, build: Build
) -> None:
    wanted = build(tmp_path / "street")
    sizes = {image.stem: (image.width, image.height) for image in SCENE}

    def lookup(images: Sequence[Sample]) -> list[tuple[int, int] | None]:
        assert build is not layouts.build_with_sizes
        return [
            next(size for stem, size in sizes.items() if stem in (one.path or "")) for one in images
        ]

    assert formats.detect(tmp_path / "street").format == "yolo"
    findings = Findings()
    reader = get("yolo").open(tmp_path / "street", options=ReadOptions(), findings=findings)
    reader.size_lookup = lookup
    with reader:
        samples = [sample for batch in reader.batches() for sample in batch]
    check(samples, wanted)
    paths = sorted(sample.path or "" for sample in samples)
    assert [path.rpartition(".")[0] or path for path in paths] == sorted(
        path.rpartition(".")[0] for path in wanted.paths
    )
    for sample in samples:
        (image,) = [one for one in SCENE if one.stem in sample.filename]
        assert (sample.width, sample.height) == (image.width, image.height)
        boxes = [(box.label, box.x, box.y) for box in image.boxes if sample.annotated]
        assert boxes == [
            (shape.label, pytest.approx(shape.x, abs=0.001), pytest.approx(shape.y, abs=0.001))  # type: ignore[union-attr]
            for shape in sample.shapes
        ]
