"""The settings of a server."""

from __future__ import annotations

from typing import Self

from msgspec import Struct

from headrace.settings import Settings, UndoPolicy

MIB = 1024 * 1024


class ServerSettings(Struct, frozen=True, kw_only=True):
    """Limits and times of a server; sizes in bytes, times in seconds.

    ``max_body`` limits the JSON body of a call, ``max_upload`` one file or part. ``url_ttl`` is the longest validity of
    a signed file URL. ``public_url`` is the start of these URLs where the server is behind a proxy; by default it is the
    host in the request. ``query_seconds`` is the time that a listing by a query may take. ``stop_seconds`` is the time that active requests have to finish when the server stops. ``undo``
    says for how long, and up to which size, removals are recorded so that they can be undone.
    """

    max_body: int = 64 * MIB
    max_upload: int = 5 * 1024 * MIB
    url_ttl: int = 3600
    public_url: str | None = None
    query_seconds: float = 30.0
    stop_seconds: float = 30.0
    keepalive_seconds: float = 75.0
    undo: UndoPolicy = UndoPolicy()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the server's part of the settings in effect; what they leave open is the default."""
        names = ("max_body", "url_ttl", "public_url", "query_seconds", "stop_seconds")
        given = {name: getattr(settings, name) for name in names}
        return cls(
            undo=settings.undo_policy(),
            **{name: value for name, value in given.items() if value is not None},
        )
