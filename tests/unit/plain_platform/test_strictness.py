"""The plain platform refuses what the reference does not name, and knows nothing of headrace."""

from __future__ import annotations

import ast
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pytest

from tests.support import plain_platform as package
from tests.support.plain_platform import PlainPlatform, plain_platform
from tests.support.plain_platform.app import ORGANIZATION_HEADER
from tests.support.plain_platform.modules import ROUTES
from tests.support.plain_platform.routes import Route


@pytest.fixture
async def platform() -> AsyncIterator[PlainPlatform]:
    async with plain_platform() as platform:
        yield platform


async def _call(
    platform: PlainPlatform, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any]:
    known = {
        "Authorization": f"Bearer {platform.token}",
        ORGANIZATION_HEADER: platform.store.organization_id,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            method, platform.address + path, json=body, headers={**known, **headers}
        ) as answer,
    ):
        text = await answer.read()
        return answer.status, await answer.json() if text else None


def _name(route: Route) -> str:
    return f"{route.method} {route.path}"


def _wrong_requests(route: Route) -> Iterator[tuple[str, Any]]:
    """A query with an unknown key, and every body and query of which one value is wrong."""
    yield "?nonsense=1", None if route.body is None else {}
    for key, kind in route.query.items():
        if kind.wrong != 7:  # every query value is a text
            yield f"?{key}={kind.wrong}", None
    if route.body is None:
        yield "", {"nonsense": 1}
        return
    yield "", route.body.wrong
    for key, kind in route.body.keys.items():
        yield "", {key: kind.wrong}


@pytest.mark.parametrize("route", ROUTES, ids=_name)
async def test_every_endpoint_refuses_a_wrong_request(
    route: Route, platform: PlainPlatform
) -> None:
    path = re.sub(r"\{\w+\}", lambda _: str(uuid4()), route.path)
    requests = list(_wrong_requests(route))
    assert len(requests) >= 2
    for query, body in requests:
        status, answer = await _call(platform, route.method, path + query, body)
        assert status == 422, (query, body)
        assert isinstance(answer["message"], str)


@pytest.mark.parametrize("route", ROUTES, ids=_name)
async def test_every_endpoint_needs_a_token_and_the_organization(
    route: Route, platform: PlainPlatform
) -> None:
    path = re.sub(r"\{\w+\}", lambda _: str(uuid4()), route.path)
    assert (await _call(platform, route.method, path, Authorization="Bearer x"))[0] == 401
    other = {ORGANIZATION_HEADER: str(uuid4())}
    assert (await _call(platform, route.method, path, **other))[0] == 403


def test_it_imports_nothing_of_headrace() -> None:
    folder = Path(package.__file__).parent
    modules = sorted(folder.rglob("*.py"))
    assert len(modules) > 5
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            assert not [name for name in names if name.split(".")[0] == "headrace"], module
            assert not [
                name for name in names if name.startswith("tests.") and "plain_platform" not in name
            ], module
