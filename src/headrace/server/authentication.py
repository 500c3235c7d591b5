"""Authenticate requests: turn the token and organization of a request into the access of its operation."""

from __future__ import annotations

import re
from uuid import UUID

from aiohttp import web

from headrace.errors import (
    AuthenticationError,
    BadRequestError,
    PermissionDeniedError,
    RateLimitError,
)
from headrace.platform.accounts.tokens import UnknownTokenError, valid_digests
from headrace.platform.accounts.tokens import authenticate as authenticate_token
from headrace.platform.core.access import Access
from headrace.platform.core.origin import MAX_CLIENT, Origin
from headrace.platform.core.storage_urls import S3Urls
from headrace.platform.platform import Platform
from headrace.server.guesses import MOST_TOKENS, TokenGuard
from headrace.server.key_ring import KeyRing
from headrace.server.peers import peer_of
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner

ORGANIZATION = "X-Picsellia-Organization"
OWN_CLIENT = "X-Headrace"

_HERE = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_HOST = re.compile(r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$", re.ASCII)


class Authenticator:
    """Authenticates callers, by the headers of their requests alone."""

    def __init__(self, platform: Platform, keys: KeyRing, settings: ServerSettings) -> None:
        self._platform = platform
        self._keys = keys
        self._settings = settings
        self._guard = TokenGuard(settings.failed_tokens)
        direct = platform.context.objects.direct
        self._direct = direct and S3Urls(direct, life=settings.url_ttl, most=settings.max_upload)

    async def authenticate(self, request: web.Request) -> Access:
        """Return the access of a caller.

        Raises:
            AuthenticationError: The token is missing or invalid.
            RateLimitError: Too many wrong tokens came from the address of the caller.
            PermissionDeniedError: The token is not valid for the organization.
        """
        token, peer = _token(request), peer_of(request, self._settings.proxies)
        was_tried = await self._check(peer, token)
        try:
            caller = await authenticate_token(self._platform.context, token, _organization(request))
        except UnknownTokenError:
            self._guard.wrong(peer)
            raise
        self._guard.right(peer, caller.digest, was_tried=was_tried)
        client = request.headers.get("User-Agent", "")[:MAX_CLIENT]
        if not client.isascii():
            client = client.encode("ascii", "backslashreplace").decode()[:MAX_CLIENT]
        return Access(
            account=caller.account,
            username=caller.username,
            organization=caller.membership.organization,
            organization_id=caller.membership.id,
            urls=self._direct or await self._signer(request),
            precise=OWN_CLIENT in request.headers,
            is_owner=caller.membership.is_owner,
            read_only=caller.read_only,
            origin=Origin(address=peer, client=client),
        )

    async def _signer(self, request: web.Request) -> UrlSigner:
        key = await self._keys.newest()
        return UrlSigner(self._base(request), key, life=self._settings.url_ttl)

    async def _check(self, peer: str, token: str | None) -> bool:
        """Raise RateLimitError for a token that has to wait; see :meth:`TokenGuard.check`."""
        try:
            return self._guard.check(peer, token)
        except RateLimitError:
            if not self._guard.may_learn():
                raise
        self._guard.learn(await valid_digests(self._platform.context, MOST_TOKENS))
        return self._guard.check(peer, token)

    def is_near(self, request: web.Request) -> bool:
        """Whether the caller is on this machine: the file URLs of its answers work nowhere else."""
        return self._direct is None and bool(_HERE.fullmatch(self._base(request)))

    def _base(self, request: web.Request) -> str:
        """Return the start of file URLs: by default the host by which the caller reached this server."""
        if self._settings.public_url is not None:
            return self._settings.public_url.rstrip("/")
        host = request.headers.get("Host", "")
        if not _HOST.match(host):
            raise BadRequestError("the request has no valid Host header", hint="send a Host header")
        return f"{request.scheme}://{host}"


def _token(request: web.Request) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationError("the token must be sent as a bearer token")
    return token.strip()


def _organization(request: web.Request) -> UUID | None:
    text = request.headers.get(ORGANIZATION)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise PermissionDeniedError(f"{ORGANIZATION} is not an id") from None
