"""The files of two platforms never lie inside one another; where they do, collecting garbage leaves those of the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

import headrace
from headrace.errors import LakeError
from headrace.folders.lakes import STORE_MARK
from headrace.platform.care import gc
from headrace.platform.care.opening import opened_place
from headrace.platform.context import Context
from headrace.platform.platform import Platform
from headrace.platform.postgres_layout import create_platform
from headrace.storage.objects.s3.store import S3Objects
from headrace.storage.opening import postgres_target
from headrace.testing.objects_conformance import stream
from tests.support.postgres_server import fresh_database, run
from tests.support.s3_server import fresh_prefix

DAYS_MS = 30 * 24 * 3_600_000


@contextmanager
def databases() -> Iterator[tuple[str, str]]:
    with fresh_database("template0") as first, fresh_database("template0") as second:
        yield first, second


def below(url: str, folder: str) -> str:
    """A folder inside that of a URL."""
    path, _, options = url.partition("?")
    return f"{path}/{folder}?{options}"


async def make(dsn: str, objects: str) -> None:
    target = postgres_target(dsn, objects=objects)
    assert target is not None
    await create_platform(target)


async def names(url: str) -> set[str]:
    store = await S3Objects.open(url)
    try:
        return {each.name async for batch in store.listed() for each in batch}
    finally:
        await store.aclose()


async def put(url: str, *objects: str) -> None:
    store = await S3Objects.open(url)
    try:
        for name in objects:
            await store.put(name, stream(b"content"))
    finally:
        await store.aclose()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Collections take place a month later."""

    @asynccontextmanager
    async def opened_later(*arguments: Any, **options: Any) -> AsyncIterator[Context]:
        async with opened_place(*arguments, **options) as context:
            now = context.clock
            context.clock = lambda: now() + DAYS_MS  # type: ignore[assignment]
            yield context

    monkeypatch.setattr(gc, "opened_place", opened_later)


@pytest.mark.parametrize("outer", ["", "a/"])
async def test_a_place_inside_another_is_refused_before_anything_is_made(outer: str) -> None:
    with fresh_database("template0") as dsn, fresh_prefix() as url:
        await put(url, f"{outer}{STORE_MARK}")
        with pytest.raises(LakeError, match="place of another platform's files"):
            await make(dsn, below(url, "a/b"))
        assert await names(url) == {f"{outer}{STORE_MARK}"}
        assert await run(dsn, "select relname from pg_class where relname = 'schema_version'") == []


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["a", "a/b/c"])
async def test_no_platform_is_made_inside_another(folder: str) -> None:
    with databases() as (first, second), fresh_prefix() as url:
        await make(first, url)
        with pytest.raises(LakeError, match="place of another platform's files") as refused:
            await make(second, below(url, folder))
        outer = url.partition("?")[0]
        assert f"{outer}/{folder} lies in {outer}, " in str(refused.value)
        assert "outside" in str(refused.value.hint)
        # Nothing is half-made: the same database can have its files elsewhere.
        assert await names(url) == {STORE_MARK}
        with fresh_prefix() as other:
            await make(second, other)


@pytest.mark.slow
async def test_no_platform_is_made_around_another() -> None:
    with databases() as (first, second), fresh_prefix() as url:
        inner = below(url, "a/b")
        await make(first, inner)
        with pytest.raises(LakeError, match="contains the place of another platform's files, a/b"):
            await make(second, url)
        assert await names(url) == {f"a/b/{STORE_MARK}"}
        # Places beside it are free.
        await make(second, below(url, "a/bc"))


@pytest.mark.slow
async def test_of_two_that_are_made_at_the_same_moment_one_at_most_is() -> None:
    """Each finds its place free, marks it, and looks again."""
    with databases() as (first, second), fresh_prefix() as url:
        inner = below(url, "a")
        made = await asyncio.gather(make(first, url), make(second, inner), return_exceptions=True)
        refused = [each for each in made if each is not None]
        assert refused
        for error in refused:
            assert isinstance(error, LakeError)
        marks = {f"a/{STORE_MARK}" if made[0] else STORE_MARK} if len(refused) == 1 else set()
        assert await names(url) == marks


@pytest.mark.slow
async def test_one_that_came_to_lie_inside_another_is_not_opened() -> None:
    with databases() as (first, _), fresh_prefix() as url:
        inner = below(url, "a/b")
        await make(first, inner)
        await (await Platform.open(first, objects=inner)).aclose()
        await put(url, STORE_MARK)
        for opening in (
            Platform.open(first, objects=inner),
            headrace.collect_garbage(first, objects=inner, progress=None),
        ):
            with pytest.raises(LakeError, match="place of another platform's files"):
                await opening


@pytest.mark.slow
@pytest.mark.usefixtures("later")
async def test_garbage_is_collected_beside_another_platform(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with databases() as (first, _), fresh_prefix() as url:
        await make(first, url)
        # As older versions made it.
        await put(url, f"a/b/{STORE_MARK}", "a/b/3/1/0/x.png", "a/b/3/1/0/y.png")
        await put(url, "3/1/0/z.png", "a/z.png")
        inner = await S3Objects.open(below(url, "a/b"))
        try:
            upload = await inner.begin_parts("3/1/0/u.png")
            etag = await inner.put_part("3/1/0/u.png", upload, 1, stream(b"part"))
            caplog.set_level(logging.WARNING, "headrace.platform")
            for dry_run in (True, False):
                report = await headrace.collect_garbage(
                    first, objects=url, dry_run=dry_run, progress=None
                )
                assert (report.objects, report.uploads) == (2, 0)
            assert await names(url) == {
                STORE_MARK, f"a/b/{STORE_MARK}", "a/b/3/1/0/x.png", "a/b/3/1/0/y.png",
            }  # fmt: skip
            assert "another platform, in its folder a/b: they are left" in caplog.text
            await inner.complete_parts("3/1/0/u.png", upload, [(1, etag)])
        finally:
            await inner.aclose()
