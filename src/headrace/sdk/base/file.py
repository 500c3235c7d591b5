"""What data and assets share: the file behind them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID

from headrace.engine.download.names import Wanted, name_all
from headrace.engine.download.pull import pull
from headrace.engine.paging import pieces
from headrace.model.enums import DataType
from headrace.model.records import DataRecord
from headrace.protocol.operations import datalake as operations
from headrace.protocol.operations.listing import PAGE_SIZE
from headrace.sdk.base.arguments import as_path
from headrace.sdk.base.session import Session
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport


class WithFile:
    """A handle with a file of the datalake behind it."""

    __slots__ = ()

    session: Session

    @property
    @abstractmethod
    def id(self) -> UUID:
        """The id of this object."""

    @property
    @abstractmethod
    def _file(self) -> DataRecord: ...

    @property
    def filename(self) -> str:
        """The name of the file."""
        return self._file.filename

    @property
    def object_name(self) -> str:
        """The name of the file in the object storage."""
        return self._file.object_name

    @property
    def type(self) -> DataType:
        """Image or video."""
        return self._file.type

    @property
    def content_type(self) -> str:
        """The media type, as in ``image/png``."""
        return self._file.content_type

    @property
    def width(self) -> int | None:
        """Width in pixels, None while the platform has not read it."""
        return self._file.meta.width if self._file.meta else None

    @property
    def height(self) -> int | None:
        """Height in pixels, None while the platform has not read it."""
        return self._file.meta.height if self._file.meta else None

    @property
    def metadata(self) -> dict[str, Any] | None:
        """What is known of the picture: when, where and with what it was taken."""
        return self._file.metadata

    @property
    def custom_metadata(self) -> dict[str, Any] | None:
        """Keys of your own."""
        return self._file.custom_metadata

    @property
    def id_with_extension(self) -> str:
        """The name of the local file of a download with ``use_id``."""
        return f"{self.id}{PurePosixPath(self.filename).suffix}"

    @property
    def url(self) -> str | None:
        """The signed URL of the file as last read; anybody who has it can read the file until it expires."""
        return self._file.presigned_url

    async def reset_url(self) -> str:
        """A fresh signed URL of the file."""
        request = operations.DataId(data_id=self._file.id)
        answer = await self.session.call(operations.GET_DATA_URL, request)
        return answer.presigned_url

    async def download(
        self,
        target_path: str | Path = "./",
        force_replace: bool = False,
        use_id: bool = False,
    ) -> TransferReport:
        """Download the file into the folder ``target_path``; a complete one there is not fetched again.

        Raises PartialTransferError where it could not be fetched or is not what was promised.
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
    """Download the files behind many handles into one folder."""
    wanted = name_all(files, use_id=use_id)

    async def batches() -> AsyncIterator[list[Wanted]]:
        for batch in pieces(wanted, PAGE_SIZE):
            yield batch

    return await pull(
        session.backend,
        batches(),
        as_path(target_path),
        force_replace=force_replace,
        max_workers=max_workers,
        total=len(wanted),
        progress=progress,
    )
