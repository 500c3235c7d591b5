"""Small files asked for one after another over one connection, where one of them goes wrong: the others do not notice."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from headrace.errors import PartialTransferError
from headrace.net.ssrf import UrlPolicy
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import (
    Reply,
    cut,
    dropped,
    expired,
    fault_server,
    packed,
    redirect,
    refuse,
    spoiled,
)
from headrace.transfer.report import TransferReport
from tests.faults.transfer.test_download_faults import GENTLE, Storage

FILES = {f"{n:02}.bin": hashlib.shake_256(bytes([n])).digest(20_000) for n in range(40)}
ODD = "05.bin"


async def fetched(
    folder: Path, *replies: Reply, digests: bool = True
) -> tuple[TransferReport, Storage, dict[str, list[str | None]]]:
    """One worker fetches all files while that in the middle is answered so; what was asked for, by file."""
    async with fault_server(FILES) as server:
        session = StorageSession(user_agent="test", limits=GENTLE)
        storage = Storage(server, session, folder)
        server.script(ODD, *replies)
        items = [
            storage.item(
                name,
                size=len(content),
                sha256=hashlib.sha256(content).hexdigest() if digests else None,
            )
            for name, content in FILES.items()
        ]
        try:
            report = await storage.fetch(items, max_workers=1)
        finally:
            assert session.host(server.address).busy == 0
            await session.aclose()
        return report, storage, {name: [one.range for one in server.seen(name)] for name in FILES}


@pytest.mark.parametrize("digests", [True, False], ids=["digests", "sizes"])
@pytest.mark.parametrize(
    ("reply", "then"),
    [
        (cut(1_000), "bytes=1000-"),
        (cut(1_000, by="reset"), "bytes=1000-"),
        (cut(0), None),
        (dropped(), None),
        (refuse(503), None),
        (refuse(429, retry_after="0"), None),
        (refuse(500), None),
        (expired(), None),
        (packed(FILES[ODD]), None),
        (spoiled(FILES[ODD][::-1]), None),
        (Reply(body=FILES[ODD][:-1], honest_ranges=False), None),
        (Reply(length="chunked"), None),
        (Reply(length="none"), None),
    ],
)
async def test_one_that_goes_wrong_is_asked_for_again_and_no_other(
    tmp_path: Path, reply: Reply, then: str | None, digests: bool
) -> None:
    report, storage, seen = await fetched(tmp_path, reply, digests=digests)
    assert storage.there() == FILES
    assert (report.moved, report.failed) == (40, 0)
    assert seen.pop(ODD) == [None, then]
    assert set(map(tuple, seen.values())) == {(None,)}
    assert storage.session.fast_path_responses >= 39
    assert storage.renewed == (reply == expired())


async def test_one_that_leads_elsewhere_is_followed_by_itself(tmp_path: Path) -> None:
    there = redirect("/05.bin?there")
    report, storage, seen = await fetched(tmp_path, there, there)
    assert storage.there() == FILES
    assert report.moved == 40
    assert seen.pop(ODD) == [None, None, None]
    assert set(map(tuple, seen.values())) == {(None,)}


async def test_one_that_stays_wrong_fails_alone(tmp_path: Path) -> None:
    wrong = spoiled(FILES[ODD][::-1])
    report, storage, seen = await fetched(tmp_path, wrong, wrong)
    assert (report.moved, report.failed) == (39, 1)
    assert storage.there() == {name: content for name, content in FILES.items() if name != ODD}
    assert seen[ODD] == [None, None]


async def test_one_that_is_refused_for_good_fails_alone(tmp_path: Path) -> None:
    report, _, seen = await fetched(tmp_path, refuse(404))
    assert (report.moved, report.failed) == (39, 1)
    assert seen[ODD] == [None]
    with pytest.raises(PartialTransferError):
        report.check("downloaded")


async def test_a_host_that_turns_away_is_left_alone_by_the_others(tmp_path: Path) -> None:
    """All small files behind the refused one are asked for after the time that it asks for."""
    _, storage, _ = await fetched(tmp_path, *[refuse(503, retry_after="0")] * 3)
    order = [seen.target.split("?")[0] for seen in storage.server.requests]
    assert order[5:9] == ["/05.bin"] * 4


async def test_files_where_they_may_not_be_fail_one_by_one(tmp_path: Path) -> None:
    async with fault_server(FILES) as server:
        session = StorageSession(user_agent="test", url_policy=UrlPolicy(0, encrypted=False))
        storage = Storage(server, session, tmp_path)
        items = [storage.item(name, size=len(content)) for name, content in FILES.items()]
        report = await storage.fetch(items, max_workers=1)
        await session.aclose()
    assert (report.moved, report.failed, server.requests) == (0, 40, [])
