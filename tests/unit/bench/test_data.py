"""The generator gives the same bytes for the same spec, whatever the size, in flat memory."""

import hashlib
import json
import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.data import CATEGORIES, coco_chunks, write_coco
from bench.dataset import SCALES, Spec, image_at, iter_images, scatter

SMALL = SCALES["T"]


def content(spec: Spec) -> bytes:
    return b"".join(coco_chunks(spec))


@pytest.mark.parametrize(
    ("spec", "digest"),
    [
        (Spec(50, 300, polygons=True, seed=1), "afc32c3c92fbe693"),
        (Spec(50, 300, polygons=False, seed=1), "04d19bbe7539472b"),
    ],
)
def test_bytes_follow_from_the_spec_on_every_machine(spec: Spec, digest: str) -> None:
    """The digests were taken once; results of different days compare the same data."""
    assert hashlib.sha256(content(spec)).hexdigest()[:16] == digest


def test_another_seed_is_another_dataset() -> None:
    assert content(SMALL) != content(replace(SMALL, seed=1))


@pytest.mark.parametrize("polygons", [True, False])
def test_counts_and_references(polygons: bool) -> None:
    """As many images and annotations as asked for, each pointing at what exists."""
    file = json.loads(content(replace(SMALL, polygons=polygons)))
    images = {image["id"]: image for image in file["images"]}
    assert len(images) == len(file["images"]) == SMALL.images
    assert len(file["annotations"]) == SMALL.annotations
    assert [each["id"] for each in file["annotations"]] == list(range(1, SMALL.annotations + 1))
    assert {each["image_id"] for each in file["annotations"]} <= images.keys()
    assert {each["category_id"] for each in file["annotations"]} <= CATEGORIES.keys()
    assert len({image["file_name"] for image in file["images"]}) == SMALL.images


@pytest.mark.parametrize("polygons", [True, False])
def test_shapes_are_inside_their_image(polygons: bool) -> None:
    """Boxes have an area and do not leave the image; polygons lie in their box."""
    file = json.loads(content(replace(SMALL, polygons=polygons)))
    images = {image["id"]: image for image in file["images"]}
    for each in file["annotations"]:
        image = images[each["image_id"]]
        x, y, w, h = each["bbox"]
        assert x >= 0
        assert y >= 0
        assert w > 0
        assert h > 0
        assert each["area"] > 0
        # Corner and size are rounded apart from each other.
        assert x + w <= image["width"] + 0.01
        assert y + h <= image["height"] + 0.01
        for flat in each["segmentation"]:
            assert len(flat) >= 8
            assert min(flat[::2]) >= x - 0.01
            assert max(flat[::2]) <= x + w + 0.01
            assert min(flat[1::2]) >= y - 0.01
            assert max(flat[1::2]) <= y + h + 0.01
        assert bool(each["segmentation"]) == polygons


def test_annotations_come_in_no_order_and_some_images_have_none() -> None:
    """What makes real files hard for readers: no grouping, a long tail, empty images."""
    annotations = json.loads(content(SMALL))["annotations"]
    owners = [each["image_id"] for each in annotations]
    neighbours = sum(a == b for a, b in pairwise(owners))
    assert neighbours < len(owners) / 20
    counts = Counter(owners)
    assert 0 < SMALL.images - len(counts) < SMALL.images / 10
    assert max(counts.values()) > 5 * SMALL.annotations / SMALL.images


def test_categories_are_cocos_with_the_gaps_in_their_ids() -> None:
    assert len(CATEGORIES) == 80
    assert (min(CATEGORIES), max(CATEGORIES)) == (1, 90)
    assert CATEGORIES[1] == "person"
    assert CATEGORIES[13] == "stop sign"
    assert CATEGORIES[90] == "toothbrush"
    assert not {12, 26, 29, 30, 45, 66, 68, 69, 71, 83} & CATEGORIES.keys()


@pytest.mark.parametrize("count", [1, 2, 3, 10, 99, 5_000, 118_287])
def test_scatter_is_a_permutation(count: int) -> None:
    place = scatter(count)
    assert sorted(map(place, range(count))) == list(range(count))


def test_images_are_known_without_the_others() -> None:
    """An image follows from its index, so nothing has to be remembered."""
    by_id = {image.id: image for image in iter_images(SMALL)}
    for index in (0, 1, SMALL.images - 1):
        assert by_id[image_at(SMALL, index).id] == image_at(SMALL, index)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_dataset() -> None:
    """Ten times the images in the same few hundred kilobytes."""

    def peak(images: int) -> int:
        tracemalloc.start()
        for _ in coco_chunks(Spec(images, 3 * images, polygons=False)):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(6_000) < peak(600) + 20_000


def test_write_is_whole_or_nothing_and_not_done_twice(tmp_path) -> None:
    target = tmp_path / "data" / "coco.json"
    write_coco(target, SMALL)
    assert target.read_bytes() == content(SMALL)
    assert list(target.parent.iterdir()) == [target]
    target.write_bytes(b"kept")
    write_coco(target, SMALL)
    assert target.read_bytes() == b"kept"
