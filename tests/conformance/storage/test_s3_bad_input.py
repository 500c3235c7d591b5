"""Wrong addresses, keys and rights, and servers that lack something: one typed error each, and nothing half-made."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from headrace.errors import (
    ConfigurationError,
    ConnectError,
    HeadraceError,
    MissingExtraError,
    StorageError,
)
from headrace.storage.objects.s3.location import find_key, parse_location
from headrace.storage.objects.s3.store import S3Objects
from headrace.testing.objects_conformance import stream
from tests.support.s3_proxy import Rule, S3Proxy, s3_proxy
from tests.support.s3_server import BUCKET, READER, fresh_prefix, s3_server
from tests.support.tiers import slow

SECRET = "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("/srv/objects", "no URL of S3"),
        ("https://bucket/x", "no URL of S3"),
        (f"s3://AKIA:{SECRET}@bucket/x", "holds a key"),
        ("s3:///x", "bucket"),
        ("s3://Not_A_Bucket/x", "bucket"),
        ("s3://bucket/x?endpont=http://h", "unknown option"),
        (f"s3://bucket/x?secret_access_key={SECRET}", "unknown option"),
        ("s3://bucket/x?endpoint=h:9000", "endpoint"),
        (f"s3://bucket/x?endpoint=http://AKIA:{SECRET}@h:9000", "endpoint"),
        ("s3://bucket/x?endpoint=http://h:9000/path", "has a path"),
        ("s3://bucket/x?region=a b", "region"),
        ("s3://bucket/x?addressing=both", "addressing"),
    ],
)
async def test_a_wrong_url_is_named_and_its_secret_is_not(url: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as raised:
        await S3Objects.open(url, environment={"HOME": "/nowhere"})
    assert SECRET not in str(raised.value)


async def test_a_prefix_that_leaves_the_folder_is_refused() -> None:
    with pytest.raises(HeadraceError):
        parse_location("s3://bucket/a/../b", {})


async def test_without_a_key_the_error_says_where_keys_come_from(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="AWS_ACCESS_KEY_ID"):
        await S3Objects.open("s3://bucket/x", environment={"HOME": str(tmp_path)})


async def test_keys_and_addresses_come_from_the_files_of_aws(tmp_path: Path) -> None:
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        f"[default]\naws_access_key_id = A\naws_secret_access_key = {SECRET}\n"
        f"[other]\naws_access_key_id = B\naws_secret_access_key = {SECRET}\naws_session_token = t\n"
    )
    (folder / "config").write_text(
        "[default]\nregion = eu-west-3\n[profile other]\nendpoint_url = http://h:9000\n"
    )
    plain, other = {"HOME": str(tmp_path)}, {"HOME": str(tmp_path), "AWS_PROFILE": "other"}
    here = parse_location("s3://bucket/x", plain)
    assert (here.region, here.base(here.endpoint)) == (
        "eu-west-3",
        "https://bucket.s3.eu-west-3.amazonaws.com",
    )
    there = parse_location("s3://bucket/x", other)
    assert (there.endpoint, there.path("x/y")) == ("http://h:9000", "/bucket/x/y")
    assert [(key.id, key.token) for key in (find_key(here, plain), find_key(there, other))] == [
        ("A", ""),
        ("B", "t"),
    ]
    assert SECRET not in repr(find_key(here, plain))
    set_apart = {**plain, "AWS_ACCESS_KEY_ID": "C", "AWS_SECRET_ACCESS_KEY": "s"}
    assert find_key(here, set_apart).id == "C"


def test_the_usual_port_is_left_out_as_clients_leave_it_out() -> None:
    found = parse_location("s3://bucket/x?endpoint=http://Host:80&public=https://files:443", {})
    assert (found.endpoint, found.public) == ("http://host", "https://files")


async def test_a_bucket_that_does_not_exist_is_named() -> None:
    with fresh_prefix() as url, pytest.raises(ConfigurationError, match="nobucket"):
        await S3Objects.open(url.replace(BUCKET, "nobucket"))


async def test_a_wrong_secret_is_said_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with fresh_prefix() as url:
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
        with pytest.raises(ConfigurationError, match="does not accept the key") as raised:
            await S3Objects.open(url)
    assert SECRET not in f"{raised.value!r} {raised.value.__cause__!r} {caplog.text}"


async def test_who_may_only_read_reads_and_is_told_what_else_is_needed() -> None:
    with fresh_prefix() as url:
        owner = await S3Objects.open(url)
        await owner.put("a/b", stream(b"x"))
        await owner.aclose()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ACCESS_KEY_ID", READER)
            store = await S3Objects.open(url)
        try:
            assert await store.head("a/b") is not None
            with pytest.raises(StorageError, match="no right to store"):
                await store.put("a/c", stream(b"x"))
            with pytest.raises(StorageError, match="no right to begin an upload"):
                await store.begin_parts("a/c")
            with pytest.raises(StorageError, match="no right to delete"):
                await store.delete(["a/b"])
            with pytest.raises(ConfigurationError, match="no right to"):
                await store.probe()
        finally:
            await store.aclose()


async def test_a_server_that_is_away_is_named() -> None:
    with fresh_prefix() as url:
        away = url.replace(s3_server().endpoint, "http://127.0.0.1:9")
        with pytest.raises(ConnectError, match=r"127\.0\.0\.1:9 cannot be reached"):
            await S3Objects.open(away)


async def test_a_missing_package_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with fresh_prefix() as url, pytest.raises(MissingExtraError, match=r"headrace\[s3\]"):
        await S3Objects.open(url)


@pytest.fixture
async def proxy() -> AsyncIterator[S3Proxy]:
    async with s3_proxy(s3_server()) as found:
        yield found


def is_form(request: web.Request) -> bool:
    return request.content_type == "multipart/form-data"


def is_copy(request: web.Request) -> bool:
    return "x-amz-copy-source" in request.headers


LACKING: dict[str, tuple[str, str, Rule]] = {
    "parts": ("lacks", "begin an upload", lambda request: "uploads" in request.query),
    "forms": ("lacks", "take uploads by forms", is_form),
    "copies": ("lacks", "copy an object", is_copy),
    "ranges": ("lacks", "read an object", lambda request: "Range" in request.headers),
    "deleting": ("lacks", "delete objects", lambda request: "delete" in request.query),
    "signed URLs": ("lacks", "send objects by signed URLs", lambda request: "X-Amz-Signature" in request.query),
    "create-only PUT": (
        "replaces",
        r"replace an object \(PUT",
        lambda request: request.headers.get("If-None-Match") == "*" and "X-Amz-Signature" not in request.query and not is_copy(request),
    ),
    "create-only signed PUT": (
        "replaces",
        r"replace an object \(signed PUT",
        lambda request: request.method == "PUT" and "X-Amz-Signature" in request.query,
    ),
    "create-only copy": ("replaces", r"replace an object \(copy", is_copy),
}  # fmt: skip


@pytest.mark.parametrize(
    "lacking", ["create-only PUT", *(slow(each) for each in LACKING if each != "create-only PUT")]
)
async def test_a_server_that_lacks_a_step_is_refused_and_left_as_it_was(
    proxy: S3Proxy, lacking: str
) -> None:
    how, says, rule = LACKING[lacking]
    with fresh_prefix() as url:
        store = await S3Objects.open(url.replace(s3_server().endpoint, proxy.address))
        clean = await S3Objects.open(url)
        try:
            await store.probe()
            setattr(proxy, how, rule)
            with pytest.raises(ConfigurationError, match=says) as raised:
                await store.probe()
            assert "such as" in str(raised.value.hint)
            if lacking != "deleting":
                assert [each async for each in clean.listed()] == []
            assert (await clean.unfinished(1 << 50)).count == 0
        finally:
            await store.aclose()
            await clean.aclose()
