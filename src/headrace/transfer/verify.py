"""Verify files by their size and the best digest available."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from headrace.errors import ChecksumError
from headrace.net.checksums import header_digests
from headrace.transfer.source import Item

Chunk = bytes | memoryview
_PREFERRED = ("sha256", "md5", "crc32")


class Digest(Protocol):
    """The interface of hashlib's objects."""

    def update(self, data: Chunk, /) -> None:
        """Add bytes."""
        ...

    def hexdigest(self) -> str:
        """Return the digest of the bytes so far."""
        ...


class ExpectedDigest(NamedTuple):
    """The digest that a file must have; ``promised`` is in hexadecimal."""

    algorithm: str
    promised: str


def expected_digest(item: Item, offered: Mapping[str, str]) -> ExpectedDigest | None:
    """Return the item's own digest, else the best of those that the source offered; None if there is none."""
    if item.sha256 is not None:
        return ExpectedDigest("sha256", item.sha256)
    best = next((name for name in _PREFERRED if name in offered), None)
    return None if best is None else ExpectedDigest(best, offered[best])


def new_digest(algorithm: str) -> Digest:
    """Create an empty digest: sha256, md5 or crc32."""
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm == "crc32":
        return _Crc32()
    return hashlib.new(algorithm, usedforsecurity=False)


def check_size(name: str, received: int, size: int | None) -> None:
    """Raise ChecksumError if the number of bytes received is wrong."""
    if size is not None and received != size:
        raise ChecksumError(f"{name}: received {received:,} bytes instead of {size:,}")


def check_digest(name: str, digest: Digest, want: ExpectedDigest) -> None:
    """Raise ChecksumError if the digest is wrong."""
    if digest.hexdigest() != want.promised:
        raise ChecksumError(f"{name}: the {want.algorithm} digest of the received bytes is wrong")


def check_whole(item: Item, whole: Chunk, headers: Mapping[str, str]) -> None:
    """Raise ChecksumError if a complete file, received with these headers, is wrong."""
    if len(whole) != item.size:
        check_size(item.name, len(whole), item.size)
    if item.sha256 is None:
        want = expected_digest(item, header_digests(headers, whole=True))
        if want is None:
            return
    # The common case, on the hot path.
    elif hashlib.sha256(whole).hexdigest() == item.sha256:
        return
    else:
        want = ExpectedDigest("sha256", item.sha256)
    digest = new_digest(want.algorithm)
    digest.update(whole)
    check_digest(item.name, digest, want)


class _Crc32:
    def __init__(self) -> None:
        self._sum = 0

    def update(self, data: Chunk, /) -> None:
        self._sum = zlib.crc32(data, self._sum)

    def hexdigest(self) -> str:
        return f"{self._sum:08x}"
