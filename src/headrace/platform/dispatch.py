"""The handler of each operation: ``@handles`` registers it, :data:`HANDLERS` finds it by the operation's name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.protocol.operation import Operation, P, R

Handler = Callable[[Context, Access, P], Awaitable[R]]

HANDLERS: dict[str, Handler[Any, Any]] = {}


def handles(operation: Operation[P, R]) -> Callable[[Handler[P, R]], Handler[P, R]]:
    """Register the decorated function as the handler of an operation.

    Raises :class:`TypeError` if the operation already has a handler.
    """

    def register(handler: Handler[P, R]) -> Handler[P, R]:
        if operation.name in HANDLERS:
            raise TypeError(f"operation {operation.name} already has a handler")
        HANDLERS[operation.name] = handler
        return handler

    return register
