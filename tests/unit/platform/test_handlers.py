"""Every operation of the table has a handler, in a module that the platform loads."""

from __future__ import annotations

import inspect

import pytest

from headrace.platform.dispatch import HANDLERS, handles
from headrace.platform.platform import HANDLER_MODULES
from headrace.protocol.operations import OPERATIONS


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_operation_has_a_handler_that_takes_its_request(name: str) -> None:
    handler = HANDLERS[name]
    assert inspect.iscoroutinefunction(handler)
    parameters = list(inspect.signature(handler).parameters.values())
    assert [parameter.name for parameter in parameters] == ["context", "access", "request"]


def test_every_handler_answers_an_operation() -> None:
    assert set(HANDLERS) == set(OPERATIONS)


def test_every_handler_is_in_a_module_that_the_platform_names() -> None:
    assert {handler.__module__ for handler in HANDLERS.values()} == {
        module.__name__ for module in HANDLER_MODULES
    }


def test_an_operation_has_one_handler() -> None:
    name, handler = next(iter(HANDLERS.items()))
    with pytest.raises(TypeError, match=f"operation {name} already has a handler"):
        handles(OPERATIONS[name])(handler)
    assert HANDLERS[name] is handler
