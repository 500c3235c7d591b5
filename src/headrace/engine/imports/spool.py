"""The packed images of a source between the check of an import and its writing, cut into chunks.

A few MiB stay in memory. More go to a temporary file without a name, which the system deletes with the process, even
if it is killed. The cut depends on the source alone, never on the lake, so that a second run cuts the same chunks.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from headrace.engine.imports.chunks import CHUNK_BYTES, ImportChunk
from headrace.engine.imports.packing import PackedImage
from headrace.storage.objects.files import file_errors

MEMORY_BYTES = 4 << 20
WINDOW = 4_096
"""Images that are put into the order of their names before they are cut.

Assets are mostly registered by their names, while many sources are in no order, and chunks of neighbouring assets are
written faster. A source of fewer images stays in its own order.
"""
_HEAD_BYTES = 8


class ChunkSpool:
    """Holds chunks of at most ``images`` images, and of limited ``weight``. Its methods may be called from any thread.

    Raises DiskFullError and other StorageErrors where the temporary file cannot be written.
    """

    def __init__(self, images: int, weight: Callable[[PackedImage], int]) -> None:
        self._images = images
        self._weight_of = weight
        self._window: list[PackedImage] = []
        self._windows = 0
        self._held: list[PackedImage] = []
        self._weight = 0
        self._chunks = 0
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
        self._decoder = msgspec.msgpack.Decoder(list[PackedImage])
        self._file = tempfile.SpooledTemporaryFile(MEMORY_BYTES, prefix="headrace-")  # noqa: SIM115  closed on exit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._file.close()

    def add(self, images: Sequence[PackedImage]) -> None:
        """Add images in the order of the source."""
        with self._lock:
            for start in range(0, len(images), WINDOW):
                self._window += images[start : start + WINDOW]
                if len(self._window) > WINDOW:
                    full, self._window = self._window[:WINDOW], self._window[WINDOW:]
                    self._cut(sorted(full, key=_name))
                    self._windows += 1

    def _cut(self, images: list[PackedImage]) -> None:
        for image in images:
            weight = self._weight_of(image)
            if self._held and (
                len(self._held) >= self._images or self._weight + weight > CHUNK_BYTES
            ):
                self._flush()
            self._held.append(image)
            self._weight += weight

    def _flush(self) -> None:
        content = self._encoder.encode(self._held)
        with file_errors(Path(tempfile.gettempdir())):
            self._file.write(len(content).to_bytes(_HEAD_BYTES, "little"))
            self._file.write(content)
        self._chunks += 1
        self._held, self._weight = [], 0

    def chunks(self) -> Iterator[ImportChunk]:
        """Yield all chunks. Nothing may be added afterwards."""
        with self._lock:
            self._cut(sorted(self._window, key=_name) if self._windows else self._window)
            self._window = []
            if self._held:
                self._flush()
        end = 0
        for number in range(self._chunks):
            with self._lock, file_errors(Path(tempfile.gettempdir())):
                self._file.seek(end)
                size = int.from_bytes(self._file.read(_HEAD_BYTES), "little")
                content = self._file.read(size)
                end += _HEAD_BYTES + size
            yield ImportChunk(number, self._decoder.decode(content))


def _name(image: PackedImage) -> str:
    return image.path or image.filename
