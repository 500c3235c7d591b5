"""Where signed URLs and redirects may lead: never nearer to this machine than whoever named them.

A server on the open net that hands out an address of the local network, of this machine, or of a cloud's metadata
would have this machine ask where it could not ask itself (server-side request forgery).
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
    """``nearest`` is how near a URL may lead (see :func:`zone_of`); ``encrypted`` that it must be https."""

    nearest: int
    encrypted: bool

    def check(self, url: URL) -> None:
        """Raises TransferError for a URL that leads where it may not."""
        if zone_of(url) > self.nearest:
            raise TransferError(
                f"the files are said to be at {origin(url)}, which only this machine or its network"
                " can reach",
                hint="if that is right, set HEADRACE_TRUST_STORAGE=1",
            )
        if self.encrypted and url.scheme != "https":
            raise TransferError(
                f"the files are said to be at {origin(url)}, which is not encrypted",
                hint="if that is right, set HEADRACE_TRUST_STORAGE=1",
            )


ANYWHERE = UrlPolicy(_MACHINE, encrypted=False)
"""Everywhere but to a cloud's metadata."""


def policy_for(api: str, *, trusted: bool) -> UrlPolicy:
    """Where files may be that the API at this address names; with ``trusted`` anywhere."""
    url = URL(api)
    return ANYWHERE if trusted else UrlPolicy(min(zone_of(url), _MACHINE), url.scheme == "https")


def next_url(at: URL, headers: Mapping[str, str]) -> URL:
    """Where a redirect leads; TransferError where it is not to be followed."""
    try:
        target = at.join(URL(headers["Location"], encoded=True))
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
    """0 the open net, 1 a private network, 2 this machine, 3 what a cloud tells its machines about themselves."""
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
