"""Which proxy the environment wants between this machine and a host (``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY``)."""

from __future__ import annotations

from urllib.request import getproxies, proxy_bypass

from yarl import URL


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
