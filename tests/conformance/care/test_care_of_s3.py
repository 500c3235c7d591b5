"""What looks after a lake finds what it needs of objects on S3: check, gc, du and copies for backups."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from headrace.folders.lakes import STORE_MARK
from headrace.platform.care import gc
from headrace.platform.care.check_objects import check_objects
from headrace.platform.care.check_report import CheckFindings
from headrace.platform.care.object_copy import ObjectCopier, paged_objects
from headrace.platform.care.object_names import stored_objects, unnamed_objects
from headrace.platform.datalake.registered import DELETED_AFTER_MS
from headrace.storage.objects.local.store import LocalObjectStore
from headrace.storage.objects.s3.store import S3Objects
from headrace.testing.objects_conformance import stream
from headrace.transfer.progress import Progress
from tests.support.lakes.uploads import Uploader, uploader

CONTENTS = [bytes([number]) * (number + 1) for number in range(6)]


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Uploader]:
    """Six objects of which five are registered, an upload in parts and a form that never ended."""
    async with uploader(tmp_path / "lake", on_s3=True) as found:
        for content in CONTENTS:
            name, url = await found.new_name()
            assert await found.put(url, content) == 204
            if content is not CONTENTS[-1]:
                await found.register(name)
        begun, url = await found.new_name()
        await found.prepare("completing", begun, url)
        send = await found.prepare("form", begun, url)
        assert await send(b"form") == 204
        yield found


async def test_a_check_reads_all_and_names_what_is_missing(client: Uploader) -> None:
    context = client.server.platform.context
    findings = CheckFindings()
    with Progress("check", "files", None) as shown:
        await check_objects(context, findings, shown, read_data=True)
    assert findings.checked["files"] == 5
    assert findings.checked["bytes"] == sum(map(len, CONTENTS[:-1]))
    assert not findings.faults
    gone = (await context.database.fetch("check.data"))[0][0]
    await context.objects.delete([gone])
    found = CheckFindings()
    with Progress("check", "files", None) as shown:
        await check_objects(context, found, shown, read_data=False)
    report = found.report(checksums="none", seconds=0)
    assert report.faults == {"object missing": 1}
    assert [each.place for each in report.examples] == [gone]


async def test_a_repair_records_the_digests_that_clients_did_not_say(client: Uploader) -> None:
    context = client.server.platform.context

    async def digests() -> list[bytes | None]:
        return [row[2] for row in await context.database.fetch("check.data")]

    async def check(*, repair: bool) -> CheckFindings:
        findings = CheckFindings()
        with Progress("check", "files", None) as shown:
            await check_objects(context, findings, shown, read_data=True, repair=repair)
        return findings

    assert await digests() == [None] * 5
    assert (await check(repair=False)).notes == {"digest": 5}
    assert await digests() == [None] * 5
    assert (await check(repair=True)).repaired == ["recorded the SHA-256 of 5 files"]
    assert await digests() == [hashlib.sha256(each).digest() for each in CONTENTS[:-1]]
    # From now on, a changed byte is noticed.
    again = await check(repair=True)
    assert (again.notes, again.repaired) == ({}, [])


async def test_what_no_row_names_is_found(client: Uploader) -> None:
    context = client.server.platform.context
    unnamed = [each async for batch in unnamed_objects(context) for each in batch]
    assert [each.size for each in unnamed] == [len(CONTENTS[-1])]
    left = await context.objects.unfinished(context.clock() + 60_000)
    assert (left.count, left.bytes) == (2, len(b"part") + len(b"form"))
    await context.objects.unfinished(context.clock() + 60_000, delete=True)
    assert (await context.objects.unfinished(context.clock() + 60_000)).count == 0
    assert len([each async for batch in stored_objects(context) for each in batch]) == 6


async def test_garbage_is_deleted_once_it_is_too_old_to_be_registered(client: Uploader) -> None:
    context = client.server.platform.context
    with Progress("gc", "objects", None) as shown:
        young = await gc.collect_objects(context, context.clock() - 3_600_000, shown)
        assert (young.objects, young.younger) == (0, 1)
        now = context.clock()
        context.clock = lambda: now + DELETED_AFTER_MS + 60_000  # type: ignore[assignment]
        gone = await gc.collect_objects(context, context.clock() - 3_600_000, shown)
    assert (gone.objects, gone.bytes) == (1, len(CONTENTS[-1]))
    assert len([each async for batch in stored_objects(context) for each in batch]) == 5


async def test_garbage_inside_another_platform_is_left(client: Uploader) -> None:
    context = client.server.platform.context
    others = [f"a/b/{STORE_MARK}", "a/b/3/1/0/x.png", "a/b/y.png"]
    for name in (*others, "a/mine.png"):
        await context.objects.put(name, stream(b"content"))
    begun = await context.objects.begin_parts("a/b/3/1/0/z.png")
    now = context.clock() + DELETED_AFTER_MS + 60_000
    context.clock = lambda: now  # type: ignore[assignment]
    with Progress("gc", "objects", None) as shown:
        gone = await gc.collect_objects(context, now, shown)
    assert gone.objects == 2
    left = {each.name async for batch in stored_objects(context) for each in batch}
    assert {each for each in left if each.startswith("a/")} >= {*others}
    assert "a/mine.png" not in left
    # Of the three uploads that never ended, that of the other platform is not ours.
    assert (await context.objects.unfinished(now, delete=True)).count == 2
    await context.objects.abort_parts("a/b/3/1/0/z.png", begun)


async def test_objects_are_copied_to_a_folder_and_back(client: Uploader, tmp_path: Path) -> None:
    context = client.server.platform.context
    assert isinstance(context.objects, S3Objects)
    folder = await LocalObjectStore.open(tmp_path / "copy")
    with Progress("backup", "files", None) as shown:
        copier = ObjectCopier(context.objects, folder, shown)
        pages = [page async for page in paged_objects(context.database, context.objects)]
        assert [await copier.copy(page) for page in pages] == [[] for _ in pages]
        assert copier.copied == 5
        (page,) = [page for page in pages if page]
        await context.objects.delete([each.name for each in page])
        back = ObjectCopier(folder, context.objects, shown)
        assert await back.copy(page) == []
        assert back.copied == 5
    for each in page:
        content = b"".join([chunk async for chunk in context.objects.get(each.name)])
        assert each.sha256 in (None, hashlib.sha256(content).digest())
