"""Uploads with the arguments of the official client."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from headrace.blocking import habits
from headrace.blocking.exif import exif_metadata
from headrace.blocking.handles import BlockingHandle, unwrap, wrap
from headrace.blocking.portal import portal
from headrace.blocking.services.error_manager import ErrorManager
from headrace.engine.upload.file import UploadFile
from headrace.errors import BadRequestError, NoDataError, TransferError
from headrace.formats.io.image_size import read_size
from headrace.model.records import Meta
from headrace.sdk.base.arguments import Paths, as_path
from headrace.sdk.data import MultiData as AsyncMultiData
from headrace.sdk.datalake import Datalake as AsyncDatalake
from headrace.sdk.datasource import DataSource as AsyncDataSource
from headrace.sdk.tag import Tag as AsyncTag
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport

DataT = TypeVar("DataT")
ManyT = TypeVar("ManyT")
Metadata = dict[str, Any]
PixelSize = tuple[int, int]


class FailedUploadError(TransferError):
    """A file that could not be uploaded; an ``ErrorManager`` collects these.

    Args:
        message: What is wrong.
        path: The file.
        parent: The error behind it, if there is one.
    """

    def __init__(self, message: str, path: str, parent: Exception | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.parent = parent


class MissingFileError(NoDataError, FileNotFoundError):
    """A file to upload does not exist, so nothing was uploaded. Also a ``FileNotFoundError``."""


class Uploads(BlockingHandle[AsyncDatalake], Generic[DataT, ManyT]):
    """The upload of a datalake; ``DataT`` and ``ManyT`` are the handles of one data and of several."""

    __slots__ = ()

    def upload_data(
        self,
        filepaths: str | Path | Paths,
        tags: Sequence[str | BlockingHandle[AsyncTag]] | None = None,
        source: str | BlockingHandle[AsyncDataSource] | None = None,
        max_workers: int | None = None,
        error_manager: ErrorManager | None = None,
        metadata: Metadata | Sequence[Metadata] | None = None,
        fill_metadata: bool = False,
        wait_for_unprocessable_data: bool = True,
        upload_dir: str | None = None,
        custom_metadata: Metadata | Sequence[Metadata] | None = None,
        sizes: PixelSize | Sequence[PixelSize] | None = None,
        *,
        progress: OnProgress | None = None,
    ) -> DataT | ManyT:
        """Upload files.

        A file that the datalake has already, with the same name, content and metadata, is not uploaded again but gets
        the tags; with ``source`` every file is uploaded. An interrupted upload of a large file is continued.

        Args:
            filepaths: One path, or several.
            tags: Data tags for the files; tags given by name are created if missing.
            source: The data source of the files; created if missing.
            max_workers: Maximum number of concurrent uploads.
            error_manager: Collects the errors of files that failed, which then raise nothing while one file succeeds.
            metadata: The metadata of all files, or a list with those of each file.
            fill_metadata: Add EXIF tags of images to their metadata: time, author, resolution, compression, manufacturer,
                software and colour space. Keys of ``metadata`` win. Needs Pillow.
            wait_for_unprocessable_data: Has no effect: what the platform must read is waited for.
            upload_dir: The folder of the files in the object store.
            custom_metadata: The custom metadata of all files, or a list with those of each file.
            sizes: Width and height in pixels of the file, or of each file, for files whose headers do not tell it.
            progress: Called with progress events.

        Returns:
            A ``Data`` for one path, a ``MultiData`` in the order of the paths for several. In scripts of the official
            client, a list of one path is one path too.

        Raises:
            FileNotFoundError: Before anything is uploaded, if a path is not a file and there is no ``error_manager``.
            MissingExtraError: With ``fill_metadata``, if Pillow is not installed.
            PartialTransferError: If some files failed and there is no ``error_manager``. All others are in the datalake.
            NoDataError: If nothing was uploaded.
        """
        single = isinstance(filepaths, str | Path)
        given = [filepaths] if isinstance(filepaths, str | Path) else list(filepaths)
        files = UploadFile.each([as_path(path) for path in given], metadata, custom_metadata)
        if sizes is not None:
            _set_sizes(files, [sizes] if isinstance(sizes, tuple) else sizes)
        if error_manager is not None:
            files = _existing(files, error_manager)
        elif habits.has(self._session):
            for file in files:
                if not file.path.is_file():
                    raise MissingFileError(
                        f"{file.path}: no such file", hint="nothing was uploaded"
                    )
        if fill_metadata:
            for file in files:
                file.metadata = {**exif_metadata(file.path), **(file.metadata or {})} or None
        many, report = self._send(files, tags, source, upload_dir, max_workers, progress)
        if error_manager is None:
            report.check("uploaded")
        else:
            for failure in report.failures:
                error_manager.append(FailedUploadError(failure.message, failure.name))
        if not many and (error_manager is not None or habits.has(self._session)):
            raise NoDataError("nothing was uploaded", hint="errors of the error_manager say why")
        one = single or (habits.has(self._session) and len(many) == 1)
        answer: DataT | ManyT = wrap(many[0] if one else many)
        return answer

    def _send(
        self,
        files: list[UploadFile],
        tags: Sequence[str | BlockingHandle[AsyncTag]] | None,
        source: str | BlockingHandle[AsyncDataSource] | None,
        upload_dir: str | None,
        max_workers: int | None,
        progress: OnProgress | None,
    ) -> tuple[AsyncMultiData, TransferReport]:
        lake = self._inner

        async def send() -> tuple[AsyncMultiData, TransferReport]:
            return await lake._upload_each(  # noqa: SLF001 - the async method without its check of the report
                files,
                unwrap(None if tags is None else list(tags)),
                unwrap(source),
                upload_dir=upload_dir,
                max_workers=max_workers,
                progress=progress,
            )

        return portal().call(send, self._session)


def _set_sizes(files: list[UploadFile], sizes: Sequence[PixelSize]) -> None:
    """Give files the sizes that a script knows, where their headers do not tell them."""
    if len(sizes) != len(files):
        raise BadRequestError(
            f"{len(sizes)} sizes for {len(files)} files", hint="give one for each file"
        )
    for file, (width, height) in zip(files, sizes, strict=True):
        if file.path.is_file() and read_size(file.path) is None:
            file.meta = Meta(width, height)


def _existing(files: list[UploadFile], errors: ErrorManager) -> list[UploadFile]:
    """Return the files that exist; the others are errors."""
    found = []
    for file in files:
        if file.path.is_file():
            found.append(file)
        else:
            missing = FileNotFoundError(errno.ENOENT, "no such file", str(file.path))
            errors.append(FailedUploadError("no such file", str(file.path), missing))
    return found
