"""A digest over many digests in sorted order, in flat memory: sorted runs in a temporary file, merged at the end.

Sorting makes the result independent of the order, and counts what occurs twice. A sum of digests would do the first,
but not reliably the second: with XOR, two equal assets cancel each other out.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, Self

RUN_DIGESTS = 1 << 14
"""Digests that are sorted in memory at a time: about 1 MiB."""
READ_DIGESTS = 1 << 10

_BYTES = 32


class SortedDigests:
    """Collects digests of 32 bytes. Use it as a context manager; all methods block."""

    def __init__(self) -> None:
        self._pending: list[bytes] = []
        self._file: IO[bytes] | None = None
        self._runs: list[tuple[int, int]] = []
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, digest: bytes) -> None:
        """Add a digest."""
        self._pending.append(digest)
        self.count += 1
        if len(self._pending) >= RUN_DIGESTS:
            self._write_run()

    def sha256(self, head: bytes) -> str:
        """Return the SHA-256 of ``head`` and all digests, sorted, in hexadecimal, one a line."""
        result = sha256(head)
        for digest in self._sorted():
            result.update(digest.hex().encode() + b"\n")
        return result.hexdigest()

    def _sorted(self) -> Iterator[bytes]:
        if self._file is None:
            return iter(sorted(self._pending))
        if self._pending:
            self._write_run()
        return heapq.merge(*(self._read(start, count) for start, count in self._runs))

    def _write_run(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115  closed at the exit
        self._pending.sort()
        start = self._file.seek(0, 2)
        self._file.write(b"".join(self._pending))
        self._runs.append((start, len(self._pending)))
        self._pending.clear()

    def _read(self, start: int, count: int) -> Iterator[bytes]:
        assert self._file is not None
        for first in range(0, count, READ_DIGESTS):
            self._file.seek(start + first * _BYTES)
            block = self._file.read(min(READ_DIGESTS, count - first) * _BYTES)
            for at in range(0, len(block), _BYTES):
                yield block[at : at + _BYTES]
