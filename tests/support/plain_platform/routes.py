"""An endpoint, a call of it, and the answers it may give."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from aiohttp import web

from tests.support.plain_platform.kinds import Kind

if TYPE_CHECKING:
    from tests.support.plain_platform.records import User
    from tests.support.plain_platform.store import Store
    from tests.support.plain_platform.switches import Switches

T = TypeVar("T")


class RefusedError(Exception):
    """Answered with a status of 400 or more and the JSON object of reference 1.5."""

    def __init__(self, status: int, message: str, detail: str | list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail


def missing(what: str) -> RefusedError:
    return RefusedError(404, f"There is no such {what}.")


def taken(what: str) -> RefusedError:
    return RefusedError(409, f"This {what} is taken.")


@dataclass(frozen=True)
class Answer:
    """A success of another status than 200; without a body it has none at all."""

    status: int
    body: Any = None


@dataclass
class Call:
    """A request that was checked."""

    store: Store
    switches: Switches
    user: User
    address: str
    path: dict[str, str]
    query: dict[str, Any]
    body: Any

    def at(self, table: Mapping[str, T], key: str) -> T:
        """The object that the path names, such as ``call.at(store.datasets, "ds")``; 404 where there is none."""
        found = table.get(self.path[key])
        if found is None:
            raise missing(key)
        return found

    def key(self, key: str, default: Any = None) -> Any:
        """A value of the body."""
        return self.body.get(key, default)


@dataclass(frozen=True)
class Route:
    """An endpoint: what it takes, and what it does.

    The handler returns what the JSON of the answer is, an `Answer`, or None for 204 without a body.
    """

    method: str
    path: str
    handler: Callable[[Call], Any]
    query: Mapping[str, Kind] = field(default_factory=dict)
    body: Kind | None = None
    """None: the request has no body (an empty object is allowed)."""
    session: bool = True
    """The organization header is needed; not before the client knows its organization."""


@dataclass(frozen=True)
class FileRoute:
    """Where presigned URLs lead: no JSON and no token."""

    method: str
    path: str
    handler: Callable[[Store, Switches, web.Request], Awaitable[web.StreamResponse]]
