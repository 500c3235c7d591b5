"""Who answers which operation: one dict a room, joined into :data:`HANDLERS` by operation name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from headrace.platform import session as platform_session
from headrace.platform.access import Access
from headrace.protocol.operation import Operation
from headrace.protocol.operations import session

if TYPE_CHECKING:
    from headrace.platform.platform import Platform

Handler = Callable[["Platform", Access, Any], Awaitable[Any]]
Room = dict[Operation[Any, Any], Handler]

_SESSION: Room = {
    session.PING: platform_session.ping,
    session.FIND_ORGANIZATION: platform_session.find_organization,
    session.GET_ORGANIZATION: platform_session.get_organization,
}

_ROOMS: tuple[Room, ...] = (_SESSION,)

HANDLERS: dict[str, Handler] = {
    operation.name: handler for room in _ROOMS for operation, handler in room.items()
}

RESUMED: tuple[Callable[[Platform], Awaitable[None]], ...] = ()
"""What runs in the background once a lake is open: work that an earlier stop or crash cut short."""
