"""Read the checksums that storages send with a file, in their various headers."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from multidict import istr

_HEX_MD5 = re.compile(r'^"([0-9a-fA-F]{32})"$')
_SIZES = {"sha256": 32, "md5": 16, "crc32": 4}
_ETAG = istr("etag")
_CHECKSUMS = tuple(
    istr(name)
    for name in (
        "x-amz-checksum-sha256", "x-amz-checksum-crc32", "x-goog-hash", "repr-digest", "content-md5",
    )
)  # fmt: skip
_KEYED = ("aws:kms", "aws:kms:dsse")


def header_digests(headers: Mapping[str, str], *, whole: bool) -> dict[str, str]:
    """Return the digests of the whole file in hexadecimal, by algorithm (sha256, md5, crc32).

    Args:
        headers: Looked up in lower case.
        whole: False if the body is a part of the file. Headers that then describe the part are ignored.
    """
    etag = headers.get(_ETAG)
    md5 = _HEX_MD5.match(etag) if etag else None
    if md5 is None and not any(name in headers for name in _CHECKSUMS):
        return {}
    found: dict[str, str] = {}
    _enter(found, "sha256", headers.get("x-amz-checksum-sha256"))
    _enter(found, "crc32", headers.get("x-amz-checksum-crc32"))
    for name, _, value in (
        part.partition("=") for part in headers.get("x-goog-hash", "").split(",")
    ):
        if name.strip() == "md5":
            _enter(found, "md5", value)
    for part in headers.get("repr-digest", "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "sha-256":
            _enter(found, "sha256", value.strip(":"))
    if whole:
        _enter(found, "md5", headers.get("content-md5"))
    if md5 is not None and "md5" not in found and not _is_keyed(headers):
        found["md5"] = md5[1].lower()
    return found


def _is_keyed(headers: Mapping[str, str]) -> bool:
    """Whether the storage encrypts with keys, so that the ETag is not the MD5 of the content."""
    return (
        headers.get("x-amz-server-side-encryption", "") in _KEYED
        or "x-amz-server-side-encryption-customer-algorithm" in headers
    )


def _enter(found: dict[str, str], algorithm: str, text: str | None) -> None:
    """Add a base64 digest; one of another length is a digest of parts (``…-3``) and is ignored."""
    if not text:
        return
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return
    if len(raw) == _SIZES[algorithm]:
        found[algorithm] = raw.hex()
