"""The settings of a server."""

from __future__ import annotations

import re
import sys
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import ConfigurationError
from headrace.server.limits.connections import ConnectionLimits
from headrace.settings import AuditPolicy, Settings, UndoPolicy

MIB = 1024 * 1024

_OPERATION = ("max_upload", "keepalive_seconds", "metrics")
_PLACE = re.compile(
    r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(?P<port>[0-9]{1,5})", re.ASCII
)


class ServerSettings(Struct, frozen=True, kw_only=True):
    """Limits and times of a server; sizes in bytes, times in seconds.

    ``max_body`` limits the JSON body of a call, ``max_upload`` one file or part. ``url_ttl`` is the longest validity of
    a signed file URL. ``public_url`` is the start of these URLs where the server is behind a proxy; by default it is the
    host in the request. ``query_seconds`` is the time that a listing by a query may take. ``stop_seconds`` is the time that active requests have to finish when the server stops. ``undo``
    says for how long, and up to which size, removals are recorded so that they can be undone. ``keepalive_seconds`` is how
    long an idle connection stays open. ``metrics`` is where figures for Prometheus are served, as ``PORT`` of this machine
    or ``HOST:PORT``; by default nowhere. ``audit`` says how much of the audit log is kept, ``failed_tokens`` how
    many wrong tokens an address may send in ten minutes before further ones have to wait, ``proxies`` how many proxies
    in front of the server add to ``X-Forwarded-For``, ``max_launches`` how many launched jobs of an organization may run
    and wait at once.

    A server is not ready where its disk has less than ``ready_free_bytes`` of room, or where for more than
    ``ready_seconds`` all readers are busy, a call waits to write, or one of its processes is silent.

    At most ``max_connections`` connections are open at a time, ``max_connections_per_peer`` of one address, and
    ``max_requests`` calls are under way. The head of a request must arrive within ``head_seconds``, its body with
    ``body_rate`` bytes a second, measured over ``body_seconds``. A client that takes nothing of an answer for
    ``unread_seconds`` is disconnected.
    """

    max_body: int = 64 * MIB
    max_upload: int = 5 * 1024 * MIB
    url_ttl: int = 3600
    public_url: str | None = None
    query_seconds: float = 30.0
    stop_seconds: float = 30.0
    keepalive_seconds: float = 75.0
    metrics: str | None = None
    ready_free_bytes: int = 256 * MIB
    ready_seconds: float = 10.0
    max_connections: int = 1000
    max_connections_per_peer: int = 500
    max_requests: int = 500
    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_rate: int = 500
    unread_seconds: float = 300.0
    undo: UndoPolicy = UndoPolicy()
    audit: AuditPolicy = AuditPolicy()
    failed_tokens: int = 10
    proxies: int = 0
    max_launches: int = 20

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the server's part of the settings in effect; what they leave open is the default."""
        names = (
            *("max_body", "url_ttl", "public_url", "query_seconds", "stop_seconds"),
            *("ready_free_bytes", "ready_seconds"),
            *("failed_tokens", "proxies", "max_launches"),
            *("ready_free_bytes", "ready_seconds", "max_connections", "max_connections_per_peer"),
            *("max_requests", "head_seconds", "body_rate", "body_seconds", "unread_seconds"),
        )
        given = {name: getattr(settings, name) for name in (*names, *_OPERATION)}
        return cls(
            undo=settings.undo_policy(),
            audit=settings.audit_policy(),
            **{name: value for name, value in given.items() if value is not None},
        )

    def shared_by(self, processes: int) -> Self:
        """Return the settings of one of several processes that share the limits of connections and calls."""
        shares = ("max_connections", "max_connections_per_peer", "max_requests")
        return replace(self, **{name: -(-getattr(self, name) // processes) for name in shares})

    def connections(self) -> ConnectionLimits:
        """Return the limits of connections; a process never has so many that it could open no file any more."""
        return ConnectionLimits(
            most=min(self.max_connections, _most_files()),
            most_per_peer=self.max_connections_per_peer,
            head_seconds=self.head_seconds,
            body_seconds=self.body_seconds,
            body_rate=self.body_rate,
            unread_seconds=self.unread_seconds,
        )


def _most_files() -> int:
    """Return half of the files that this process may open, so that as many are left for other use."""
    try:
        import resource
    except ImportError:
        return sys.maxsize
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return sys.maxsize if most == resource.RLIM_INFINITY else max(1, most // 2)


def host_and_port(place: str, default_host: str = "127.0.0.1") -> tuple[str, int]:
    """Read ``PORT`` or ``HOST:PORT``; an IPv6 address stands in brackets.

    Args:
        place: The text.
        default_host: The host where only a port is given.

    Raises:
        ConfigurationError: It is neither.
    """
    found = _PLACE.fullmatch(place)
    if found is None or not 0 < int(found["port"]) < 65_536:
        raise ConfigurationError(f"{place!r} is no address", hint="PORT or HOST:PORT")
    return (found["host"] or default_host).strip("[]"), int(found["port"])
