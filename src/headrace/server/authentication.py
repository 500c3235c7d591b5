"""Authenticate requests: turn the token and organization of a request into the access of its operation."""

from __future__ import annotations

import re
from uuid import UUID

from aiohttp import web

from headrace.errors import AuthenticationError, BadRequestError, PermissionDeniedError
from headrace.platform.accounts.signing_keys import SigningKey
from headrace.platform.accounts.tokens import authenticate as authenticate_token
from headrace.platform.core.access import Access
from headrace.platform.platform import Platform
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner

ORGANIZATION = "X-Picsellia-Organization"
OWN_CLIENT = "X-Headrace"

_HERE = re.compile(r"https?://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?")
_HOST = re.compile(r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$", re.ASCII)


class Authenticator:
    """Authenticates callers, by the headers of their requests alone."""

    def __init__(self, platform: Platform, key: SigningKey, settings: ServerSettings) -> None:
        self._platform = platform
        self._key = key
        self._settings = settings

    async def authenticate(self, request: web.Request) -> Access:
        """Return the access of a caller.

        Raises:
            AuthenticationError: The token is missing or invalid.
            PermissionDeniedError: The token is not valid for the organization.
        """
        caller = await authenticate_token(
            self._platform.context, _token(request), _organization(request)
        )
        return Access(
            account=caller.account,
            username=caller.username,
            organization=caller.membership.organization,
            organization_id=caller.membership.id,
            urls=UrlSigner(self._base(request), self._key, life=self._settings.url_ttl),
            precise=OWN_CLIENT in request.headers,
        )

    def is_near(self, request: web.Request) -> bool:
        """Whether the caller is on this machine: the file URLs of its answers work nowhere else."""
        return bool(_HERE.fullmatch(self._base(request)))

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
