"""The conformance suite of object stores, to be run with pytest.

Subclass ``ObjectStoreConformance`` and define the fixture ``store``, an empty store for each test::

    class TestMyStore(ObjectStoreConformance):
        @pytest.fixture
        async def store(self, tmp_path: Path) -> AsyncIterator[ObjectStore]:
            ...
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest

from headrace.errors import BadRequestError, HeadraceError, NotFoundError, ObjectNotFoundError
from headrace.storage.objects.base import ObjectStore

__all__ = [
    "ObjectStoreConformance",
    "PartsConformance",
    "WholeObjectsConformance",
]

NAME = "a/1/2/01a20374-1561-7000-8600-000000000001.png"
BIG = bytes(range(256)) * 12_000

HOSTILE_NAMES = [
    "", ".", "..", "../x", "a/../../x", "a/..", "/etc/passwd", "//server/share", "\\\\server\\share",
    "..\\x", "a\\..\\..\\x", "a\\b", "C:\\x", "C:x", "c:/x", "a/b:stream", "a/\0b", "a/b\n", "\x7f/a",
    "a//b", "a/./b", "a/b/", "CON", "a/nul.txt", "com1", "LPT9.png", "a/aux", "a /b", "a./b", "a/b.",
    "a/" + "x" * 256, "x/" * 600 + "x", "\ud800/a", ".incoming/x", ".parts/x",
]  # fmt: skip


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    """Yield chunks as an upload does."""
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


async def breaking(*chunks: bytes) -> AsyncIterator[bytes]:
    """Yield chunks, then fail as a lost connection does."""
    async for chunk in stream(*chunks):
        yield chunk
    raise ConnectionResetError


async def read(store: ObjectStore, name: str, offset: int = 0, length: int | None = None) -> bytes:
    """Return the bytes of an object, or of a range of it."""
    return b"".join([chunk async for chunk in store.get(name, offset=offset, length=length)])


class WholeObjectsConformance:
    """Whole objects: put, get, list and delete."""

    @pytest.mark.parametrize("content", [b"", b"x", b"y" * (1 << 20), BIG])
    async def test_what_is_put_can_be_read(self, store: ObjectStore, content: bytes) -> None:
        info = await store.put(
            NAME, stream(*(content[n : n + 70_001] for n in range(0, len(content), 70_001)))
        )
        assert (info.name, info.size) == (NAME, len(content))
        assert info.sha256 == hashlib.sha256(content).digest()
        assert await read(store, NAME) == content
        head = await store.head(NAME)
        assert head is not None
        assert head.size == len(content)
        assert head.sha256 in (b"", info.sha256)

    @pytest.mark.parametrize(
        ("offset", "length"),
        [(0, 10), (5, None), (1_000_000, 1_100_000), (len(BIG) - 1, 5), (len(BIG), None), (3, 0)],
    )
    async def test_ranges(self, store: ObjectStore, offset: int, length: int | None) -> None:
        await store.put(NAME, stream(BIG))
        end = None if length is None else offset + length
        assert await read(store, NAME, offset, length) == BIG[offset:end]

    async def test_what_is_missing_is_an_error(self, store: ObjectStore) -> None:
        assert await store.head(NAME) is None
        with pytest.raises(ObjectNotFoundError, match="000001"):
            await read(store, NAME)
        await store.put("a/b", stream(b"x"))
        assert await store.head("a") is None
        assert await store.head("a/b/c") is None

    async def test_putting_again_replaces(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(b"first"))
        await store.put(NAME, stream(b"second"))
        assert await read(store, NAME) == b"second"

    async def test_an_object_that_is_stored_again_is_another_one(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(b"first"))
        await store.put("a/b", stream(b"other"))
        before = [info for info in await store.heads([NAME, "a/b"]) if info is not None]
        assert await store.unchanged(before) == [True, True]
        await store.put(NAME, stream(b"first"))
        assert await store.unchanged(before) == [False, True]
        await store.delete(["a/b"])
        assert await store.unchanged(before) == [False, False]

    async def test_a_broken_upload_is_never_visible(self, store: ObjectStore) -> None:
        with pytest.raises(ConnectionResetError):
            await store.put(NAME, breaking(b"x", BIG))
        assert await store.head(NAME) is None

    async def test_a_broken_upload_keeps_what_was_there(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(b"first"))
        with pytest.raises(ConnectionResetError):
            await store.put(NAME, breaking(BIG))
        assert await read(store, NAME) == b"first"

    async def test_a_cancelled_upload_is_never_visible(self, store: ObjectStore) -> None:
        reached = asyncio.Event()

        async def stalled() -> AsyncIterator[bytes]:
            yield BIG
            reached.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(store.put(NAME, stalled()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await store.head(NAME) is None

    async def test_a_reader_keeps_what_it_began_with(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(BIG))
        reading = store.get(NAME)
        first = await anext(reading)
        await store.put(NAME, stream(b"other"))
        assert first + b"".join([chunk async for chunk in reading]) == BIG

    async def test_a_listing_has_every_object_and_nothing_unfinished(
        self, store: ObjectStore
    ) -> None:
        assert [each async for each in store.listed()] == []
        names = {f"a/{number % 3}/{number}": bytes(number) for number in range(5)}
        for name, content in names.items():
            await store.put(name, stream(content))
        await store.begin_parts("a/9/unfinished")
        await store.delete(["a/1/4"])
        found = [each for batch in [batch async for batch in store.listed()] for each in batch]
        assert {each.name: each.size for each in found} == {
            name: len(content) for name, content in names.items() if name != "a/1/4"
        }
        assert all(each.stored > 1_600_000_000_000 for each in found)

    async def test_only_what_is_older_is_deleted(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(b"x"))
        head = await store.head(NAME)
        assert head is not None
        assert head.stored is not None
        assert await store.delete_before([NAME, "a/1/2/gone"], head.stored) == []
        assert await read(store, NAME) == b"x"
        assert await store.delete_before([NAME, "a/1/2/gone"], head.stored + 1) == [NAME]
        assert await store.head(NAME) is None

    async def test_deleting_forgives_what_is_missing(self, store: ObjectStore) -> None:
        await store.put(NAME, stream(b"x"))
        await store.delete([NAME, "a/1/2/other"])
        await store.delete([NAME])
        assert await store.head(NAME) is None

    async def test_files_are_stored_by_copy_and_by_move(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        source = tmp_path / "source.bin"
        source.write_bytes(BIG)
        for move in (False, True):
            info = await store.put_file(NAME, source, move=move)
            assert (info.size, info.sha256) == (len(BIG), hashlib.sha256(BIG).digest())
            assert await read(store, NAME) == BIG
            assert source.exists() is not move

    async def test_many_files_and_looks_at_once(self, store: ObjectStore, tmp_path: Path) -> None:
        contents = {f"a/1/2/{n}": bytes([n]) * n for n in range(5)}
        sources = []
        for name, content in contents.items():
            source = tmp_path / f"{len(content)}.bin"
            source.write_bytes(content)
            sources.append((name, source))
        sources.insert(2, ("a/1/2/gone", tmp_path / "gone.png"))
        stored = await store.put_files(sources)
        refused = stored.pop(2)
        assert isinstance(refused, HeadraceError)
        assert "gone.png" in str(refused)
        for info, (name, content) in zip(stored, contents.items(), strict=True):
            assert not isinstance(info, HeadraceError)
            assert (info.name, info.size) == (name, len(content))
            assert info.sha256 == hashlib.sha256(content).digest()
            assert await read(store, name) == content
        heads = await store.heads([*contents, "a/1/2/gone"])
        assert heads.pop() is None
        assert [head and head.size for head in heads] == [len(c) for c in contents.values()]

    async def test_a_file_that_is_not_there_is_named(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        for source in (tmp_path / "gone.png", tmp_path):
            with pytest.raises(HeadraceError, match=str(source)):
                await store.put_file(NAME, source)
        assert await store.head(NAME) is None

    @pytest.mark.parametrize("name", HOSTILE_NAMES)
    async def test_hostile_names_are_refused(
        self, store: ObjectStore, tmp_path: Path, name: str
    ) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with pytest.raises(BadRequestError):
            await store.put(name, stream(b"x"))
        with pytest.raises(BadRequestError):
            await store.put_file(name, source)
        with pytest.raises(BadRequestError):
            await store.head(name)
        with pytest.raises(BadRequestError):
            await read(store, name)
        with pytest.raises(BadRequestError):
            await store.delete([name])
        with pytest.raises(BadRequestError):
            await store.begin_parts(name)


class PartsConformance:
    """Multipart uploads.

    ``least_part`` is the least size in bytes that the store accepts of a part that is not the last. A store that
    ``keeps_replaced_parts`` accepts the ETag of a part that was sent again, as some S3 do, and then takes that part.
    """

    least_part: ClassVar[int] = 0
    keeps_replaced_parts: ClassVar[bool] = False

    async def test_parts_in_any_order_make_an_object(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        contents = [each + bytes(max(0, self.least_part - len(each))) for each in (BIG, b"second")]
        second = await store.put_part(NAME, upload, 2, stream(contents[1]))
        first = await store.put_part(NAME, upload, 1, stream(contents[0]))
        last = await store.put_part(NAME, upload, 3, stream())
        assert await store.head(NAME) is None
        info = await store.complete_parts(NAME, upload, [(1, first), (2, second), (3, last)])
        whole = b"".join(contents)
        assert info.size == len(whole)
        assert info.sha256 in (b"", hashlib.sha256(whole).digest())
        assert await read(store, NAME) == whole

    async def test_completing_twice_is_no_error(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        etag = await store.put_part(NAME, upload, 1, stream(b"x"))
        first = await store.complete_parts(NAME, upload, [(1, etag)])
        assert await store.complete_parts(NAME, upload, [(1, etag)]) == first
        assert await read(store, NAME) == b"x"

    async def test_completing_what_was_deleted_since_is_an_error(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        etag = await store.put_part(NAME, upload, 1, stream(b"x"))
        await store.complete_parts(NAME, upload, [(1, etag)])
        await store.delete([NAME])
        with pytest.raises(NotFoundError):
            await store.complete_parts(NAME, upload, [(1, etag)])
        assert await store.head(NAME) is None

    async def test_a_part_sent_again_replaces(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        old = await store.put_part(NAME, upload, 1, stream(b"old"))
        new = await store.put_part(NAME, upload, 1, stream(b"new"))
        if not self.keeps_replaced_parts:
            with pytest.raises(BadRequestError, match="part 1"):
                await store.complete_parts(NAME, upload, [(1, old)])
        await store.complete_parts(NAME, upload, [(1, new)])
        assert await read(store, NAME) == b"new"

    async def test_a_broken_part_keeps_the_earlier_one(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        etag = await store.put_part(NAME, upload, 1, stream(b"good"))
        with pytest.raises(ConnectionResetError):
            await store.put_part(NAME, upload, 1, breaking(BIG))
        await store.complete_parts(NAME, upload, [(1, etag)])
        assert await read(store, NAME) == b"good"

    async def test_wrong_lists_of_parts_are_refused(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        one = await store.put_part(NAME, upload, 1, stream(b"1"))
        two = await store.put_part(NAME, upload, 2, stream(b"2"))
        for listed in ([], [(2, two), (1, one)], [(1, one), (1, one)], [(3, one)], [(1, "../x")]):
            with pytest.raises(BadRequestError):
                await store.complete_parts(NAME, upload, listed)
        assert await store.head(NAME) is None

    async def test_parts_count_from_one(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        for number in (0, -1, 10_001):
            with pytest.raises(BadRequestError):
                await store.put_part(NAME, upload, number, stream(b"x"))

    async def test_uploads_that_never_end_are_counted_and_removed(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        await store.put_part(NAME, upload, 1, stream(b"x" * 100))
        assert (await store.unfinished(0, delete=True)).count == 0
        for delete in (False, True):
            left = await store.unfinished(1 << 50, delete=delete)
            assert (left.count, left.bytes >= 100) == (1, True)
        assert (await store.unfinished(1 << 50)).count == 0
        with pytest.raises(NotFoundError):
            await store.put_part(NAME, upload, 2, stream(b"x"))

    async def test_an_upload_that_was_given_up_is_gone(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        etag = await store.put_part(NAME, upload, 1, stream(b"x"))
        await store.abort_parts("a/1/2/other", upload)
        for _ in range(2):
            await store.abort_parts(NAME, upload)
        with pytest.raises(NotFoundError):
            await store.complete_parts(NAME, upload, [(1, etag)])
        assert (await store.unfinished(1 << 50)).count == 0

    async def test_uploads_of_others_are_not_found(self, store: ObjectStore) -> None:
        upload = await store.begin_parts(NAME)
        for name, upload_id in ((NAME, "0" * 32), (NAME, "../" + upload), ("a/1/2/other", upload)):
            with pytest.raises(NotFoundError):
                await store.put_part(name, upload_id, 1, stream(b"x"))
            with pytest.raises(NotFoundError):
                await store.complete_parts(name, upload_id, [(1, "x")])


class ObjectStoreConformance(WholeObjectsConformance, PartsConformance):
    """The whole suite: subclass it and define the fixture ``store``."""
