"""AWS Signature Version 4: signed headers, signed URLs by the page, and forms for uploads.

A signed URL costs two short hashes: the day's key is derived once, and what the URLs of a page share is prepared once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
MAX_LIFE_SECONDS = 7 * 24 * 3600
"""The longest validity that S3 accepts of a URL."""

_SAFE = "-_.~"
_PLAIN = re.compile(r"[\w./~-]+", re.ASCII)
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class SigningKey(Struct, frozen=True):
    """The key of an account. ``token`` is that of a temporary one. Only the id may be shown."""

    id: str
    secret: str
    token: str = ""

    def __repr__(self) -> str:
        return f"SigningKey({self.id!r})"


class Signer:
    """Signs requests, URLs and forms for S3 in one region.

    Args:
        key: The key of the account.
        region: The region, as in ``us-east-1``.
        clock: Current time in seconds since 1970.
    """

    def __init__(
        self, key: SigningKey, region: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._region = region
        self._clock = clock
        # What the URLs of one method share; a few methods and lives, so it stays small.
        self._pages: dict[tuple[object, ...], tuple[str, Callable[[str], str]]] = {}

    def __repr__(self) -> str:
        return f"Signer({self._key.id!r}, {self._region!r})"

    def headers(
        self,
        method: str,
        host: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        payload: str = UNSIGNED,
    ) -> dict[str, str]:
        """Return the headers of a request with those that sign it.

        Args:
            method: The method.
            host: Host and port, as the request names them.
            path: The path, quoted.
            query: The parameters, not quoted.
            headers: Further headers, which are signed.
            payload: The SHA-256 of the body in hexadecimal.
        """
        stamp = _stamp(self._clock())
        sent = {**headers, "x-amz-content-sha256": payload, "x-amz-date": stamp}
        if self._key.token:
            sent["x-amz-security-token"] = self._key.token
        signed = {name.lower(): _trimmed(value) for name, value in sent.items()} | {"host": host}
        names = sorted(signed)
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        text = "\n".join((method, path, query_text(query), lines, ";".join(names), payload))
        scope = self._scope(stamp)
        signature = hmac.new(
            self._derived(stamp), _to_sign(stamp, scope, text).encode(), hashlib.sha256
        ).hexdigest()
        sent["Authorization"] = (
            f"{ALGORITHM} Credential={self._key.id}/{scope},"
            f" SignedHeaders={';'.join(names)}, Signature={signature}"
        )
        return sent

    def url(
        self,
        method: str,
        base: str,
        path: str,
        life: int,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """Sign one URL: as :meth:`page`, for one path."""
        return self.page(method, base, life, query=query, headers=headers)(path)

    def page(
        self,
        method: str,
        base: str,
        life: int,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Callable[[str], str]:
        """Return what signs URLs that differ in their path alone.

        Args:
            method: The method.
            base: Scheme and host, without a slash at the end.
            life: How long the URLs are valid, in seconds. They are valid for at least half of it, so that the URLs of an
                object stay the same for a while and caches work.
            query: Further parameters, not quoted.
            headers: Headers that the request must carry.

        Returns:
            A function from a path, which begins with a slash and is not quoted, to a URL.
        """
        step = max(1, life // 2)
        stamp = _stamp(int(self._clock()) // step * step)
        if query is not None:
            return self._prepare(method, base, life, stamp, query, headers or {})
        key = (method, base, life, *(headers or {}).items())
        known = self._pages.get(key)
        if known is None or known[0] != stamp:
            known = (stamp, self._prepare(method, base, life, stamp, {}, headers or {}))
            self._pages[key] = known
        return known[1]

    def _prepare(
        self,
        method: str,
        base: str,
        life: int,
        stamp: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Callable[[str], str]:
        scope = self._scope(stamp)
        signed = {name.lower(): _trimmed(value) for name, value in headers.items()}
        signed["host"] = base.partition("://")[2]
        names = sorted(signed)
        parameters = {
            **query,
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self._key.id}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(life),
            "X-Amz-SignedHeaders": ";".join(names),
        }
        if self._key.token:
            parameters["X-Amz-Security-Token"] = self._key.token
        text = query_text(parameters)
        lines = "".join(f"{name}:{signed[name]}\n" for name in names)
        before = hashlib.sha256(f"{method}\n".encode()).copy
        after = f"\n{text}\n{lines}\n{';'.join(names)}\n{UNSIGNED}".encode()
        head = f"{ALGORITHM}\n{stamp}\n{scope}\n"
        derived = self._derived(stamp).ljust(_BLOCK, b"\0")
        inner = hashlib.sha256(derived.translate(_INNER) + head.encode()).copy
        outer = hashlib.sha256(derived.translate(_OUTER)).copy
        end, plain = f"?{text}&X-Amz-Signature=", _PLAIN.fullmatch

        def url(path: str) -> str:
            # Names that headrace chose itself need no quoting, which takes as long as the signature.
            if not plain(path):
                path = quoted(path)
            request = before()
            request.update(path.encode() + after)
            message = inner()
            message.update(request.hexdigest().encode())
            digest = outer()
            digest.update(message.digest())
            return f"{base}{path}{end}{digest.hexdigest()}"

        return url

    def form(
        self, bucket: str, key: str, life: int, *, most: int, least: int = 0
    ) -> dict[str, str]:
        """Sign a form by which one object can be uploaded; returns its fields.

        The sender adds ``Content-Type`` and, as the last field, the file.

        Args:
            bucket: The bucket.
            key: The key of the object.
            life: How long the form is valid, in seconds.
            most: The most bytes of the file.
            least: The least.
        """
        now = self._clock()
        stamp = _stamp(now)
        fields = {
            "key": key,
            "x-amz-algorithm": ALGORITHM,
            "x-amz-credential": f"{self._key.id}/{self._scope(stamp)}",
            "x-amz-date": stamp,
        }
        if self._key.token:
            fields["x-amz-security-token"] = self._key.token
        conditions: list[object] = [
            {"bucket": bucket},
            *({name: value} for name, value in fields.items()),
            ["starts-with", "$Content-Type", ""],
            ["content-length-range", least, most],
        ]
        ends = datetime.fromtimestamp(now + life, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        policy = json.dumps({"expiration": ends, "conditions": conditions}).encode()
        fields["policy"] = base64.b64encode(policy).decode()
        fields["x-amz-signature"] = hmac.new(
            self._derived(stamp), fields["policy"].encode(), hashlib.sha256
        ).hexdigest()
        return fields

    def _scope(self, stamp: str) -> str:
        return f"{stamp[:8]}/{self._region}/s3/aws4_request"

    def _derived(self, stamp: str) -> bytes:
        return _derived_key(self._key.secret, stamp[:8], self._region)


@lru_cache(maxsize=8)
def _derived_key(secret: str, day: str, region: str) -> bytes:
    """Derive the key of a day."""
    key = f"AWS4{secret}".encode()
    for text in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, text.encode(), "sha256")
    return key


def quoted(path: str) -> str:
    """Quote a path as S3 signs it."""
    return quote(path, safe="/" + _SAFE)


def query_text(query: Mapping[str, str]) -> str:
    """Return parameters as S3 signs and reads them: quoted, in order."""
    pairs = sorted(
        (quote(name, safe=_SAFE), quote(value, safe=_SAFE)) for name, value in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def _to_sign(stamp: str, scope: str, request: str) -> str:
    return f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"


def _trimmed(value: str) -> str:
    return " ".join(value.split())


def _stamp(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))
