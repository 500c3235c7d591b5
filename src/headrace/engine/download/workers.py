"""Workers of an executor that download batches of files into a folder that they share."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial

import anyio
from msgspec import Struct

from headrace.backend.base import Backend
from headrace.backend.remote_file import RemoteFile
from headrace.client_name import PRODUCT
from headrace.engine.cluster.calls import shard_call
from headrace.engine.cluster.executor import Executor
from headrace.errors import (
    ChecksumError,
    HeadraceError,
    StorageError,
    TransferError,
    WorkerProcessError,
)
from headrace.net.ssrf import UrlPolicy
from headrace.net.storage_session import StorageSession
from headrace.threads import in_thread
from headrace.transfer.download.batch import SmallFileBatch
from headrace.transfer.download.by_workers import FetchedFiles, WorkerFile
from headrace.transfer.source import Item
from headrace.transfer.state.commit import file_committer
from headrace.transfer.state.copier import Copier, LocalMedia
from headrace.transfer.state.disk import Folder
from headrace.transfer.state.workspace import WorkerPlace

PARALLEL = 4
"""Connections of one batch: enough that none waits for the network, few enough that many workers spare the storage."""


class FetchFiles(Struct, frozen=True):
    """A batch of files to download.

    Attributes:
        place: Where they go.
        files: The files.
        policy: Which URLs may be requested.
    """

    place: WorkerPlace
    files: list[WorkerFile]
    policy: UrlPolicy


class DownloadWorkers:
    """The workers of an executor; see :class:`~headrace.transfer.download.by_workers.BatchWorkers`."""

    def __init__(self, executor: Executor, backend: Backend) -> None:
        self.slots = executor.slots
        self.shared = executor.shared
        self._executor = executor
        self._policy = backend.url_policy

    async def fetch(self, place: WorkerPlace, files: list[WorkerFile]) -> FetchedFiles:
        """Let a worker fetch files. Where it dies, or can fetch none, all of them are left.

        Raises:
            ConnectError: The cluster has gone.
        """
        spec = fetch_files.encode(FetchFiles(place, files, self._policy))
        try:
            answer = await self._executor.run(fetch_files.name, spec)
        except WorkerProcessError:
            return FetchedFiles([], 0, [*range(len(files))])
        try:
            return fetch_files.decode(answer)
        except (TransferError, StorageError):
            return FetchedFiles([], 0, [*range(len(files))])


@shard_call
async def fetch_files(batch: FetchFiles) -> FetchedFiles:
    """Download files, or copy those of this machine, and put each in place when it is complete and verified.

    One that fails is left to the run, which tells why it does.
    """
    place = batch.place
    with ExitStack() as stack:
        folders = [Folder(place.parts), Folder(place.target)]
        for folder in folders:
            stack.callback(folder.close)
        if batch.files and batch.files[0].path:
            return await in_thread(_copied, batch, *folders)
        return await _downloaded(batch, *folders)


def _copied(batch: FetchFiles, parts: Folder, target: Folder) -> FetchedFiles:
    place = batch.place
    copier = Copier(
        parts,
        f"{place.temporary}.whole",
        target,
        LocalMedia(place.media),
        durable=place.durable,
        is_empty=place.is_empty,
    )
    fetched = FetchedFiles([], 0, [])
    for index, file in enumerate(batch.files):
        try:
            fetched.complete.append(copier.copy(_item(file, None), file.path))
            fetched.moved += file.size
        except (ChecksumError, TransferError, OSError):
            fetched.left.append(index)
    return fetched


async def _downloaded(batch: FetchFiles, parts: Folder, target: Folder) -> FetchedFiles:
    place = batch.place
    fetched = FetchedFiles([], 0, [])
    storage = StorageSession(user_agent=PRODUCT, url_policy=batch.policy)

    async def fetch_some(number: int, indexes: range) -> None:
        files = [batch.files[index] for index in indexes]
        source = partial(RemoteFile, storage, renew=_no_other_url, fresh=True)
        items = [_item(file, source(file.url, what=repr(file.name))) for file in files]
        some = SmallFileBatch(items[0])
        some.items += items[1:]
        commit = file_committer(
            parts,
            f"{place.temporary}-{number}.whole",
            target,
            durable=place.durable,
            is_empty=place.is_empty,
        )
        try:
            await some.fetch_batch(commit)
        finally:
            some.discard()
        failed = {item.name for item, _ in some.failed}
        fetched.complete += some.complete
        fetched.moved += some.moved
        fetched.left += [
            index
            for count, index in enumerate(indexes)
            if count >= some.done or items[count].name in failed
        ]

    try:
        async with anyio.create_task_group() as group:
            for number in range(min(PARALLEL, len(batch.files))):
                group.start_soon(fetch_some, number, range(number, len(batch.files), PARALLEL))
    finally:
        with anyio.CancelScope(shield=True):
            await storage.aclose()
    return fetched


async def _no_other_url() -> str:
    raise HeadraceError("a worker has no other URL")


def _item(file: WorkerFile, source: RemoteFile | None) -> Item:
    return Item(name=file.name, source=source, size=file.size, sha256=file.sha256)  # type: ignore[arg-type]
