"""Whatever images are called, the tree that the YOLO writer makes is one that trainers read."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.formats import get
from headrace.formats.findings.collect import Findings
from headrace.formats.geometry.outlines import mask_rings
from headrace.formats.options import WriteOptions
from headrace.model.sample import Sample
from headrace.model.shapes import Rectangle
from tests.support.tiers import scaled

FOLDERS = ["", "images/", "train/", "val/images/", "images/valid/", "a/images/b/", "images/images/"]
NAMES = ["1.jpg", "1.png", "2.jpg", "images.jpg", "1-2.jpg", "no suffix", ".jpg", "1.2.jpg"]


@st.composite
def images(draw: Any) -> list[Sample]:
    boxes = st.sampled_from([[], [Rectangle(label="cat", x=1, y=1, w=2, h=2)]])
    return [
        Sample(
            filename=draw(st.sampled_from(FOLDERS)) + draw(st.sampled_from(NAMES)),
            width=10,
            height=10,
            split=draw(st.sampled_from(["train", "valid", "holdout", None])),
            shapes=list(draw(boxes)),
            annotated=draw(st.booleans()),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]


def label_of(image: str) -> str:
    """Ultralytics' ``img2label_paths``."""
    head, _, tail = f"/{image}".rpartition("/images/")
    return f"{head}/labels/{tail}".lstrip("/").rsplit(".", 1)[0] + ".txt"


@given(images())
@settings(max_examples=scaled(150))
def test_every_image_has_a_place_and_finds_its_label(samples: list[Sample]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "out")
        writer = get("yolo").create(root, [], options=WriteOptions(), findings=Findings())
        writer.image_paths = []
        with writer:
            writer.write(samples)
        paths = writer.image_paths
        assert len(paths) == len(samples)
        assert len({*paths}) == len(paths)
        lines = (root / "image-sizes.jsonl").read_text().splitlines() if samples else []
        assert [json.loads(line)[0] for line in lines] == paths
        labels = {path.relative_to(root).as_posix() for path in root.rglob("*.txt")}
        expected = {
            label_of(path if "." in Path(path).name else f"{path}.")
            for path, sample in zip(paths, samples, strict=True)
            if path is not None and (sample.shapes or sample.annotated)
        }
        assert labels == expected


@given(st.integers(1, 7), st.lists(st.booleans(), min_size=1, max_size=49))
@settings(max_examples=scaled(300))
def test_the_outlines_of_a_mask_are_its_pixels(height: int, pixels: list[bool]) -> None:
    """By the even-odd rule at the centre of each pixel, column by column."""
    pixels += [False] * (-len(pixels) % height)
    counts, last = [0], False
    for pixel in pixels:
        if pixel != last:
            counts.append(0)
            last = pixel
        counts[-1] += 1
    rings = mask_rings(counts, height)
    for number, pixel in enumerate(pixels):
        column, row = divmod(number, height)
        crossed = sum(
            (y1 > row + 0.5) != (y2 > row + 0.5) and column + 0.5 < x1
            for ring in rings
            for x1, y1, x2, y2 in zip(
                ring[0::2],
                ring[1::2],
                [*ring[2::2], ring[0]],
                [*ring[3::2], ring[1]],
                strict=True,
            )
            if x1 == x2
        )
        assert crossed % 2 == pixel
