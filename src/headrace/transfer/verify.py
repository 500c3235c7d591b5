"""Whether bytes are those that were promised: by their number, and by the best digest that anybody gave."""

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
    """What hashlib's objects do."""

    def update(self, data: Chunk, /) -> None:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest so far."""
        ...


class ExpectedDigest(NamedTuple):
    """The digest that a file must have, in hexadecimal."""

    algorithm: str
    promised: str


def expected_digest(item: Item, offered: Mapping[str, str]) -> ExpectedDigest | None:
    """The item's own digest, else the best of those ``offered`` along with its bytes."""
    if item.sha256 is not None:
        return ExpectedDigest("sha256", item.sha256)
    best = next((name for name in _PREFERRED if name in offered), None)
    return None if best is None else ExpectedDigest(best, offered[best])


def new_digest(algorithm: str) -> Digest:
    """One of nothing yet."""
    if algorithm == "sha256":
        return hashlib.sha256()
    if algorithm == "crc32":
        return _Crc32()
    return hashlib.new(algorithm, usedforsecurity=False)


def check_size(name: str, came: int, size: int | None) -> None:
    """ChecksumError where as many bytes came as were not promised."""
    if size is not None and came != size:
        raise ChecksumError(f"{name}: {came:,} bytes came, not {size:,}")


def check_digest(name: str, digest: Digest, want: ExpectedDigest) -> None:
    """ChecksumError where the bytes are others."""
    if digest.hexdigest() != want.promised:
        raise ChecksumError(
            f"{name}: the bytes that came are not those that were promised ({want.algorithm})"
        )


def check_whole(item: Item, whole: Chunk, headers: Mapping[str, str]) -> None:
    """ChecksumError where a file that came at once, with such headers, is not what was promised."""
    if len(whole) != item.size:
        check_size(item.name, len(whole), item.size)
    if item.sha256 is None:
        want = expected_digest(item, header_digests(headers, whole=True))
        if want is None:
            return
    # The common case, and hot: as few steps as can be.
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
