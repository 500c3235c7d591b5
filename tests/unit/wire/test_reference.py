"""The table of operations beside the plain platform, which is written from the reference of the wire alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from tests.support.plain_platform.modules import ROUTES
from tests.support.plain_platform.routes import Route

NEVER_SENT = {
    "list_annotations": {"cursor"},  # but where the platform has sent one
    "list_extended_assets": {"cursor", "order_by"},
    "list_assets_by_key": {"cursor"},
    "list_data_by_key": {"cursor"},
}


def shape(path: str) -> str:
    """A path without the names of its placeholders."""
    return re.sub(r"\{\w+\}", "{}", path)


KNOWN: dict[tuple[str, str], Route] = {(route.method, shape(route.path)): route for route in ROUTES}


def route_of(operation: Operation[Any, Any]) -> Route | None:
    return KNOWN.get((operation.method, shape(operation.path)))


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if op.extension])
def test_what_only_headrace_has_is_marked(name: str) -> None:
    assert route_of(OPERATIONS[name]) is None
    assert OPERATIONS[name].instead


@pytest.mark.parametrize("name", [name for name, op in OPERATIONS.items() if not op.extension])
def test_a_call_holds_what_the_wire_says(name: str) -> None:
    operation = OPERATIONS[name]
    route = route_of(operation)
    assert route is not None
    apart = set(operation.extension_fields)
    unsent = NEVER_SENT.get(name, set())
    assert set(operation.query_fields) - apart - unsent <= route.query.keys()
    if route.body is None:
        assert set(operation.body_fields) <= apart
    elif operation.bare_body is None:
        assert set(operation.body_fields) - apart - unsent <= route.body.keys.keys()
        needed = {key for key, kind in route.body.keys.items() if kind.needed}
        assert needed <= set(operation.body_fields)
    wanted = {key for key, kind in route.query.items() if kind.needed}
    assert wanted <= set(operation.query_fields)
