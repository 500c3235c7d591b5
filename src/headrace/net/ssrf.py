"""Protection against server-side request forgery: which URLs may be requested.

A server on the internet could return a URL of the local network, of this machine or of a cloud's metadata service, and so
use this machine to reach hosts that it cannot reach itself. Hence a URL may not be closer to this machine than the server
that named it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from msgspec import Struct
from yarl import URL

from headrace.errors import TransferError
from headrace.net.urls import origin

_METADATA_NAMES = frozenset({"metadata.google.internal", "metadata"})
_METADATA_ADDRESSES = frozenset({"fd00:ec2::254", "100.100.100.200"})
_MACHINE = 2
_METADATA = 3


class UrlPolicy(Struct, frozen=True):
    """Which URLs are allowed: up to the zone ``nearest`` (see :func:`zone_of`); with ``encrypted`` only https."""

    nearest: int
    encrypted: bool

    def check(self, url: URL) -> None:
        """Raise TransferError for a URL that is not allowed."""
        if zone_of(url) > self.nearest:
            raise TransferError(
                f"the server names {origin(url)} as the storage, which only this machine or its network"
                " can reach",
                hint="if that is right, set HEADRACE_TRUST_STORAGE=1",
            )
        if self.encrypted and url.scheme != "https":
            raise TransferError(
                f"the server names {origin(url)} as the storage, which is not encrypted",
                hint="if that is right, set HEADRACE_TRUST_STORAGE=1",
            )


ANYWHERE = UrlPolicy(_MACHINE, encrypted=False)
"""Any URL but those of a cloud's metadata service."""


def policy_for(api: str, *, trusted: bool) -> UrlPolicy:
    """The policy for the URLs that the API at the address ``api`` returns; with ``trusted``, any URL."""
    url = URL(api)
    return ANYWHERE if trusted else UrlPolicy(min(zone_of(url), _MACHINE), url.scheme == "https")


def next_url(at: URL, headers: Mapping[str, str]) -> URL:
    """Return the target of a redirect. Raises TransferError if it may not be followed."""
    try:
        target = at.join(URL(headers["Location"], encoded=True)).with_user(None)
        where = origin(target)
    except (KeyError, ValueError):
        raise TransferError(f"{origin(at)} redirects to nowhere") from None
    if at.scheme == "https" and target.scheme != "https":
        raise TransferError(f"{origin(at)} redirects to {where}, which is not encrypted")
    if target.scheme not in ("http", "https"):
        raise TransferError(f"{origin(at)} redirects to something that is not HTTP")
    if zone_of(target) > zone_of(at):
        raise TransferError(
            f"{origin(at)} redirects to {where}, which only this machine or its network can reach"
        )
    return target


def zone_of(url: URL) -> int:
    """Return the zone of a URL: 0 the internet, 1 a private network, 2 this machine, 3 a cloud's metadata service."""
    host = (url.host or "").rstrip(".").lower()
    if host in _METADATA_NAMES:
        return _METADATA
    if host == "localhost" or host.endswith(".localhost"):
        return _MACHINE
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return 0
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_link_local or str(address) in _METADATA_ADDRESSES:
        return _METADATA
    if address.is_loopback or address.is_unspecified:
        return _MACHINE
    return 1 if address.is_private else 0


def is_loopback(url: URL) -> bool:
    """Whether a URL names this machine."""
    return zone_of(url) == _MACHINE
