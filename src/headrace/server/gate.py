"""Who may come in: a request's token and organization become the access that its operation runs under."""

from __future__ import annotations

import re
from uuid import UUID

from aiohttp import web

from headrace.errors import AuthenticationError, BadRequestError, PermissionDeniedError
from headrace.platform.accounts.signing_keys import SigningKey
from headrace.platform.accounts.tokens import authenticate
from headrace.platform.core.access import Access
from headrace.platform.platform import Platform
from headrace.server.settings import ServerSettings
from headrace.server.signing import UrlSigner

ORGANIZATION = "X-Picsellia-Organization"
OWN_CLIENT = "X-Headrace"

_HOST = re.compile(r"^[A-Za-z0-9._-]+(:[0-9]{1,5})?$|^\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?$", re.ASCII)


class Gate:
    """Checks callers, by the head of their request alone."""

    def __init__(self, platform: Platform, key: SigningKey, settings: ServerSettings) -> None:
        self._platform = platform
        self._key = key
        self._settings = settings

    async def admit(self, request: web.Request) -> Access:
        """The access of a caller.

        Raises :class:`AuthenticationError` without a good token, :class:`PermissionDeniedError` for an organization
        that it is not for.
        """
        caller = await authenticate(self._platform.context, _token(request), _organization(request))
        return Access(
            account=caller.account,
            username=caller.username,
            organization=caller.membership.organization,
            organization_id=caller.membership.id,
            urls=UrlSigner(self._base(request), self._key, life=self._settings.url_life),
            precise=OWN_CLIENT in request.headers,
        )

    def _base(self, request: web.Request) -> str:
        """What file URLs begin with: the host that the caller itself reached this server by."""
        if self._settings.public_url is not None:
            return self._settings.public_url.rstrip("/")
        host = request.headers.get("Host", "")
        if not _HOST.match(host):
            raise BadRequestError("the request names no host", hint="send a Host header")
        return f"{request.scheme}://{host}"


def _token(request: web.Request) -> str | None:
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationError("the token must come as a bearer token")
    return token.strip()


def _organization(request: web.Request) -> UUID | None:
    text = request.headers.get(ORGANIZATION)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise PermissionDeniedError(f"{ORGANIZATION} is no id") from None
