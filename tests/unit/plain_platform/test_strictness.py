"""The plain platform refuses what the reference does not name, and knows nothing of headrace."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
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


def _query(route: Route, **more: Any) -> str:
    values = {key: kind.right for key, kind in route.query.items() if kind.needed}
    values.update(more)
    return "?" + urlencode({key: _text(value) for key, value in values.items()})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _wrong_requests(route: Route) -> Iterator[tuple[str, Any]]:
    """Requests that are right but for one key."""
    body = None if route.body is None else route.body.right
    yield _query(route, nonsense="1"), body
    for key, kind in route.query.items():
        if not isinstance(kind.wrong, int) or kind.wrong != 7:  # in a query everything is a text
            yield _query(route, **{key: kind.wrong}), body
    if route.body is None:
        yield _query(route), {"nonsense": 1}
        return
    yield _query(route), route.body.wrong
    yield _query(route), None
    for key, kind in route.body.keys.items():
        yield _query(route), {**route.body.right, key: kind.wrong}
        if kind.needed:
            yield _query(route), {name: body[name] for name in body if name != key}


@pytest.mark.parametrize("route", ROUTES, ids=_name)
async def test_every_endpoint_refuses_a_wrong_request(
    route: Route, platform: PlainPlatform
) -> None:
    path = re.sub(r"\{\w+\}", lambda _: str(uuid4()), route.path)
    body = None if route.body is None else route.body.right
    status, answer = await _call(platform, route.method, path + _query(route), body)
    assert status in (200, 404), answer
    requests = list(_wrong_requests(route))
    assert len(requests) >= 2
    for query, wrong in requests:
        status, answer = await _call(platform, route.method, path + query, wrong)
        assert status in (400, 422), (query, wrong)
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
