"""URLs: how they are shown without secrets, when signed ones expire, and which proxy is used."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote_plus
from urllib.request import getproxies, proxy_bypass

from yarl import URL

_PARAMETER = re.compile(
    r"[?&](x-amz-date|x-amz-expires|x-goog-date|x-goog-expires|expires|se|sig)=([^&#]*)",
    re.IGNORECASE,
)


def redact(url: str | URL) -> str:
    """Remove user, password, query and fragment from a URL; the result may be logged and shown."""
    try:
        parsed = URL(url) if isinstance(url, str) else url
        return str(parsed.with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "<unreadable URL>"


def origin(url: str | URL) -> str:
    """Return ``scheme://host:port`` of a URL, without the scheme's default port."""
    parsed = URL(url) if isinstance(url, str) else url
    return str(parsed.origin())


def expires_at(url: str) -> float | None:
    """Return the time when a signed URL expires, in seconds since 1970; None if unknown."""
    if "?" not in url:
        return None
    query = {name.lower(): unquote_plus(value) for name, value in _PARAMETER.findall(url)}
    try:
        for prefix in ("x-amz-", "x-goog-"):
            if f"{prefix}date" in query and f"{prefix}expires" in query:
                return _seconds(query[f"{prefix}date"]) + int(query[f"{prefix}expires"])
        if "expires" in query:
            return float(int(query["expires"]))
        if "se" in query and "sig" in query:
            return datetime.fromisoformat(query["se"]).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    return None


# Most URLs of a listing are signed in the same second.
@lru_cache(maxsize=64)
def _seconds(date: str) -> float:
    return datetime.strptime(date, "%Y%m%dT%H%M%S%z").timestamp()


class Proxies:
    """The proxies of the environment (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``), read once for each origin.

    The URL of a proxy may contain a password, so it is never shown.
    """

    def __init__(self) -> None:
        self._known: dict[str, URL | None] = {}

    def for_origin(self, origin: str) -> URL | None:
        """The proxy for an origin; None if there is none, or it is no HTTP proxy."""
        if origin not in self._known:
            self._known[origin] = _proxy(URL(origin))
        return self._known[origin]


class NoProxies(Proxies):
    """No proxies, whatever the environment says."""

    def for_origin(self, origin: str) -> URL | None:
        """Return None."""
        return None


def _proxy(origin: URL) -> URL | None:
    proxies = getproxies()
    text = proxies.get(origin.scheme) or proxies.get("all")
    if not text or not origin.host or proxy_bypass(f"{origin.host}:{origin.port}"):
        return None
    try:
        proxy = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None
    return proxy if proxy.scheme in ("http", "https") and proxy.host else None
