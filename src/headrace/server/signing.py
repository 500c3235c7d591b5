"""Signed URLs: what may be done with which object, until when.

The signature is an HMAC-SHA256 over everything that the URL allows, each part with its length, so that no two
different permissions have the same text. The URL is the whole authority: files are served without a token.
"""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from headrace.errors import PermissionDeniedError
from headrace.platform.accounts.signing_keys import SigningKey

PREFIX = "/files/"
LIFE_SECONDS = 3600


class Grant(NamedTuple):
    """What a URL allows: ``method`` on one object, or on one part of an upload in parts."""

    method: str
    organization: int
    object_name: str
    expires: int
    upload_id: str = ""
    part_no: int = 0


class UrlSigner:
    """Makes and checks the URLs of one server (``base``: scheme and host, without a slash at the end).

    It is the ``ObjectUrls`` of every call that comes by HTTP.
    """

    client_type = "minio"
    put_type = "headrace"

    def __init__(
        self,
        base: str,
        key: SigningKey,
        *,
        life: int = LIFE_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base = base
        self._key = key
        self._life = life
        self._clock = clock

    def __repr__(self) -> str:
        return f"UrlSigner({self._base!r})"

    def download(self, organization: int, object_name: str) -> str:
        """Where the bytes of an object are read."""
        return self._url(Grant("GET", organization, object_name, self._expiry()))

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """Where a form with the object is sent, and the fields that go with it."""
        url = self._url(Grant("POST", organization, object_name, self._expiry()))
        return url, {"key": object_name}

    def put(self, organization: int, object_name: str) -> str:
        """Where the bare bytes of an object are sent."""
        return self._url(Grant("PUT", organization, object_name, self._expiry()))

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """Where one part of an object is sent."""
        return self._url(
            Grant("PUT", organization, object_name, self._expiry(), upload_id, part_no)
        )

    def _expiry(self) -> int:
        # Half a life of slack rounded away: URLs of the same object stay the same for a while, and caches work.
        step = max(1, self._life // 2)
        return (int(self._clock()) // step + 1) * step + self._life - step

    def _url(self, grant: Grant) -> str:
        values = {
            "organization": grant.organization,
            "expires": grant.expires,
            "key": self._key.no,
            "signature": sign(self._key.secret, grant),
        }
        if grant.upload_id:
            values |= {"upload_id": grant.upload_id, "part": grant.part_no}
        return f"{self._base}{PREFIX}{quote(grant.object_name)}?{urlencode(values)}"


def sign(secret: bytes, grant: Grant) -> str:
    """The signature of a grant, as URL-safe text."""
    text = "".join(f"{len(part)}:{part}" for part in map(str, grant))
    digest = hmac.digest(secret, text.encode(), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verify(
    keys: Mapping[int, bytes],
    method: str,
    object_name: str,
    query: Mapping[str, str],
    *,
    clock: Callable[[], float] = time.time,
) -> Grant:
    """The grant of a URL; :class:`PermissionDeniedError` where it is expired, damaged or not ours.

    A URL to read an object also answers ``HEAD``.
    """
    try:
        grant = Grant(
            "GET" if method == "HEAD" else method,
            int(query["organization"]),
            object_name,
            int(query["expires"]),
            query.get("upload_id", ""),
            int(query.get("part", "0")),
        )
        secret = keys[int(query["key"])]
        signature = query["signature"].encode()
    except (KeyError, ValueError):
        raise PermissionDeniedError("the file URL is incomplete") from None
    if not hmac.compare_digest(sign(secret, grant).encode(), signature):
        raise PermissionDeniedError("the file URL is not valid for this")
    if grant.expires < clock():
        raise PermissionDeniedError("the file URL has expired", hint="ask for a new one")
    return grant
