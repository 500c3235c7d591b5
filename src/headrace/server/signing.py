"""Signed URLs: permission for one method on one object until a given time.

The signature is an HMAC-SHA256 over all parts of the permission, each with its length, so that no two different
permissions have the same text. The URL alone authorises the request: files are served without a token.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from headrace.errors import PermissionDeniedError
from headrace.platform.accounts.signing_keys import SigningKey
from headrace.platform.core.access import NO_HEADERS

PREFIX = "/files/"
LIFE_SECONDS = 3600

NOTICE_SECONDS = 10.0
"""Within so many seconds, all processes of a server sign with a new key."""

# HMAC (RFC 2104) over blocks of SHA-256.
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_PLAIN = re.compile(r"[\w./~-]+", re.ASCII)
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Grant(NamedTuple):
    """The permission of a URL: ``method`` on one object, or on one part of a multipart upload."""

    method: str
    organization: int
    object_name: str
    expires: int
    upload_id: str = ""
    part_no: int = 0


class UrlSigner:
    """Makes the signed URLs of one server; the ``ObjectUrls`` of every call over HTTP.

    ``base`` is the scheme and host, without a trailing slash. ``life`` is the longest validity in seconds.
    """

    client_type = "minio"
    put_type = "headrace"
    put_headers = NO_HEADERS

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
        """Sign a URL to download an object."""
        return self._url(Grant("GET", organization, object_name, self._expiry()))

    def downloads(self, organization: int) -> Callable[[str], str]:
        """Return what signs URLs to download objects: the same URLs as :meth:`download`, for long listings."""
        expires = self._expiry()
        signature = prepared(self._key.secret, Grant("GET", organization, "", expires))
        base, plain = f"{self._base}{PREFIX}", _PLAIN.fullmatch
        query = urlencode(
            {"organization": organization, "expires": expires, "key": self._key.no, "signature": ""}
        )

        def url(object_name: str) -> str:
            # Names that headrace chose itself need no quoting, which takes as long as half a signature.
            path = object_name if plain(object_name) else quote(object_name)
            return f"{base}{path}?{query}{signature(object_name)}"

        return url

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """Sign a URL to upload an object in a form; return it with the fields of the form."""
        url = self._url(Grant("POST", organization, object_name, self._expiry()))
        return url, {"key": object_name}

    def put(self, organization: int, object_name: str) -> str:
        """Sign a URL to upload the bare bytes of an object."""
        return self._url(Grant("PUT", organization, object_name, self._expiry()))

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """Sign a URL to upload one part of an object."""
        return self._url(
            Grant("PUT", organization, object_name, self._expiry(), upload_id, part_no)
        )

    def _expiry(self) -> int:
        # Rounded to half the validity: URLs of the same object stay the same for a while, so caches work.
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
    """Sign a grant; returns URL-safe text."""
    # An invented URL may hold halves of surrogate pairs; it is refused like any other.
    digest = hmac.digest(secret, _text(grant).encode(errors="surrogatepass"), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def prepared(secret: bytes, grant: Grant) -> Callable[[str], str]:
    """Return what signs grants that differ from ``grant`` in their object alone; takes the object's name.

    The key is processed once, so that a signature takes a third of the time of :func:`sign`.
    """
    key = secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()
    inner = hashlib.sha256(key.ljust(_BLOCK, b"\0").translate(_INNER)).copy
    outer = hashlib.sha256(key.ljust(_BLOCK, b"\0").translate(_OUTER)).copy
    at = Grant._fields.index("object_name")
    before, after = _text(grant[:at]), _text(grant[at + 1 :])

    def signature(object_name: str) -> str:
        message = inner()
        message.update(f"{before}{len(object_name)}:{object_name}{after}".encode())
        digest = outer()
        digest.update(message.digest())
        text = binascii.b2a_base64(digest.digest(), newline=False)
        return text.translate(_URL_SAFE, b"=").decode()

    return signature


def _text(parts: Iterable[str | int]) -> str:
    return "".join(f"{len(part)}:{part}" for part in map(str, parts))


def verify(
    keys: Mapping[int, SigningKey],
    method: str,
    object_name: str,
    query: Mapping[str, str],
    *,
    life: int = LIFE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Grant:
    """Verify a signed URL and return its grant. A URL to download an object is also valid for ``HEAD``.

    Args:
        keys: Keys of the lake by number.
        method: Method of the request.
        object_name: Name of the object in the path.
        query: Parameters of the URL.
        life: Longest validity of a URL in seconds; one that a replaced key signed ends so long after that at most.
        clock: Current time in seconds since the epoch.

    Raises:
        PermissionDeniedError: The URL is incomplete, expired, has a wrong signature, or its key is no longer valid.
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
        no = int(query["key"])
        signature = query["signature"].encode(errors="surrogatepass")
    except (KeyError, ValueError):
        raise PermissionDeniedError("the file URL is incomplete") from None
    key = keys.get(no)
    if key is None or _outlives(grant, key, life):
        raise PermissionDeniedError(
            "the key that signed the file URL is no longer valid", hint="request a new URL"
        )
    if not hmac.compare_digest(sign(key.secret, grant).encode(), signature):
        raise PermissionDeniedError("the file URL is not valid for this request")
    if grant.expires < clock():
        raise PermissionDeniedError("the file URL has expired", hint="request a new URL")
    return grant


def key_number(query: Mapping[str, str]) -> int:
    """Return the number of the key of a URL; 0, which no key has, where there is none."""
    try:
        return int(query.get("key", "0"))
    except ValueError:
        return 0


def _outlives(grant: Grant, key: SigningKey, life: int) -> bool:
    """Whether a grant is valid for longer than the server could have made it with a key that was replaced."""
    return key.retired is not None and grant.expires > key.retired / 1000 + life + NOTICE_SECONDS
