"""Images of an import between its check and its writing: sorted by name, cut by the source alone."""

from __future__ import annotations

import random

import pytest

from headrace.engine.imports import spool as spooling
from headrace.engine.imports.chunks import ImportChunk, weight_packed
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.spool import ChunkSpool


def image(name: str, size: int = 10, *, path: str | None = None) -> PackedImage:
    return PackedImage(name, path, None, True, None, 1, 1, {0: 1}, name.encode().ljust(size))


def cut(images: list[PackedImage], *, most: int, at_once: int = 7) -> list[ImportChunk]:
    with ChunkSpool(most, weight_packed) as spool:
        for start in range(0, len(images), at_once):
            spool.add(images[start : start + at_once])
        return list(spool.chunks())


def names(chunks: list[ImportChunk]) -> list[str]:
    return [each.filename for chunk in chunks for each in chunk.images]


@pytest.fixture
def scattered() -> list[PackedImage]:
    images = [image(f"{number:04}.jpg", 10 + number % 5) for number in range(100)]
    random.Random(1).shuffle(images)
    return images


def test_a_small_source_stays_in_its_order(scattered: list[PackedImage]) -> None:
    chunks = cut(scattered, most=30)
    assert names(chunks) == [each.filename for each in scattered]
    assert [len(chunk.images) for chunk in chunks] == [30, 30, 30, 10]
    assert [chunk.number for chunk in chunks] == [0, 1, 2, 3]


@pytest.mark.parametrize(("name", "most"), [("RUN_IMAGES", 16), ("RUN_BYTES", 2000)])
def test_a_large_source_is_sorted_by_name(
    monkeypatch: pytest.MonkeyPatch, scattered: list[PackedImage], name: str, most: int
) -> None:
    monkeypatch.setattr(spooling, name, most)
    monkeypatch.setattr(spooling, "_PAGE_IMAGES", 3)
    chunks = cut(scattered, most=30)
    assert names(chunks) == [f"{number:04}.jpg" for number in range(100)]
    assert [len(chunk.images) for chunk in chunks] == [30, 30, 30, 10]
    assert sorted((each.filename, each.blob) for chunk in chunks for each in chunk.images) == (
        sorted((each.filename, each.blob) for each in scattered)
    )


def test_the_cut_depends_on_the_source_alone(
    monkeypatch: pytest.MonkeyPatch, scattered: list[PackedImage]
) -> None:
    monkeypatch.setattr(spooling, "RUN_IMAGES", 16)
    cuts = [cut(scattered, most=9, at_once=at_once) for at_once in (1, 7, 16, 100)]
    assert all(each == cuts[0] for each in cuts)


def test_images_of_equal_names_keep_the_order_of_the_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spooling, "RUN_IMAGES", 2)
    images = [image("b", 10 + number) for number in range(5)] + [image("a")]
    (chunk,) = cut(images, most=30)
    assert [each.filename for each in chunk.images] == ["a", "b", "b", "b", "b", "b"]
    assert [len(each.blob) for each in chunk.images[1:]] == [10, 11, 12, 13, 14]


def test_paths_come_before_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "RUN_IMAGES", 1)
    images = [image("a", path="z/a"), image("b", path="c/b"), image("d")]
    assert names(cut(images, most=30)) == ["b", "d", "a"]


def test_a_chunk_is_limited_by_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "CHUNK_BYTES", 1000)
    chunks = cut([image(str(number), 300) for number in range(5)], most=30)
    assert [len(chunk.images) for chunk in chunks] == [2, 2, 1]
    (alone,) = cut([image("huge", 5000)], most=30)
    assert len(alone.images) == 1
