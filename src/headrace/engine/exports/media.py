"""Put the images of an export in place: copied or downloaded, or as links to the objects of a lake.

Everything happens in the folder that is not published yet, so that the target appears with all images or not at all.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, get_args

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from msgspec import Struct

from headrace.backend.base import Backend
from headrace.errors import (
    ConfigurationError,
    DiskFullError,
    PartialTransferError,
    TransferError,
    did_you_mean,
)
from headrace.folders.state import state_of
from headrace.formats.base import Writer
from headrace.formats.info import Media
from headrace.formats.io.append import append_file
from headrace.model.records import DataRecord
from headrace.tasks import map_bounded
from headrace.threads import in_thread
from headrace.transfer.download.run import run
from headrace.transfer.progress import Progress
from headrace.transfer.source import Item

_STAGING: Final = ".headrace-media"
_PAGES_AHEAD: Final = 1


class PlacedImage(Struct, frozen=True):
    """An image and its path below the target, with ``/`` between folders."""

    data: DataRecord
    path: str


def checked_media(media: str) -> Media:
    """Return the way to place images; raises ConfigurationError for an unknown one."""
    known: Sequence[Media] = get_args(Media)
    for each in known:
        if media == each:
            return each
    hint = f"{did_you_mean(media, known)}one of {', '.join(known)}"
    raise ConfigurationError(f"media={media!r} is not a way to place images", hint=hint)


class MediaPlacer:
    """Places the images of a writer's target: :meth:`run` works while :meth:`place` adds images.

    Args:
        backend: Backend of the images.
        media: How to place them.
        writer: The writer, which says where each image belongs.

    Raises:
        ConfigurationError: The target is a single file, or the images of a server are to be linked.
    """

    def __init__(self, backend: Backend, media: Media, writer: Writer) -> None:
        if writer.layout != "folder":
            raise ConfigurationError(
                f"a {writer.info.title} file has no place for images: media={media!r}",
                hint="choose a folder as the target: for COCO, a name without .json",
            )
        if media != "copy" and not backend.limits.local_files:
            raise ConfigurationError(
                f"media={media!r}: only the images of a lake can be linked",
                hint="download them with media='copy'",
            )
        self._backend = backend
        self._media = media
        self._writer = writer
        writer.image_paths = []
        self._send: MemoryObjectSendStream[list[PlacedImage]]
        self._receive: MemoryObjectReceiveStream[list[PlacedImage]]
        self._send, self._receive = anyio.create_memory_object_stream(_PAGES_AHEAD)
        self.count = 0

    async def place(self, images: list[PlacedImage]) -> None:
        """Place images; may return before they are in place."""
        if images:
            self.count += len(images)
            await self._send.send(images)

    def close(self) -> None:
        """Tell :meth:`run` that there are no more images."""
        self._send.close()

    def discard(self) -> None:
        """End without placing what is left. Idempotent."""
        self._send.close()
        self._receive.close()

    async def run(self) -> None:
        """Place all images until :meth:`close`.

        Raises:
            PartialTransferError: Images could not be downloaded.
            TransferError: Images could not be copied or linked.
        """
        async with self._receive:
            if not self._backend.limits.local_files:
                await self._download()
                return
            async for images in self._receive:
                sources = await map_bounded(
                    self._local_path, images, concurrency=self._backend.limits.concurrency
                )
                await in_thread(self._take, images, sources)

    async def _download(self) -> None:
        root = self._writer.work_path
        staging = root / _STAGING

        async def items() -> AsyncIterator[list[Item]]:
            async for images in self._receive:
                yield [self._item(image) for image in images]

        # Counted by the export itself, image by image.
        with Progress("export", "files", None) as progress:
            report = await run(
                items(),
                staging,
                force_replace=True,
                max_workers=self._backend.limits.max_workers,
                progress=progress,
            )
        if report.failed:
            first = report.failures[0]
            raise PartialTransferError(
                f"{report.failed} of {report.total} images were not downloaded, so nothing was written;"
                f" first {first.name}: {first.message}",
                report=report,
                hint="export again, or without media=",
            )
        await in_thread(_move_files, staging, root)
        await in_thread(shutil.rmtree, state_of(staging), True)

    def _item(self, image: PlacedImage) -> Item:
        data = image.data
        return Item(
            name=image.path,
            source=self._backend.file(data),
            size=data.size,
            sha256=data.sha256,
            id=str(data.id),
        )

    async def _local_path(self, image: PlacedImage) -> Path:
        async with self._backend.file(image.data).open() as stream:
            assert stream.local_path is not None
            return stream.local_path

    def _take(self, images: Sequence[PlacedImage], sources: Sequence[Path]) -> None:
        """Copy or link files of a lake."""
        root = self._writer.work_path
        for image, source in zip(images, sources, strict=True):
            target = root / image.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            try:
                if self._media == "symlink":
                    target.symlink_to(source.resolve())
                elif self._media == "hardlink":
                    os.link(source, target)
                else:
                    _copy(source, target, image.data.size)
            except OSError as error:
                raise self._failure(error) from error

    def _failure(self, error: OSError) -> TransferError:
        why = error.strerror or str(error)
        if error.errno == errno.ENOSPC:
            return DiskFullError(f"the images cannot be put in place: {why}")
        if error.errno == errno.EXDEV:
            why = "the lake and the target are on different file systems"
        return TransferError(
            f"media={self._media!r}: the images cannot be put in place: {why}",
            hint=None if self._media == "copy" else "use media='copy'",
        )


def _copy(source: Path, target: Path, size: int | None) -> None:
    with source.open("rb") as origin, target.open("xb", buffering=0) as copy:
        append_file(origin, copy)
        copied = copy.seek(0, os.SEEK_END)
    if size is not None and copied != size:
        raise TransferError(f"{source.name} has {copied} bytes in the lake instead of {size}")


def _move_files(staging: Path, root: Path) -> None:
    """Move all files of one folder to another, in place of the empty files that hold their names."""
    for folder, _, files in os.walk(staging):
        below = Path(folder).relative_to(staging)
        if below.parts[:1] == (".headrace",):
            continue
        if files:
            (root / below).mkdir(parents=True, exist_ok=True)
        for name in files:
            os.replace(os.path.join(folder, name), root / below / name)
    shutil.rmtree(staging, ignore_errors=True)
