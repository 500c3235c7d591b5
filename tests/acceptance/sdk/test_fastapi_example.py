"""The FastAPI service of the documentation, driven through its ASGI interface without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import headrace
from examples import fastapi_app
from examples.make_sample import draw_dataset

ROOT = Path(__file__).resolve().parents[3]


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[None]:
    """Start the service as an ASGI server does, and stop it."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    state: dict[str, Any] = {}
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    life = asyncio.create_task(app(scope, to_app.get, from_app.put))
    for step in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{step}"})
        assert (await from_app.get())["type"] == f"lifespan.{step}.complete"
        if step == "startup":
            yield
    await life


async def get(app: Any, path: str, **query: str) -> tuple[int, Any]:
    """Send one GET; the status and the JSON of the body."""
    sent: list[dict[str, Any]] = []
    requests: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    requests.put_nowait({"type": "http.request", "body": b"", "more_body": False})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
        "query_string": urlencode(query).encode(), "headers": [(b"host", b"test")],
        "client": ("test", 1), "server": ("test", 80),
    }  # fmt: skip
    await app(scope, requests.get, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], json.loads(body)


async def test_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images, annotations = draw_dataset(tmp_path, count=6)
    await headrace.create_lake(tmp_path / "lake")
    async with headrace.connect(tmp_path / "lake") as client:
        await client.push("shapes/v1", images)
        await (await client.version("shapes/v1")).import_annotations(annotations)
    monkeypatch.setenv("LAKE", str(tmp_path / "lake"))
    app = fastapi_app.app

    async with running(app):
        assert await get(app, "/versions") == (200, ["shapes/v1"])
        status, counted = await get(app, "/versions/shapes/v1")
        assert (status, counted["shapes"]) == (200, sum(counted["labels"].values()))
        status, names = await get(app, "/versions/shapes/v1/assets", limit="2")
        assert (status, names) == (200, ["scene_005.png", "scene_004.png"])
        query = {"q": 'filename = "scene_001.png"'}
        assert await get(app, "/versions/shapes/v1/assets", **query) == (200, ["scene_001.png"])
        status, coco = await get(app, "/versions/shapes/v1/coco.json")
        assert (status, len(coco["images"])) == (200, 6)

        status, error = await get(app, "/versions/shapes/v2")
        assert (status, error["message"]) == (404, "no version 'v2' in shapes")
        assert "v1" in error["hint"]
        status, error = await get(app, "/versions/shapes/v1/assets", q="filename ==")
        assert status == 400
        assert (await get(app, "/versions/shapes/v1/assets", limit="0"))[0] == 422


def test_the_page_shows_the_example() -> None:
    page = (ROOT / "docs" / "how-to" / "embed-in-fastapi.md").read_text(encoding="utf-8")
    assert (ROOT / "examples" / "fastapi_app.py").read_text(encoding="utf-8") in page
