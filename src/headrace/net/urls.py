"""URLs: what may be shown of one, the proxy on the way to it, and when a signed one expires."""

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
    """A URL without user, password, query and fragment; safe in logs, errors and reprs."""
    try:
        parsed = URL(url) if isinstance(url, str) else url
        return str(parsed.with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "<unreadable URL>"


def origin(url: str | URL) -> str:
    """``scheme://host:port`` of a URL, the port only where it is not the scheme's own."""
    parsed = URL(url) if isinstance(url, str) else url
    return str(parsed.origin())


def expires_at(url: str) -> float | None:
    """Seconds since 1970 at which a URL ends; None where it does not say, or says it in no known way."""
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


# Most URLs of a listing were signed in the same second.
@lru_cache(maxsize=64)
def _seconds(date: str) -> float:
    return datetime.strptime(date, "%Y%m%dT%H%M%S%z").timestamp()


class Proxies:
    """Asked once for each origin. A proxy's address may hold a password: it is for connecting, not for showing."""

    def __init__(self) -> None:
        self._known: dict[str, URL | None] = {}

    def between(self, origin: str) -> URL | None:
        """The proxy on the way to an origin; None where there is none, or none that speaks HTTP."""
        if origin not in self._known:
            self._known[origin] = _proxy(URL(origin))
        return self._known[origin]


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
