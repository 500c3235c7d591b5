"""What headers and URLs say: checksums, and the end of a signed URL."""

from __future__ import annotations

import base64
import hashlib

import pytest
from multidict import CIMultiDict

from headrace.errors import APIError, ChecksumError, ConnectError, NotFoundError, RateLimitError
from headrace.net.checksums import header_digests
from headrace.net.retry import RetryBudget, RetryPolicy, retry_after
from headrace.net.urls import expires_at

MD5 = hashlib.md5(b"x").digest()
SHA = hashlib.sha256(b"x").digest()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"ETag": f'"{MD5.hex().upper()}"'}, {"md5": MD5.hex()}),
        ({"ETag": f'W/"{MD5.hex()}"'}, {}),
        ({"ETag": f'"{MD5.hex()}-3"'}, {}),
        ({"ETag": f'"{MD5.hex()}"', "x-amz-server-side-encryption": "aws:kms"}, {}),
        ({"x-goog-hash": f"crc32c=AAAAAA==,md5={b64(MD5)}"}, {"md5": MD5.hex()}),
        ({"Content-MD5": b64(MD5)}, {"md5": MD5.hex()}),
        ({"x-amz-checksum-sha256": b64(SHA)}, {"sha256": SHA.hex()}),
        ({"x-amz-checksum-sha256": b64(SHA) + "-2"}, {}),
        ({"Repr-Digest": f"sha-256=:{b64(SHA)}:"}, {"sha256": SHA.hex()}),
        ({"x-amz-checksum-crc32": "not base64"}, {}),
    ],
)
def test_checksums(headers: dict[str, str], found: dict[str, str]) -> None:
    assert header_digests(CIMultiDict(headers), whole=True) == found


def test_a_part_has_a_checksum_of_its_own() -> None:
    assert header_digests(CIMultiDict({"Content-MD5": b64(MD5)}), whole=False) == {}


@pytest.mark.parametrize(
    ("query", "ends"),
    [
        ("Expires=1700000000&Signature=x", 1.7e9),
        ("expires=1700000000&signature=x", 1.7e9),
        ("X-Amz-Date=20231114T221320Z&X-Amz-Expires=60", 1.7e9 + 60),
        ("X-Goog-Date=20231114T221320Z&X-Goog-Expires=60", 1.7e9 + 60),
        ("se=2023-11-14T22:13:20Z&sig=x", 1.7e9),
        ("expires=soon", None),
        ("X-Amz-Date=never&X-Amz-Expires=60", None),
        ("", None),
    ],
)
def test_the_end_of_a_url(query: str, ends: float | None) -> None:
    assert expires_at(f"https://storage/a?{query}") == ends


def test_f13_the_rate_limit_header() -> None:
    assert retry_after({"RateLimit": '"api";r=0;t=7'}) == 7
    assert retry_after({"RateLimit": "limit=1, remaining=0, reset=3"}) == 3
    assert retry_after({"RateLimit": '"api";r=0;t=-7'}) is None


def test_progress_makes_patience_whole() -> None:
    now = 0.0
    budget = RetryBudget(RetryPolicy(attempts=3, base=0.1, budget=100.0), clock=lambda: now)
    for _ in range(5):
        assert budget.next_wait(ConnectError("cut")) is not None
        assert budget.next_wait(ConnectError("cut")) is not None
        budget.reset()
    assert [budget.next_wait(ConnectError("cut")) is None for _ in range(3)] == [False, False, True]
    budget.reset()
    for _ in range(50):
        assert budget.next_wait(APIError("later", status=503)) is not None
    now = 101.0
    assert budget.next_wait(APIError("later", status=503)) is None


@pytest.mark.parametrize(
    "error", [NotFoundError("no"), ChecksumError("wrong"), APIError("", status=501)]
)
def test_what_stays_is_not_tried_again(error: APIError | ChecksumError) -> None:
    assert RetryBudget().next_wait(error) is None


def test_a_wish_is_a_floor() -> None:
    wait = RetryBudget().next_wait(RateLimitError("later", retry_after=9.0))
    assert wait is not None
    assert wait >= 9.0
