"""Downloads against a storage that misbehaves (faults F07 to F19): complete and right, or a clear refusal.

Each test ends with the invariant: what is visible is complete and right, and the report tells what is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest

from headrace.backend.remote_file import RemoteFile
from headrace.errors import AuthenticationError, TransferTimeoutError
from headrace.net.congestion import LimiterPolicy
from headrace.net.response import StallPolicy
from headrace.net.retry import RetryPolicy
from headrace.net.storage_session import StorageSession
from headrace.testing.fault_server import (
    FaultServer,
    Reply,
    changed,
    cut,
    dropped,
    expired,
    fault_server,
    packed,
    redirect,
    refuse,
    spoiled,
)
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.report import TransferReport
from headrace.transfer.source import Item

CONTENT = hashlib.shake_256(b"headrace").digest(700_000)
OTHER = CONTENT[::-1]
QUICK = RetryPolicy(attempts=5, base=0.001, cap=0.01, budget=20.0)
GENTLE = LimiterPolicy(base=0.001, cap=0.01, longest=0.05)


class Storage:
    """A fault server, a session that talks to it, and downloads from one to a folder."""

    def __init__(self, server: FaultServer, session: StorageSession, folder: Path) -> None:
        self.server = server
        self.session = session
        self.folder = folder
        self.renewed = 0

    def item(self, name: str, *, url: str | None = None, **known: Any) -> Item:
        async def renew() -> str:
            self.renewed += 1
            return self.server.url(name) + f"?fresh={self.renewed}"

        source = RemoteFile(
            self.session, url or self.server.url(name) + "?first", renew=renew, what=name
        )
        return Item(name=name, source=source, **known)

    async def fetch(
        self,
        items: Iterable[Item],
        policy: RetryPolicy = QUICK,
        *,
        max_workers: int | None = None,
        force_replace: bool = True,
    ) -> TransferReport:
        async def batches() -> AsyncIterator[list[Item]]:
            yield list(items)

        with Progress("pull", "files", None) as progress:
            return await run(
                batches(),
                self.folder,
                force_replace=force_replace,
                max_workers=max_workers,
                policy=policy,
                progress=progress,
            )

    def there(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in self.folder.iterdir() if p.is_file()}


@pytest.fixture(params=["http1", "aiohttp"])
async def storage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """By both ways to a storage: all that follows holds for either."""
    fast_path = request.param == "http1"
    patience = StallPolicy(silence=0.4, speed=1_000_000)
    async with fault_server({"a.bin": CONTENT}) as server:
        session = StorageSession(
            user_agent="test", stall=patience, limits=GENTLE, fast_path=fast_path
        )
        yield Storage(server, session, tmp_path)
        await session.aclose()


SIZED: dict[str, Any] = {"size": len(CONTENT)}
DIGESTED: dict[str, Any] = {"sha256": hashlib.sha256(CONTENT).hexdigest(), **SIZED}
KNOWN = pytest.mark.parametrize("known", [{}, SIZED, DIGESTED], ids=["none", "size", "sha256"])


@KNOWN
@pytest.mark.parametrize("by", ["close", "reset"])
@pytest.mark.parametrize("at", [0, 1, 65_535, 65_536, len(CONTENT) - 1])
async def test_f07_a_cut_body_is_gone_on_with(
    storage: Storage, at: int, by: str, known: dict[str, Any]
) -> None:
    storage.server.script("a.bin", cut(at, by))
    report = await storage.fetch([storage.item("a.bin", **known)])
    assert (report.moved, report.failed) == (1, 0)
    assert storage.there() == {"a.bin": CONTENT}
    first, second = storage.server.seen("a.bin")
    assert first.range is None
    if by == "close" and at:
        assert second.range == f"bytes={at}-"
        assert second.headers["if-range"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'
        assert report.bytes == len(CONTENT)


async def test_f07_many_cuts_cost_no_byte_twice(storage: Storage) -> None:
    storage.server.script("a.bin", *[cut(100_000)] * 6)
    report = await storage.fetch([storage.item("a.bin", **DIGESTED)])
    assert report.bytes == len(CONTENT)
    assert [seen.range for seen in storage.server.seen("a.bin")][1:] == [
        f"bytes={n}00000-" for n in range(1, 7)
    ]
    assert storage.there() == {"a.bin": CONTENT}


@KNOWN
async def test_f08_a_server_that_ignores_ranges(storage: Storage, known: dict[str, Any]) -> None:
    storage.server.script("a.bin", cut(1000), Reply(honest_ranges=False))
    report = await storage.fetch([storage.item("a.bin", **known)])
    assert (report.moved, len(storage.server.requests)) == (1, 2)
    assert storage.there() == {"a.bin": CONTENT}


@KNOWN
@pytest.mark.parametrize(
    "odd",
    [
        refuse(416),
        Reply(headers={"Content-Range": f"bytes 1001-{len(CONTENT) - 1}/{len(CONTENT)}"}),
        Reply(headers={"Content-Range": f"bytes 0-{len(CONTENT) - 1001}/{len(CONTENT)}"}),
        Reply(headers={"Content-Range": f"bytes 1000-{len(CONTENT) - 1}/{len(CONTENT) + 1}"}),
        Reply(headers={"Content-Range": "bytes 1000-1999/2000"}),
        Reply(headers={"Content-Range": "lines 1-2/3"}),
        Reply(headers={"Content-Range": None}),
    ],
    ids=["416", "later", "earlier", "total", "shorter", "garbage", "none"],
)
async def test_f09_wrong_ranges_are_never_appended(
    storage: Storage, odd: Reply, known: dict[str, Any]
) -> None:
    storage.server.script("a.bin", cut(1000), odd)
    report = await storage.fetch([storage.item("a.bin", **known)])
    assert report.moved == 1
    assert storage.there() == {"a.bin": CONTENT}


@pytest.mark.parametrize("known", [{}, SIZED], ids=["none", "size"])
@pytest.mark.parametrize("lying", [False, True], ids=["if-range", "no-if-range"])
async def test_f10_no_file_is_of_two_versions(
    storage: Storage, known: dict[str, Any], lying: bool
) -> None:
    storage.server.script("a.bin", cut(1000))
    if lying:
        etag = f'"{hashlib.md5(OTHER).hexdigest()}"'
        span = f"bytes 1000-{len(OTHER) - 1}/{len(OTHER)}"
        headers = {"ETag": etag, "Content-Range": span}
        storage.server.script("a.bin", Reply(status=206, body=OTHER[1000:], headers=headers))
    storage.server.always("a.bin", changed(OTHER))
    report = await storage.fetch([storage.item("a.bin", **known)])
    assert report.moved == 1
    assert storage.there() == {"a.bin": OTHER}


@pytest.mark.parametrize(
    ("bad", "known"),
    [
        (packed(CONTENT), {}),
        (spoiled(OTHER), {}),
        (Reply(body=CONTENT + b"more"), SIZED),
        (Reply(body=OTHER, headers={"ETag": None}), DIGESTED),
        (Reply(body=CONTENT[:-1], headers={"ETag": None}), SIZED),
        (Reply(body=OTHER, headers={"ETag": None, "Content-MD5": "AAAAAAAAAAAAAAAAAAAAAA=="}), {}),
        (Reply(body=OTHER, headers={"ETag": None, "x-amz-checksum-crc32": "AAAAAA=="}), {}),
    ],
    ids=["gzip", "etag", "longer", "sha256", "shorter", "content-md5", "crc32"],
)
async def test_f11_wrong_bytes_are_refused_once_and_for_all(
    storage: Storage, bad: Reply, known: dict[str, Any]
) -> None:
    storage.server.files["b.bin"] = CONTENT
    storage.server.script("a.bin", bad)
    storage.server.always("b.bin", bad)
    (storage.folder / "b.bin").write_bytes(b"good")
    report = await storage.fetch([storage.item(name, **known) for name in ("a.bin", "b.bin")])
    assert [(failure.name, failure.code) for failure in report.failures] == [("b.bin", "checksum")]
    assert storage.there() == {"a.bin": CONTENT, "b.bin": b"good"}
    assert len(storage.server.seen("b.bin")) == 2


@pytest.mark.parametrize(
    "fault",
    [dropped("silent"), cut(5000, "silent"), Reply(trickle=1, pause=0.1)],
    ids=["headers", "body", "trickle"],
)
async def test_f12_silence_and_trickles_are_cut(storage: Storage, fault: Reply) -> None:
    storage.server.script("a.bin", fault)
    report = await storage.fetch([storage.item("a.bin", **SIZED)])
    assert report.moved == 1
    assert storage.there() == {"a.bin": CONTENT}


async def test_f12_a_storage_that_stays_silent_is_told_of(storage: Storage) -> None:
    storage.server.always("a.bin", dropped("silent"))
    policy = RetryPolicy(attempts=2, base=0.001)
    report = await storage.fetch([storage.item("a.bin")], policy)
    assert [failure.code for failure in report.failures] == [TransferTimeoutError.code]
    assert storage.there() == {}


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_f03_what_passes_is_tried_again(storage: Storage, status: int) -> None:
    storage.server.script("a.bin", refuse(status), refuse(status), dropped(), dropped("reset"))
    report = await storage.fetch([storage.item("a.bin", **SIZED)])
    assert report.moved == 1
    assert len(storage.server.requests) == 5
    assert storage.there() == {"a.bin": CONTENT}


@pytest.mark.parametrize("status", [404, 405, 409, 451, 501])
async def test_f03_what_stays_is_not(storage: Storage, status: int) -> None:
    storage.server.always("a.bin", refuse(status))
    report = await storage.fetch([storage.item("a.bin")])
    assert (report.failed, len(storage.server.requests)) == (1, 1)
    assert "?first" not in report.failures[0].message


async def test_f15_a_long_outage_is_sat_out(storage: Storage) -> None:
    """A host that says to come later costs no attempts: there are five, and it says so twenty times."""
    storage.server.script("a.bin", *[refuse(503)] * 20)
    report = await storage.fetch([storage.item("a.bin", **SIZED)])
    assert report.moved == 1
    assert storage.there() == {"a.bin": CONTENT}


@pytest.mark.parametrize("status", [400, 401, 403, 410])
async def test_f16_an_expired_url_is_renewed_at_the_same_byte(
    storage: Storage, status: int
) -> None:
    storage.server.script("a.bin", cut(1000), Reply(status=status, body=b"Request has expired"))
    report = await storage.fetch([storage.item("a.bin", **SIZED)])
    assert (report.moved, report.bytes, storage.renewed) == (1, len(CONTENT), 1)
    seen = storage.server.seen("a.bin")
    assert [each.range for each in seen] == [None, "bytes=1000-", "bytes=1000-"]
    assert seen[-1].target.endswith("?fresh=1")
    assert storage.there() == {"a.bin": CONTENT}


async def test_f16_it_may_expire_more_than_once(storage: Storage) -> None:
    storage.server.script("a.bin", expired(), cut(1000), expired(), cut(1000), expired())
    report = await storage.fetch([storage.item("a.bin", **SIZED)])
    assert (report.moved, storage.renewed) == (1, 3)
    assert storage.there() == {"a.bin": CONTENT}


async def test_f16_a_url_is_renewed_before_it_ends(storage: Storage) -> None:
    for url in ("?Expires=1", "?X-Amz-Date=20200101T000000Z&X-Amz-Expires=60"):
        storage.server.requests.clear()
        report = await storage.fetch([storage.item("a.bin", url=storage.server.url("a.bin") + url)])
        assert (report.moved, len(storage.server.requests)) == (1, 1)


async def test_f16_a_real_403_stays_one(storage: Storage) -> None:
    storage.server.always("a.bin", expired())
    report = await storage.fetch([storage.item("a.bin")])
    assert [failure.code for failure in report.failures] == ["permission-denied"]
    assert (storage.renewed, len(storage.server.requests)) == (1, 2)


async def test_f17_a_revoked_token_stops_everything(storage: Storage) -> None:
    async def revoked() -> str:
        raise AuthenticationError("the token was revoked")

    items = [
        Item(name=f"{n}.bin", source=RemoteFile(storage.session, None, renew=revoked, what="x"))
        for n in range(100)
    ]
    with pytest.raises(BaseExceptionGroup) as caught:
        await storage.fetch(items)
    assert caught.group_contains(AuthenticationError, match="revoked")
    assert storage.there() == {}


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("/a.bin", "redirects in circles"),
        ("ftp://127.0.0.1/a.bin", "not HTTP"),
        ("http://169.254.169.254/latest/meta-data", "only this machine"),
        ("http://[fd00:ec2::254]/x", "only this machine"),
        ("http://metadata.google.internal/x", "only this machine"),
    ],
)
async def test_f18_redirects_that_are_not_followed(storage: Storage, to: str, says: str) -> None:
    storage.server.always("a.bin", redirect(to))
    report = await storage.fetch([storage.item("a.bin")])
    assert says in report.failures[0].message
    assert len(storage.server.requests) == (6 if says.endswith("circles") else 1)


async def test_f18_other_redirects_are_and_carry_no_secret(storage: Storage) -> None:
    async with fault_server({"b.bin": CONTENT}) as other:
        storage.server.script("a.bin", cut(1000), redirect(other.url("b.bin")))
        report = await storage.fetch([storage.item("a.bin")])
        assert report.moved == 1
        assert {"authorization", "cookie", "referer"}.isdisjoint(other.requests[0].headers)
        assert other.requests[0].range == "bytes=1000-"
    assert storage.there() == {"a.bin": CONTENT}


@pytest.mark.parametrize("length", ["none", "chunked"])
async def test_p05_no_length_is_no_fault(storage: Storage, length: str) -> None:
    storage.server.always("a.bin", Reply(length=length))
    report = await storage.fetch([storage.item("a.bin")])
    assert report.moved == 1
    assert storage.there() == {"a.bin": CONTENT}


async def test_one_in_five_requests_fails_and_all_arrive(storage: Storage) -> None:
    names = [f"{n}.bin" for n in range(60)]
    for number, name in enumerate(names):
        storage.server.files[name] = CONTENT[number : number + 20_000]
    storage.server.every = (5, cut(9_999))
    report = await storage.fetch([storage.item(name) for name in names])
    assert (report.moved, report.failed) == (60, 0)
    assert storage.there() == {name: storage.server.files[name] for name in names}
