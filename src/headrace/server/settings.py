"""What a server allows."""

from __future__ import annotations

from msgspec import Struct

MIB = 1024 * 1024


class ServerSettings(Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds.

    ``max_body`` bounds the JSON of a call, ``max_upload`` one file or part. ``url_life`` is how long a signed file URL
    is good for at most. ``public_url`` is what those URLs begin with where the server sits behind a proxy; else it is
    the host that the caller named. ``stop_seconds`` is what calls under way get to finish when the server stops.
    """

    max_body: int = 64 * MIB
    max_upload: int = 5 * 1024 * MIB
    url_life: int = 3600
    public_url: str | None = None
    stop_seconds: float = 30.0
    keepalive_seconds: float = 75.0
