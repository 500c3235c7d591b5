"""Presigned URLs: what they allow stands in them, signed, until they expire."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from aiohttp import web

from tests.support.plain_platform.routes import Call, RefusedError
from tests.support.plain_platform.store import Store


def sign(store: Store, seconds: float, use: str, **claims: Any) -> str:
    """A text that allows one use of the storage for so many seconds."""
    expires = time.time() + seconds
    text = urlsafe_b64encode(json.dumps([use, expires, claims]).encode())
    return f"{text.decode()}.{_mac(store, text)}"


def claims_of(store: Store, signed: str, use: str) -> dict[str, Any]:
    """What a signed text allows; 403 if it is forged, expired or for another use."""
    text, _, mac = signed.partition(".")
    if not hmac.compare_digest(mac, _mac(store, text.encode())):
        raise RefusedError(403, "The signature is wrong.")
    allowed, expires, claims = json.loads(urlsafe_b64decode(text))
    if allowed != use:
        raise RefusedError(403, "The URL is for another use.")
    if time.time() >= expires:
        raise RefusedError(403, "The URL has expired.")
    assert isinstance(claims, dict)
    return claims


def url_for(call: Call, use: str, **claims: Any) -> str:
    """A presigned URL of this platform's storage, good for as long as the switch says.

    It names its end, as the URLs of most storages do.
    """
    seconds = call.switches.url_seconds
    signed = sign(call.store, seconds, use, **claims)
    return f"{call.address}/storage/{use}?Expires={int(time.time() + seconds)}&signed={signed}"


def file_url(call: Call, object_name: str) -> str | None:
    """Where a file can be downloaded, if it has been uploaded."""
    if object_name not in call.store.files:
        return None
    return url_for(call, "file", object_name=object_name)


def claims_of_request(store: Store, request: web.Request, use: str) -> dict[str, Any]:
    if list(request.query) != ["Expires", "signed"]:
        raise RefusedError(403, "The URL is not signed.")
    return claims_of(store, request.query["signed"], use)


def _mac(store: Store, text: bytes) -> str:
    return hmac.new(store.secret, text, "sha256").hexdigest()
