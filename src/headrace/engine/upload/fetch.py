"""Images behind URLs: fetched into a folder first, with all the care that URLs of strangers need.

Only http and https, only public addresses (checked when connecting, and at each redirect), no credentials, no more bytes
and pixels than allowed. A broken download is resumed, also by the next run.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from aiohttp.abc import AbstractResolver
from msgspec import Struct
from yarl import URL

from headrace.backend.remote_file import RemoteFile
from headrace.client_name import PRODUCT
from headrace.engine.upload.file import UploadFile, is_media
from headrace.engine.upload.folders import FileBatch
from headrace.engine.upload.urls import MAX_BYTES, MAX_PIXELS, UrlImage
from headrace.errors import HeadraceError, RefusedUrlError, TransferError, UnusableFileError
from headrace.folders.usable import check_upload
from headrace.formats.io.image_size import read_size
from headrace.net.public_hosts import PUBLIC, PublicResolver, PublicUrls
from headrace.net.response import StallPolicy
from headrace.net.retry import RetryPolicy
from headrace.net.storage_session import StorageSession
from headrace.net.urls import redact
from headrace.tasks import first_error
from headrace.threads import in_thread
from headrace.transfer.download.run import run
from headrace.transfer.progress import OnProgress, Progress
from headrace.transfer.source import Item, Stream
from headrace.transfer.state.journal import MarkSet

WORKERS = 16
_MAX_CONNECTIONS = 20
"""Connections for one file: progress restores the attempts, and a host may send one byte at each."""
_POLICY = RetryPolicy(attempts=4, cap=5.0, budget=120.0, longest=60.0)
_STALL = StallPolicy(silence=30.0, speed=1_000)


class FetchOptions(Struct, frozen=True, kw_only=True):
    """How URLs are fetched.

    Attributes:
        max_bytes: The largest file, in bytes.
        max_pixels: The largest image, in pixels.
        policy: Which URLs are allowed.
        lookup: Looks up host names. Default: the system.
        retries: How often a file is tried.
    """

    max_bytes: int = MAX_BYTES
    max_pixels: int = MAX_PIXELS
    policy: PublicUrls = PUBLIC
    lookup: AbstractResolver | None = None
    retries: RetryPolicy = _POLICY


class UrlFetcher:
    """Fetches URLs into a folder, and remembers which of them need not be fetched again.

    Args:
        folder: Created if missing; it holds what an interrupted run has left.
        options: How to fetch.
        progress: Called with a progress event from time to time.
    """

    def __init__(
        self, folder: Path, options: FetchOptions, progress: OnProgress | None = None
    ) -> None:
        self._folder = folder
        self._files = folder / "files"
        self._done_path = folder / "done"
        self._options = options
        self._progress = progress
        self._done = MarkSet()
        self._failed = False

    async def __aenter__(self) -> Self:
        await in_thread(self._load)
        options = self._options
        self._storage = StorageSession(
            user_agent=PRODUCT,
            connections=WORKERS,
            stall=_STALL,
            fast_path=False,
            url_policy=options.policy,
            resolver=PublicResolver(options.policy.allows, options.lookup),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._storage.aclose()
        if kind is None and not self._failed:
            await in_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def is_done(self, image: UrlImage) -> bool:
        """Return whether an interrupted run has pushed this image."""
        return image.mark in self._done

    async def fetch(self, images: Sequence[UrlImage]) -> FileBatch:
        """Fetch some images; return the files, and why the others cannot be had, named by their URLs without query."""
        unusable: list[tuple[UploadFile, HeadraceError]] = []
        wanted: dict[str, UrlImage] = {}
        for image in images:
            staged = f"{image.mark:016x}{PurePosixPath(image.filename).suffix}"
            try:
                self._check(image)
            except HeadraceError as error:
                unusable.append((_file(image, self._files / staged), error))
            else:
                wanted[staged] = image
        failures = await self._download(wanted)
        batch = FileBatch([], unusable)
        for staged, image in wanted.items():
            file = UploadFile(path=self._files / staged, filename=image.filename)
            why = failures.get(staged) or await in_thread(self._refusal, file, image)
            if why is None:
                batch.files.append(file)
            else:
                unusable.append((_file(image, file.path), why))
        self._failed = self._failed or bool(unusable)
        return batch

    async def pushed(self, images: Sequence[UrlImage], files: Sequence[UploadFile]) -> None:
        """Remember images whose files have been pushed, and delete the files."""
        await in_thread(self._forget, files, images)

    def _check(self, image: UrlImage) -> None:
        try:
            url = URL(image.url)
        except ValueError:
            raise RefusedUrlError(f"{redact(image.url)} cannot be read as a URL") from None
        self._options.policy.check(url)
        if url.user or url.password:
            raise RefusedUrlError(
                f"{redact(url)} holds a name or a password, which are not sent",
                hint="download it yourself, and push the file",
            )
        if not is_media(image.filename):
            raise RefusedUrlError(
                f"{redact(url)} does not name an image", hint="its path must end as in .jpg or .png"
            )

    async def _download(self, wanted: dict[str, UrlImage]) -> dict[str, HeadraceError]:
        items = [
            Item(
                name=staged, source=_LimitedFile(self._storage, image.url, self._options.max_bytes)
            )
            for staged, image in wanted.items()
        ]

        async def pages() -> AsyncIterator[list[Item]]:
            yield items

        try:
            with Progress("fetch", "files", self._progress, total=len(items)) as counting:
                report = await run(
                    pages(),
                    self._files,
                    some_files=True,
                    max_workers=WORKERS,
                    policy=self._options.retries,
                    progress=counting,
                )
        except BaseExceptionGroup as errors:
            raise first_error(errors) from None
        return {each.name: _FetchError(each.message, each.code) for each in report.failures}

    def _refusal(self, file: UploadFile, image: UrlImage) -> HeadraceError | None:
        """Return why a fetched file cannot be pushed; set its size."""
        try:
            file.size = check_upload(file.path, None)
            size = read_size(file.path)
        except (HeadraceError, OSError) as error:
            file.path.unlink(missing_ok=True)
            what = str(error).replace(str(file.path), redact(image.url))
            return UnusableFileError(what)
        if size is not None and size.width * size.height > self._options.max_pixels:
            file.path.unlink(missing_ok=True)
            return UnusableFileError(
                f"{redact(image.url)} has {size.width:,} x {size.height:,} pixels, more than"
                f" {self._options.max_pixels:,}",
                hint="raise max_pixels= if that is meant",
            )
        return None

    def _load(self) -> None:
        self._files.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._done_path.exists():
            content = self._done_path.read_bytes()
            marks = (content[at : at + 8] for at in range(0, len(content) - 7, 8))
            self._done.update(int.from_bytes(mark) for mark in marks)

    def _forget(self, files: Sequence[UploadFile], images: Sequence[UrlImage]) -> None:
        staged = {file.path.stem for file in files}
        with self._done_path.open("ab") as done:
            for image in images:
                if f"{image.mark:016x}" in staged:
                    done.write(image.mark.to_bytes(8))
        for file in files:
            file.path.unlink(missing_ok=True)


class _LimitedFile:
    """A file behind a URL, of at most some bytes."""

    def __init__(self, storage: StorageSession, url: str, most: int) -> None:
        self._shown = redact(url)
        self._most = most
        self._opened = 0

        async def same() -> str:
            return url

        self._file = RemoteFile(storage, None, renew=same, what=self._shown)

    @asynccontextmanager
    async def open(self, offset: int = 0, validator: str | None = None) -> AsyncIterator[Stream]:
        self._opened += 1
        if self._opened > _MAX_CONNECTIONS:
            raise RefusedUrlError(f"{self._shown} broke {_MAX_CONNECTIONS} connections")
        async with self._file.open(offset, validator) as stream:
            if max(stream.total or 0, stream.start + (stream.length or 0)) > self._most:
                raise self._too_large()
            yield _LimitedStream(stream, self._most, self._too_large())

    async def wait_for_retry(self) -> None:
        await self._file.wait_for_retry()

    def _too_large(self) -> UnusableFileError:
        return UnusableFileError(
            f"{self._shown} has more than {self._most:,} bytes",
            hint="raise max_bytes= if that is meant",
        )


class _LimitedStream:
    whole: memoryview | None = None
    write_to = None
    local_path: Path | None = None

    def __init__(self, stream: Stream, most: int, error: UnusableFileError) -> None:
        self.start = stream.start
        self.length = stream.length
        self.total = stream.total
        self.validator = stream.validator
        self.digests = stream.digests
        self._stream = stream
        self._most = most
        self._error = error

    async def chunks(self) -> AsyncIterator[bytes | memoryview]:
        received = self.start
        async for chunk in self._stream.chunks():
            received += len(chunk)
            if received > self._most:
                raise self._error
            yield chunk


class _FetchError(TransferError):
    """The error of a download, as its report tells it."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


def _file(image: UrlImage, path: Path) -> UploadFile:
    """Return a file that stands for a URL in a report."""
    return UploadFile(path=path, filename=redact(image.url))
