"""The packed images of a source between the check of an import and its writing, cut into chunks.

A small source stays in memory. A larger one goes to a temporary file without a name, which the system deletes with the
process, even if it is killed. The cut depends on the source alone, never on the lake, so that a second run cuts the same
chunks.
"""

from __future__ import annotations

import heapq
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

import msgspec

from headrace.engine.imports.chunks import CHUNK_BYTES, ImportChunk, weight_packed
from headrace.engine.imports.packing import PackedImage
from headrace.storage.objects.file_errors import file_errors

RUN_IMAGES = 4_096
RUN_BYTES = 8 << 20
"""With RUN_IMAGES, the most that is sorted in memory. A source that is smaller stays there, in its own order."""
_PAGE_IMAGES = 16
_PAGE_BYTES = 64 << 10
"""With _PAGE_IMAGES, what is read back together. One page of each run is in memory."""
_HEAD_BYTES = 8


class ChunkSpool:
    """Holds the images of a source, and cuts them into chunks of at most ``images`` images, and of limited ``weight``.

    Images come out in the order of their names. Assets are mostly registered by their names, while many sources are in no
    order, and a chunk of neighbouring assets is written several times as fast as one of scattered ones. So the file
    holds sorted runs, which are merged at the end.

    Its methods may be called from any thread. They raise DiskFullError and other StorageErrors where the temporary file
    cannot be written.
    """

    def __init__(self, images: int, weight: Callable[[PackedImage], int]) -> None:
        self._images = images
        self._weight_of = weight
        self._last: list[PackedImage] = []
        self._last_bytes = 0
        self._file: IO[bytes] | None = None
        self._runs: list[_Run] = []
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder(uuid_format="bytes")
        self._decoder = msgspec.msgpack.Decoder(list[PackedImage])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Delete the file. To free the blocks of a large one takes the system tens of milliseconds."""
        with self._lock:
            if self._file is not None:
                self._file.close()

    def add(self, images: Sequence[PackedImage]) -> None:
        """Add images in the order of the source."""
        with self._lock:
            for image in images:
                size = weight_packed(image)
                full = len(self._last) >= RUN_IMAGES or self._last_bytes + size > RUN_BYTES
                if full and self._last:
                    self._write_run(sorted(self._last, key=_name))
                    self._last, self._last_bytes = [], 0
                self._last.append(image)
                self._last_bytes += size

    def chunks(self) -> Iterator[ImportChunk]:
        """Yield all chunks. Nothing may be added afterwards."""
        images: Iterable[PackedImage] = self._last
        if self._runs:
            # Equal names keep the order of the source.
            runs = [self._read_run(run) for run in self._runs]
            images = heapq.merge(*runs, sorted(self._last, key=_name), key=_name)
        number = weight = 0
        held: list[PackedImage] = []
        for image in images:
            more = self._weight_of(image)
            if held and (len(held) >= self._images or weight + more > CHUNK_BYTES):
                yield ImportChunk(number, held)
                number, weight, held = number + 1, 0, []
            held.append(image)
            weight += more
        if held:
            yield ImportChunk(number, held)

    def _write_run(self, images: Sequence[PackedImage]) -> None:
        with file_errors(Path(tempfile.gettempdir())):
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="headrace-")  # noqa: SIM115  closed on exit
            start, pages = self._file.tell(), 0
            for page in _pages(images):
                content = self._encoder.encode(page)
                self._file.write(len(content).to_bytes(_HEAD_BYTES, "little"))
                self._file.write(content)
                pages += 1
        self._runs.append(_Run(start, pages))

    def _read_run(self, run: _Run) -> Iterator[PackedImage]:
        place = run.start
        for _ in range(run.pages):
            with self._lock, file_errors(Path(tempfile.gettempdir())):
                assert self._file is not None
                self._file.seek(place)
                size = int.from_bytes(self._file.read(_HEAD_BYTES), "little")
                content = self._file.read(size)
            place += _HEAD_BYTES + size
            yield from self._decoder.decode(content)


class _Run(NamedTuple):
    """A sorted part of the file: the offset of its first byte, and the number of its pages."""

    start: int
    pages: int


def _pages(images: Iterable[PackedImage]) -> Iterator[list[PackedImage]]:
    page: list[PackedImage] = []
    size = 0
    for image in images:
        if len(page) >= _PAGE_IMAGES or size > _PAGE_BYTES:
            yield page
            page, size = [], 0
        page.append(image)
        size += weight_packed(image)
    yield page


def _name(image: PackedImage) -> str:
    return image.path or image.filename
