"""The address of the client behind a request, also through proxies that are named in the settings."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from aiohttp import web

FORWARDED = "X-Forwarded-For"

_NETWORK_BITS = 64
"""Of an IPv6 address: who has one address has all that begin with these bits."""


def peer_of(request: web.BaseRequest, proxies: int) -> str:
    """Return the address of a client; empty where it has none (a Unix socket).

    Each proxy adds the address that it was called from to the end of ``X-Forwarded-For``. What stands before the
    entries of the known proxies was sent by the client, and may be invented.

    Args:
        request: The request.
        proxies: How many proxies stand in front of this server.
    """
    remote = request.remote or ""
    if not proxies:
        return remote
    entries = [part.strip() for part in ",".join(request.headers.getall(FORWARDED, [])).split(",")]
    if len(entries) < proxies:
        return remote
    try:
        return str(ip_address(entries[-proxies]))
    except ValueError:
        return remote


def network_of(peer: str) -> str:
    """Return the network that an address belongs to its user with: itself, or 64 bits of an IPv6 address."""
    if ":" not in peer:
        return peer
    try:
        address = ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if not isinstance(address, IPv6Address):
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _NETWORK_BITS), strict=False))
