"""The parts of a version's digest: canonical values, sorting on disk, and hashing what must be fetched."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from headrace.engine.digest import sorted_digests
from headrace.engine.digest.canonical import annotation_value, asset_digest, head_of
from headrace.engine.digest.file_digest import sha256_of_bytes
from headrace.engine.digest.sorted_digests import SortedDigests
from headrace.errors import ConnectError, NotFoundError
from headrace.model.records import Meta
from headrace.model.rle import encode
from headrace.protocol.operations.annotations import LoadedAnnotation
from headrace.transfer.source import Stream


def loaded(**fields: Any) -> LoadedAnnotation:
    return msgspec.convert({"asset_id": "a", **fields}, LoadedAnnotation)


def shape(label: str = "cat", **fields: Any) -> dict[str, Any]:
    return {"label": label, **fields}


RING, HOLE = [[0, 0], [8, 0], [8, 8]], [[1, 1], [2, 1], [2, 2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(
            {"rectangles": [shape(x=1, y=2, w=3, h=4)]},
            {"rectangles": [shape(x=1.0, y=2.0, w=3.0, h=4.0)]},
            id="whole numbers",
        ),
        pytest.param(
            {"points": [shape(point=[0.0, -0.0])]},
            {"points": [shape(point=[0, 0])]},
            id="minus zero",
        ),
        pytest.param(
            {"points": [shape(point=[0, 1]), shape("dog", point=[0, 0])]},
            {"points": [shape("dog", point=[0, 0]), shape(point=[0, 1])]},
            id="order of shapes",
        ),
        pytest.param(
            {"polygons": [shape(polygon=RING, instance=0), shape(polygon=HOLE, instance=0)]},
            {"polygons": [shape(polygon=HOLE, instance=7), shape(polygon=RING, instance=7)]},
            id="number of an object",
        ),
        pytest.param(
            {"polygons": [shape(polygon=RING)]},
            {"polygons": [shape(polygon=RING, instance=3, bbox=[0, 0, 8, 8], area=32.0)]},
            id="a box and an area that follow from the ring",
        ),
        pytest.param(
            {"masks": [shape(mask=encode([4, 2, 6]))]},
            {"masks": [shape(mask=encode([4, 1, 0, 1, 6]), area=2.0, bbox=[1, 0, 1, 2])]},
            id="empty runs of a mask",
        ),
        pytest.param(
            {"classifications": [shape()], "attributes": {"a": 1, "b": [2.0]}},
            {
                "classifications": [shape(text="", attributes={})],
                "attributes": {"b": [2], "a": 1.0},
                "id": "n",
                "worker_id": "w",
                "status": "ACCEPTED",
                "duration": 3.5,
            },
            id="attributes, and what does not count",
        ),
    ],
)
def test_one_content_has_one_value(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert annotation_value(loaded(**one), 4) == annotation_value(loaded(**other), 4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"classifications": [shape()]}),
        ({"classifications": [shape()]}, {"classifications": [shape(), shape()]}),
        ({"classifications": [shape(score=0.5)]}, {"classifications": [shape(score=0.25)]}),
        ({"classifications": [shape(attributes={"a": True})]}, {"classifications": [shape()]}),
        ({"lines": [shape(line=[[0, 0], [1, 1]])]}, {"lines": [shape(line=[[1, 1], [0, 0]])]}),
        (
            {"polygons": [shape(polygon=RING, instance=0), shape(polygon=HOLE, instance=0)]},
            {"polygons": [shape(polygon=RING), shape(polygon=HOLE)]},
        ),
        ({"masks": [shape(mask=encode([4, 2, 6]))]}, {"masks": [shape(mask=encode([3, 2, 7]))]}),
        (
            {"keypoints": [shape(keypoints=[[1, 1, 2]])]},
            {"keypoints": [shape(keypoints=[[1, 1, 2]], bbox=[0, 0, 3, 3])]},
        ),
        (
            {"tracks": [shape(start_frame_index=1, end_keyframes=[{"frame_index": 9}])]},
            {"tracks": [shape(start_frame_index=1, end_keyframes=[{"frame_index": 8}])]},
        ),
    ],
)
def test_other_content_has_another_value(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert annotation_value(loaded(**one), 4) != annotation_value(loaded(**other), 4)


def test_an_asset_counts_by_name_content_and_annotations_in_any_order() -> None:
    first, second = loaded(classifications=[shape()]), loaded(classifications=[shape("dog")])
    digest = asset_digest("a/b.jpg", "00", [first, second], Meta(4, 4))
    assert digest == asset_digest("a/b.jpg", "00", [second, first], None)
    others = [
        asset_digest("b.jpg", "00", [first, second], None),
        asset_digest("a/b.jpg", "01", [first, second], None),
        asset_digest("a/b.jpg", "00", [first], None),
        asset_digest("a/b.jpg", "00", [first, first, second], None),
    ]
    assert len({digest, *others}) == 5


@pytest.mark.parametrize("count", [0, 7, 8, 23])
def test_digests_are_sorted_on_disk_as_in_memory(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorted_digests, "RUN_DIGESTS", 8)
    monkeypatch.setattr(sorted_digests, "READ_DIGESTS", 3)
    digests = [hashlib.sha256(b"%d" % (number // 2)).digest() for number in range(count)]
    lines = sorted(digest.hex() for digest in digests)
    head = head_of(["dog", "cat"])
    assert head == b'headrace.digest/1\n["cat","dog"]\n'
    random.Random(count).shuffle(digests)
    with SortedDigests() as collected:
        for digest in digests:
            collected.add(digest)
        assert collected.count == count
        found = collected.sha256(head)
    # What docs/how-to/freeze-a-release.md says.
    assert (
        found == hashlib.sha256(head + "".join(f"{line}\n" for line in lines).encode()).hexdigest()
    )


class Chunks:
    """A stream of a file that breaks after some bytes."""

    local_path: Path | None = None
    whole: memoryview | None = None
    write_to = None
    digests: Mapping[str, str] = {}

    def __init__(self, content: bytes, start: int, validator: str | None, breaks_at: int) -> None:
        self.start, self.validator = start, validator
        self.length, self.total = len(content) - start, len(content)
        self._content, self._breaks_at = content, breaks_at

    async def chunks(self) -> AsyncIterator[bytes]:
        for at in range(self.start, len(self._content), 10):
            if at >= self._breaks_at:
                raise ConnectError("the connection broke")
            yield self._content[at : at + 10]


class BreakingFile:
    """A file whose first streams break; ``opened`` are the offsets that were asked for."""

    def __init__(self, content: bytes, *breaks: int, validator: str | None, seeks: bool) -> None:
        self._content, self._breaks, self._validator = content, list(breaks), validator
        self._seeks = seeks
        self.opened: list[int] = []

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        self.opened.append(offset)
        breaks_at = len(self._content) if not self._breaks else self._breaks.pop(0)
        if breaks_at < 0:
            raise NotFoundError("no such file")
        start = offset if self._seeks else 0
        yield Chunks(self._content, start, self._validator, breaks_at)

    async def wait_for_retry(self) -> None:
        return


@pytest.mark.parametrize(
    ("validator", "seeks", "offsets"),
    [('"v1"', True, [0, 20, 30]), (None, True, [0, 0, 0]), ('"v1"', False, [0, 20, 30])],
)
async def test_a_fetched_file_is_hashed_over_broken_connections(
    validator: str | None, seeks: bool, offsets: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(_: float) -> None:
        return

    monkeypatch.setattr("anyio.sleep", at_once)
    content = bytes(range(45))
    file = BreakingFile(content, 20, 30, validator=validator, seeks=seeks)
    assert await sha256_of_bytes(file, "a.jpg") == hashlib.sha256(content).hexdigest()
    assert file.opened == offsets


async def test_a_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(NotFoundError):
        await sha256_of_bytes(BreakingFile(b"", -1, validator=None, seeks=True), "a.jpg")
