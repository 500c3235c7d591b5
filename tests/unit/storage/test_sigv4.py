"""Signatures against the examples of AWS, and pages of URLs against signing one by one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.storage.objects.s3.sigv4 import Signer, SigningKey, query_text, quoted
from tests.support.tiers import scaled

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
KEY = SigningKey("AKIAIOSFODNN7EXAMPLE", SECRET)
MAY_24_2013 = 1369353600
EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.fixture
def signer() -> Signer:
    return Signer(KEY, "us-east-1", clock=lambda: MAY_24_2013)


def test_a_url_as_aws_signs_it(signer: Signer) -> None:
    url = signer.url("GET", "https://examplebucket.s3.amazonaws.com", "/test.txt", 86400)
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )


def test_headers_as_aws_signs_them(signer: Signer) -> None:
    headers = signer.headers(
        "GET", "examplebucket.s3.amazonaws.com", "/test.txt", {}, {"Range": "bytes=0-9"}, EMPTY
    )
    assert headers["Authorization"].endswith(
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    )
    listing = signer.headers(
        "GET",
        "examplebucket.s3.amazonaws.com",
        "/",
        {"max-keys": "2", "prefix": "J"},
        {},
        EMPTY,
    )
    assert listing["Authorization"].endswith(
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def plainly(url: str, method: str, headers: dict[str, str]) -> str:
    """The signature of a URL, computed step by step as AWS describes it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    query.pop("X-Amz-Signature")
    signed = {"host": parts.netloc, **headers}
    canonical = "\n".join(
        (
            method,
            quoted(unquote(parts.path)),
            query_text(query),
            "".join(f"{name}:{signed[name]}\n" for name in sorted(signed)),
            ";".join(sorted(signed)),
            "UNSIGNED-PAYLOAD",
        )
    )
    day, region, service, end = query["X-Amz-Credential"].split("/")[1:]
    key = f"AWS4{SECRET}".encode()
    for each in (day, region, service, end):
        key = hmac.new(key, each.encode(), "sha256").digest()
    text = "\n".join(
        (
            "AWS4-HMAC-SHA256",
            query["X-Amz-Date"],
            f"{day}/{region}/{service}/{end}",
            hashlib.sha256(canonical.encode()).hexdigest(),
        )
    )
    return hmac.new(key, text.encode(), "sha256").hexdigest()


@given(
    names=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)),
    method=st.sampled_from(["GET", "PUT"]),
    token=st.sampled_from(["", "to+ken/=="]),
    now=st.integers(1_000_000_000, 2_000_000_000),
    life=st.integers(1, 600_000),
)
@settings(max_examples=scaled(200), deadline=None)
def test_a_page_signs_each_url_as_one_by_one(
    names: list[str], method: str, token: str, now: int, life: int
) -> None:
    signer = Signer(SigningKey(KEY.id, SECRET, token), "eu-west-3", clock=lambda: now)
    headers = {"if-none-match": "*"} if method == "PUT" else {}
    page = signer.page(method, "http://host:9000", life, headers=headers)
    for name in names:
        url = page(f"/bucket/{name}")
        assert unquote(urlsplit(url).path) == f"/bucket/{name}"
        assert url.rpartition("X-Amz-Signature=")[2] == plainly(url, method, headers)


def test_urls_stay_the_same_for_half_their_life_and_are_valid_for_the_other_half() -> None:
    now = [float(MAY_24_2013)]
    signer = Signer(KEY, "us-east-1", clock=lambda: now[0])
    urls = []
    for minutes in (0, 29, 31):
        now[0] = MAY_24_2013 + minutes * 60
        urls.append(signer.url("GET", "http://h", "/b/x", 3600))
    assert urls[0] == urls[1] != urls[2]


def test_a_form_is_for_one_key_and_so_many_bytes(signer: Signer) -> None:
    fields = signer.form("bucket", "prefix/x.png", 3600, most=1000)
    policy = json.loads(base64.b64decode(fields["policy"]))
    assert policy["expiration"] == "2013-05-24T01:00:00Z"
    assert {"key": "prefix/x.png"} in policy["conditions"]
    assert ["content-length-range", 0, 1000] in policy["conditions"]
    # All fields but the policy and its signature are in it, or S3 refuses the form.
    named = {name for each in policy["conditions"] if isinstance(each, dict) for name in each}
    assert set(fields) - {"policy", "x-amz-signature"} == named - {"bucket"}


def test_a_key_does_not_show_its_secret(signer: Signer) -> None:
    assert SECRET not in f"{KEY!r} {KEY} {signer!r}"
