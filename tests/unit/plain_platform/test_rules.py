"""What the plain platform refuses beyond unknown keys and wrong types, and its own pages, URLs and queries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.plain_platform import PlainPlatform, plain_platform, queries
from tests.support.plain_platform.app import ORGANIZATION_HEADER
from tests.support.plain_platform.modules import FILE_ROUTES
from tests.support.plain_platform.routes import FileRoute, RefusedError
from tests.support.plain_platform.signing import sign

PICTURE = b"no picture, but bytes"


@pytest.fixture
async def platform() -> AsyncIterator[PlainPlatform]:
    async with plain_platform() as platform:
        yield platform


class Caller:
    """Calls the platform, and returns the status and what the answer holds."""

    def __init__(self, platform: PlainPlatform, session: aiohttp.ClientSession) -> None:
        self.platform = platform
        self.session = session
        self.headers = {
            "Authorization": f"Bearer {platform.token}",
            ORGANIZATION_HEADER: platform.store.organization_id,
        }

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.session.request(
            method, self.platform.address + path, json=body, headers=self.headers
        ) as answer:
            return answer.status, await answer.json() if await answer.read() else None

    async def raw(self, method: str, url: str, **more: Any) -> int:
        async with self.session.request(method, url, **more) as answer:
            return answer.status


@pytest.fixture
async def call(platform: PlainPlatform) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as session:
        yield Caller(platform, session)


def _named(route: FileRoute) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", FILE_ROUTES, ids=_named)
async def test_every_file_endpoint_refuses_what_is_not_signed(
    route: FileRoute, platform: PlainPlatform, call: Caller
) -> None:
    url = platform.address + route.path
    use = route.path.rpartition("/")[2]
    past = sign(platform.store, -1, use, object_name="x", content_type="a/b", upload="u", part=1)
    other = sign(platform.store, 60, "something", object_name="x")
    for signed in ("", "x", past, other, f"{past}0"):
        if use == "form":
            form = aiohttp.FormData()
            for name, value in (("key", "x"), ("policy", signed), ("Content-Type", "a/b")):
                form.add_field(name, value)
            form.add_field("file", PICTURE, filename="x")
            status = await call.raw("POST", url, data=form)
        else:
            status = await call.raw(route.method, f"{url}?Expires=1&signed={signed}", data=PICTURE)
        assert status == 403, signed
    assert await call.raw(route.method, url, headers={"Authorization": "Bearer x"}) == 400
    assert platform.store.files == {}


@pytest.mark.parametrize(
    ("use", "headers"),
    [
        ("blob", {"Content-Type": "a/b", "x-ms-version": "1"}),
        ("blob", {"Content-Type": "a/b", "x-ms-blob-type": "BlockBlob"}),
        ("blob", {"Content-Type": "c/d", "x-ms-version": "1", "x-ms-blob-type": "BlockBlob"}),
        ("resumable", {}),
        ("resumable", {"Content-Range": "bytes 0-3/9"}),
        ("resumable", {"Content-Range": "bytes 4-24/25"}),
    ],
)
async def test_uploads_need_their_headers(
    platform: PlainPlatform, call: Caller, use: str, headers: dict[str, str]
) -> None:
    platform.store.parts["u"] = {}
    signed = sign(platform.store, 60, use, object_name="x", content_type="a/b", upload="u")
    url = f"{platform.address}/storage/{use}?Expires=1&signed={signed}"
    assert await call.raw("PUT", url, data=PICTURE, headers=headers) in (400, 403)
    assert platform.store.files == {}


async def test_data_needs_a_file_and_an_asset_needs_data_that_are_done(
    platform: PlainPlatform, call: Caller
) -> None:
    store = platform.store
    registration = {
        "type": "IMAGE",
        "filename": "a.png",
        "object_name": "x",
        "content_type": "image/png",
        "tags": [],
        "data_source_id": None,
        "meta": {"width": 1, "height": 1},
    }
    datas = f"/api/datalake/{store.datalake_id}/datas"
    assert (await call("POST", datas, registration))[0] == 400
    store.files["x"] = PICTURE
    platform.switches.pending_polls = 1
    status, data = await call("POST", datas, registration)
    assert (status, data["upload_status"], "meta" in data) == (200, "PENDING", False)
    version = store.add_version("d", "v", [])
    body = {"data_ids": [data["id"]], "asset_tag_ids": []}
    assets = f"/api/dataset/version/{version.id}/assets"
    assert (await call("POST", assets, body))[0] == 400
    for seen in ("PENDING", "DONE"):
        assert (await call("GET", f"/api/data/{data['id']}"))[1]["upload_status"] == seen
    assert (await call("POST", datas, registration))[1]["id"] == data["id"]
    assert (await call("POST", datas, {**registration, "filename": "b.png"}))[0] == 208
    assert (await call("POST", assets, body))[1]["job"]["status"] == "SUCCESS"
    assert (await call("POST", assets, body))[0] == 200
    assert len(store.assets) == 1
    version.locked = True
    for method, path, sent in (
        ("POST", assets, body),
        ("DELETE", assets, {"ids": []}),
        ("DELETE", f"/api/data/{data['id']}", None),
        ("PATCH", f"/api/dataset/version/{version.id}", {"description": "x"}),
    ):
        assert (await call(method, path, sent))[0] == 423, path


async def test_pages_and_cursors(platform: PlainPlatform, call: Caller) -> None:
    version = platform.store.add_version("d", "v", [(f"{n}.png", b"") for n in range(20)])
    assets = f"/api/dataset/version/{version.id}/assets"
    platform.switches.page_cap = 7
    seen: list[str] = []
    cursor = None
    while True:
        more = "" if cursor is None else f"&cursor={cursor}"
        status, page = await call("GET", f"{assets}?limit=1000{more}")
        assert (status, page["count"]) == (200, 20)
        seen += [item["data"]["filename"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [f"{n}.png" for n in reversed(range(20))]
    first = (await call("GET", f"{assets}?limit=5"))[1]["next_cursor"]
    for wrong in (
        f"cursor={first}&types=IMAGE",
        f"cursor={first}&offset=0",
        f"cursor={first}&order_by=filename",
        "cursor=x",
        "order_by=nonsense",
        "limit=1001",
        "limit=0",
        "offset=-1",
        "limit=5&limit=6",
    ):
        assert (await call("GET", f"{assets}?{wrong}"))[0] in (400, 422), wrong
    status, named = await call("XGET", assets, {"filename_startswith": ["1"]})
    assert (status, len(named["items"])) == (200, 11)
    for body in ({}, {"ids": []}, {"filenames": ["a"], "object_names": ["b"]}):
        assert (await call("XGET", assets, body))[0] == 422, body
    too_many = {"filenames": [str(number) for number in range(1001)]}
    assert (await call("XGET", assets, too_many))[0] == 422


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('tags.name = "a" and tags.name = "b"', True),
        ('tags.name in ("x","b")', True),
        ('tags.name = "x" or tags.name = "a" and filename = "f.png"', True),
        ('(tags.name = "x" or tags.name = "a") and filename = "g"', False),
        ("filename endswith '.png' and filename ~ \"F\"", True),
        ('filename not startswith "f"', False),
        ('tags.name != "a"', False),
        (r'filename = "f\.png"', True),
    ],
)
def test_queries(text: str, expected: bool) -> None:
    fields = {"tags.name": lambda _: ["a", "b"], "filename": lambda _: ["f.png"]}
    assert queries.read_query(text, fields)(None) is expected


@pytest.mark.parametrize(
    "text",
    ["", "tags", 'other = "a"', "filename =", 'filename is "a"', 'filename = "a" filename', "("],
)
def test_queries_that_cannot_be_read(text: str) -> None:
    with pytest.raises(RefusedError):
        queries.read_query(text, {"filename": lambda _: ["f"]})


async def test_a_url_ends(platform: PlainPlatform, call: Caller) -> None:
    platform.store.add_version("d", "v", [("a.png", PICTURE)])
    (data,) = platform.store.datas
    platform.switches.url_seconds = 0.05
    _, answer = await call("GET", f"/api/data/{data}/presigned-url")
    assert await call.raw("GET", answer["presigned_url"]) == 200
    await asyncio.sleep(0.06)
    assert await call.raw("GET", answer["presigned_url"]) == 403
