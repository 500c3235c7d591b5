"""The source of an import: its reader, its digest, and its check before anything is written."""

from __future__ import annotations

import asyncio
import hashlib
import os
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

import anyio
import msgspec
from msgspec import Struct, field

from headrace.engine.imports.match import AssetMatcher, MatchSummary
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.spool import ChunkSpool
from headrace.errors import NoDataError
from headrace.formats.base import Reader
from headrace.formats.findings.collect import Findings
from headrace.formats.options import ReadOptions
from headrace.model.records import AssetRecord
from headrace.model.sample import LabelInfo, Sample
from headrace.protocol.operations.listing import KEYS_PER_CALL
from headrace.threads import in_thread

T = TypeVar("T")

BUFFER_BYTES = 1 << 20
_EMPTY_HINT = "if that is intended, pass allow_empty=True"
_UNMATCHED = (1024, 1024)
"""Stands for the size of an image without an asset. Its shapes are never written; the report counts them."""


class ImportSource(Struct, frozen=True):
    """The source of an import: ``open`` creates its reader, ``digest`` identifies its content in the ledger."""

    path: Path
    format: str
    open: Callable[[ReadOptions, Findings], Reader]
    digest: Callable[[object], str]


class SourceSummary(Struct):
    """The number of ``images`` of a source, and the ``labels`` that it declares or uses, in its order."""

    matches: MatchSummary
    images: int = 0
    labels: list[LabelInfo] = field(default_factory=list)


class ThreadedReader:
    """Enters and leaves a reader in a worker thread."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def __aenter__(self) -> Reader:
        return await in_thread(self._reader.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with anyio.CancelScope(shield=True):
            await in_thread(self._reader.__exit__, kind, error, trace)


class AssetSizes:
    """A ``SizeLookup`` of readers, called on the thread that reads while the event loop waits for it.

    Args:
        matcher: Finds the assets.
        loop: The event loop of the import.
    """

    def __init__(self, matcher: AssetMatcher, loop: asyncio.AbstractEventLoop) -> None:
        self._matcher = matcher
        self._loop = loop

    def __call__(self, images: Sequence[Sample]) -> list[tuple[int, int] | None]:
        """Return the sizes of some images in pixels; None for an asset of unknown size."""
        matching = self._matcher.match(images, remember=True)
        assets = asyncio.run_coroutine_threadsafe(matching, self._loop).result()
        return [_UNMATCHED if asset is None else _size(asset) for asset in assets]


def _size(asset: AssetRecord) -> tuple[int, int] | None:
    meta = asset.data.meta
    return (meta.width, meta.height) if meta else None


async def inspect_source(
    reader: Reader,
    matcher: AssetMatcher,
    packed: Callable[[], Iterator[list[PackedImage]]],
    labels_used: Mapping[str, int],
    spool: ChunkSpool,
    *,
    all_must_match: bool,
) -> SourceSummary:
    """Read a source once, without writing anything: match all its images, and put them into a spool.

    Args:
        reader: The reader of the source.
        matcher: Finds the assets.
        packed: Reads the images and packs their shapes.
        labels_used: The labels of the images that were read so far.
        spool: Receives the images.
        all_must_match: Whether an image without an asset is an error.

    Raises:
        ParseError: A record is not allowed by the error policy.
        NotFoundError: An image has no asset.
        ConflictError: An image cannot be matched.
    """
    batches = _batches_for_lookup(packed)
    matches = await matcher.check(batches, spool, all_must_match=all_must_match)
    labels = await in_thread(reader.labels)
    declared = {info.name for info in labels}
    labels = labels + [LabelInfo(name=name) for name in labels_used if name not in declared]
    reader.findings.check()
    return SourceSummary(matches, matches.images + matches.missing, labels)


def check_not_empty(source: str, found: SourceSummary, findings: Findings) -> None:
    """Check, before anything is replaced, that an import would not import nothing.

    Raises:
        NoDataError: No image of the source has an asset, or the source has shapes and none of them can be imported.
    """
    read = findings.get("read")
    shapes = 0 if read is None else read.shapes_in
    matches = found.matches
    if found.images and not matches.images:
        raise NoDataError(
            f"{source}: none of its {found.images:,} images is in the version", hint=_EMPTY_HINT
        )
    if shapes and not matches.shapes:
        reasons = [f"{matches.missing:,} images have no asset"] if matches.missing else []
        reasons += [
            f"{kind.dropped_shapes:,} left out: {kind.message}"
            for kind in findings
            if kind.dropped_shapes
        ]
        message = f"{source}: none of its {shapes:,} shapes can be imported"
        raise NoDataError("; ".join([message, *reasons[:3]]), hint=_EMPTY_HINT)


async def _batches_for_lookup(
    read: Callable[[], Iterator[list[PackedImage]]],
) -> AsyncGenerator[list[PackedImage], None]:
    """Gather images into batches of the size that one call may ask for; readers yield fewer at a time."""
    held: list[PackedImage] = []
    async with aclosing(iterate_in_thread(read)) as batches:
        async for batch in batches:
            held += batch
            if len(held) >= KEYS_PER_CALL:
                yield held[:KEYS_PER_CALL]
                held = held[KEYS_PER_CALL:]
    if held:
        yield held


async def iterate_in_thread(make: Callable[[], Iterator[T]]) -> AsyncGenerator[T, None]:
    """Yield the items of a blocking iterator, computing each in a worker thread, on demand.

    The iterator is closed in a thread when the loop over it ends or is cancelled, so that a generator's ``finally``
    runs at once. Use ``contextlib.aclosing`` where the loop may be left early.
    """
    steps = _ThreadedIterator(make)
    try:
        while (item := await in_thread(steps.next)) is not _END:
            yield item  # type: ignore[misc]
            # in_thread shields its wait: without a checkpoint the loop would not notice a cancelled scope.
            await anyio.lowlevel.checkpoint_if_cancelled()
    finally:
        with anyio.CancelScope(shield=True):
            await in_thread(steps.close)


_END = object()


class _ThreadedIterator(Generic[T]):
    """An iterator whose ``next`` and ``close`` never overlap, although they come from several threads."""

    def __init__(self, make: Callable[[], Iterator[T]]) -> None:
        self._make = make
        self._iterator: Iterator[T] | None = None
        self._lock = threading.Lock()

    def next(self) -> T | object:
        with self._lock:
            if self._iterator is None:
                self._iterator = self._make()
            return next(self._iterator, _END)

    def close(self) -> None:
        with self._lock:
            close = getattr(self._iterator, "close", None)
            if close is not None:
                close()


def source_digest(path: Path, suffixes: tuple[str, ...], options: object) -> str:
    """Return a digest of ``options`` and of a file's content, or that of the files with these suffixes in a folder."""
    digest = hashlib.sha256(msgspec.json.encode(options, order="sorted", enc_hook=str))
    if path.is_file():
        _add(digest, "", path)
    else:
        for file in _files(path):
            if file.suffix.lower() in suffixes:
                _add(digest, file.relative_to(path).as_posix(), file)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, path: Path) -> None:
    digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "surrogateescape"))
    with path.open("rb") as file:
        while chunk := file.read(BUFFER_BYTES):
            digest.update(chunk)


def _files(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield Path(root, name)
