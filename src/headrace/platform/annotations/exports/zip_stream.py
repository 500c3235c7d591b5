"""Write a zip file member by member in constant memory: the central directory is kept in a temporary file."""

from __future__ import annotations

import shutil
import struct
import tempfile
import zlib
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

_LOCAL: Final = struct.Struct("<IHHHHHIIIHH")
_ENTRY: Final = struct.Struct("<IHHHHHHIIIHHHHHII")
_END64: Final = struct.Struct("<IQHHIIQQQQ")
_LOCATOR: Final = struct.Struct("<IIQI")
_END: Final = struct.Struct("<IHHHHIIH")
_UTF8: Final = 0x800
_DEFLATED: Final = 8
_VERSION: Final = 45
_DATE: Final = 0x21  # 1 January 1980: the same members make the same file
_MORE: Final = 0xFFFFFFFF


class ZipStream:
    """Writes a new zip file from whole members; ``target`` must not exist."""

    def __init__(self, target: Path) -> None:
        self._file = target.open("xb")
        self._entries: IO[bytes] = tempfile.TemporaryFile(dir=target.parent)  # noqa: SIM115
        self._count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._entries.close()
            self._file.close()

    def add(self, name: str, content: bytes) -> None:
        """Write one member, whose name has ``/`` between folders."""
        coder = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = coder.compress(content) + coder.flush()
        encoded = name.encode()
        fields = (_UTF8, _DEFLATED, 0, _DATE, zlib.crc32(content), len(packed), len(content))
        offset = self._file.tell()
        self._file.write(_LOCAL.pack(0x04034B50, _VERSION, *fields, len(encoded), 0) + encoded)
        self._file.write(packed)
        # An offset beyond 4 GiB is stored in an extra field.
        extra = struct.pack("<HHQ", 1, 8, offset) if offset >= _MORE else b""
        self._entries.write(
            _ENTRY.pack(
                0x02014B50, _VERSION, _VERSION, *fields, len(encoded), len(extra), 0, 0, 0, 0,
                min(offset, _MORE),
            )
            + encoded
            + extra
        )  # fmt: skip
        self._count += 1

    def _finish(self) -> None:
        start = self._file.tell()
        self._entries.seek(0)
        shutil.copyfileobj(self._entries, self._file, 1 << 20)
        end = self._file.tell()
        size = end - start
        count = self._count
        if count >= 0xFFFF or end >= _MORE:
            self._file.write(
                _END64.pack(0x06064B50, 44, _VERSION, _VERSION, 0, 0, count, count, size, start)
                + _LOCATOR.pack(0x07064B50, 0, end, 1)
            )
        short = min(count, 0xFFFF)
        self._file.write(
            _END.pack(0x06054B50, 0, 0, short, short, min(size, _MORE), min(start, _MORE), 0)
        )
