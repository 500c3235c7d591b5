"""The handler of each operation: ``@handles`` registers it, :data:`HANDLERS` finds it by the operation's name.

A handler runs in the transaction that stores its answer under an idempotency key. What must come after the commit, such
as starting the job that the handler has recorded, is a second step, registered with ``@then``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from headrace.errors import PermissionDeniedError
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.protocol.operation import Operation, P, R

Handler = Callable[[Context, Access, P], Awaitable[R]]

HANDLERS: dict[str, Handler[Any, Any]] = {}

NextStep = Callable[[Context, Access, R], Awaitable[R]]

NEXT_STEPS: dict[str, NextStep[Any]] = {}
"""Second steps of operations. They get the handler's answer, or the stored one of an earlier call."""


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


def then(operation: Operation[P, R]) -> Callable[[NextStep[R]], NextStep[R]]:
    """Register the decorated function as the second step of an operation; a repeated call runs it again."""

    def register(step: NextStep[R]) -> NextStep[R]:
        NEXT_STEPS[operation.name] = step
        return step

    return register


def check_allowed(access: Access, operation: Operation[P, R]) -> None:
    """Raise PermissionDeniedError where a read-only caller would change something."""
    if access.read_only and not operation.safe:
        raise PermissionDeniedError(
            f"the token is read-only, and {operation.name} changes something",
            hint="use another token: headrace token create",
        )
