"""Only hosts on the public internet: for URLs that anybody may have written into a file.

Such a URL may name a host that only this machine can reach, or a host name that leads to one, and may lead to another
answer at each look-up (DNS rebinding). Hence every address is checked at the moment it is connected to.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable

from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from headrace.errors import RefusedUrlError
from headrace.net.ssrf import UrlPolicy
from headrace.net.urls import origin, redact

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_HINT = "download it yourself, and push the file"


def is_public(address: str) -> bool:
    """Return whether an address is on the public internet; so must be an IPv4 address inside an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in [parsed, *_embedded(parsed)])


def _embedded(address: Address) -> list[ipaddress.IPv4Address]:
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(address.packed[-4:]))
    return [each for each in found if each is not None]


class PublicUrls(UrlPolicy, frozen=True):
    """Allows http and https to public hosts. A host name passes: its addresses are checked by :class:`PublicResolver`."""

    allows: Callable[[str], bool] = is_public

    def check(self, url: URL) -> None:
        """Raise RefusedUrlError for a URL that is not allowed."""
        if url.scheme not in ("http", "https") or not url.host:
            raise RefusedUrlError(f"{redact(url)} is not http or https", hint=_HINT)
        try:
            ipaddress.ip_address(url.host.partition("%")[0])
        except ValueError:
            return
        if not self.allows(url.host):
            raise _inner(origin(url), url.host)


PUBLIC = PublicUrls(0, encrypted=False)


class PublicResolver(AbstractResolver):
    """Looks up host names, and refuses those that lead to an address that is not public.

    Args:
        allows: Decides about an address.
        inner: Looks up the names. Default: the system.
    """

    def __init__(
        self, allows: Callable[[str], bool] = is_public, inner: AbstractResolver | None = None
    ) -> None:
        self._allows = allows
        self._inner = inner or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises RefusedUrlError if one of them is not public."""
        found = await self._inner.resolve(host, port, family)
        for each in found:
            if not self._allows(each["host"]):
                raise _inner(host, each["host"])
        return found

    async def close(self) -> None:
        """Close the resolver."""
        await self._inner.close()


def _inner(where: str, address: str) -> RefusedUrlError:
    return RefusedUrlError(
        f"{where} is {address}, which only this machine or its network can reach", hint=_HINT
    )
