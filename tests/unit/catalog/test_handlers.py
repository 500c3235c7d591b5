"""Every operation of the table has somebody who answers it."""

from __future__ import annotations

import inspect

import pytest

from headrace.platform.handlers import HANDLERS
from headrace.protocol.operations import OPERATIONS


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_a_handler_that_takes_its_request(name: str) -> None:
    handler = HANDLERS[name]
    assert inspect.iscoroutinefunction(handler)
    parameters = list(inspect.signature(handler).parameters.values())
    assert [parameter.name for parameter in parameters] == ["platform", "access", "request"]


def test_every_handler_answers_an_operation() -> None:
    assert set(HANDLERS) == set(OPERATIONS)
