"""What data, assets and assignments share: the file of the datalake, and its download."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

from headrace.engine.download.names import name_all
from headrace.engine.download.pull import pull_files
from headrace.model.enums import DataType
from headrace.model.records import DataRecord
from headrace.protocol.operations import datalake as operations
from headrace.sdk.base.arguments import as_path
from headrace.sdk.base.session import Session
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class WithFile:
    """Mixin for handles of objects that stand for a file of the datalake."""

    __slots__ = ()

    session: Session

    @property
    @abstractmethod
    def id(self) -> UUID:
        """The id of the object."""

    @property
    @abstractmethod
    def _file(self) -> DataRecord: ...

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self._file.filename

    @property
    def object_name(self) -> str:
        """The name of the file in the object store."""
        return self._file.object_name

    @property
    def type(self) -> DataType:
        """Whether the file is an image or a video."""
        return self._file.type

    @property
    def content_type(self) -> str:
        """The media type, such as ``image/png``."""
        return self._file.content_type

    @property
    def width(self) -> int | None:
        """The width in pixels; None until the platform has read the file."""
        return self._file.meta.width if self._file.meta else None

    @property
    def height(self) -> int | None:
        """The height in pixels; None until the platform has read the file."""
        return self._file.meta.height if self._file.meta else None

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The metadata of the picture, such as time, place and camera."""
        return self._file.metadata

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """The custom metadata: keys and values of your own."""
        return self._file.custom_metadata

    @property
    def id_with_extension(self) -> str:
        """The local file name of a download with ``use_id``: the id with the extension of the file."""
        return f"{self.id}{PurePosixPath(self.filename).suffix}"

    @property
    def url(self) -> str | None:
        """The signed URL as last read. It grants access to the file until it expires, so treat it as a secret."""
        return self._file.presigned_url

    async def reset_url(self) -> str:
        """Return a new signed URL of the file."""
        request = operations.DataId(data_id=self._file.id)
        answer = await self.session.call(operations.GET_DATA_URL, request)
        return answer.presigned_url

    async def download(
        self,
        target_path: str | Path = "./",
        force_replace: bool = False,
        use_id: bool = False,
    ) -> TransferReport:
        """Download the file into a folder. A complete file there is not downloaded again.

        A file that headrace did not write, or that was changed since, is kept and counted in the report.

        Args:
            target_path: The folder; created if missing.
            force_replace: Download the file even if a complete one, or another file, is there.
            use_id: Name the local file ``<id>.<extension>`` instead of by its file name.

        Returns:
            What was downloaded and what was skipped.

        Raises:
            PartialTransferError: If the file could not be downloaded, or does not match its size or checksum.
        """
        return await download_all(
            self.session,
            [(self.id, self._file)],
            target_path,
            force_replace=force_replace,
            use_id=use_id,
        )


async def download_all(
    session: Session,
    files: Iterable[tuple[UUID, DataRecord]],
    target_path: str | Path,
    *,
    force_replace: bool = False,
    max_workers: int | None = None,
    use_id: bool = False,
    progress: OnProgress | None = None,
) -> TransferReport:
    """Download the files of many handles into one folder."""
    return await pull_files(
        session.backend,
        name_all(files, use_id=use_id),
        as_path(target_path),
        force_replace=force_replace,
        max_workers=max_workers,
        progress=progress,
    )
