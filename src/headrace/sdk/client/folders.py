"""Local folders and dataset versions: pushing files, and keeping both sides equal."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from headrace.engine.name_filter import NameFilter
from headrace.engine.sync.losses import DeleteLimit
from headrace.engine.sync.plan import Direction, Side, SyncOptions
from headrace.engine.sync.report import SyncReport
from headrace.engine.sync.run import Confirm, synchronize
from headrace.engine.upload.push import push
from headrace.engine.upload.push_batch import PushReport
from headrace.engine.upload.urls import MAX_BYTES, MAX_PIXELS, is_url
from headrace.model.enums import InferenceType
from headrace.sdk.base.arguments import as_path
from headrace.sdk.client.datalakes import ClientDatalakes
from headrace.sdk.client.datasets import ClientDatasets, check_new_names, split_version_name
from headrace.settings import load_settings
from headrace.transfer.progress import OnProgress


class ClientFolders(ClientDatalakes, ClientDatasets):
    """The methods of a client for local folders."""

    __slots__ = ()

    async def push(
        self,
        name: str,
        paths: str | Path | Iterable[str | Path],
        *,
        type: InferenceType | str = InferenceType.NOT_CONFIGURED,
        tags: Iterable[str] = (),
        max_workers: int | None = None,
        retry_failed: bool = False,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        follow_links: bool = False,
        on_error: Literal["raise", "skip"] = "raise",
        fetch_urls: bool = False,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
        dry_run: bool = False,
        progress: OnProgress | None = None,
    ) -> PushReport:
        """Upload files or folders of images and videos, and add them to a dataset version.

        The dataset and the version are created if they are missing. A file that the default datalake already has, with
        the same name and content, is not uploaded again, so an interrupted push is continued by the same call. Where
        neither the platform nor its storage reports digests, a file of the same name and size counts as the same.

        Args:
            name: The full name of the version, ``"dataset/version"``.
            paths: Files, or folders that are searched for images and videos; URLs, with ``fetch_urls``.
            type: The type of the version, if it is created.
            tags: Names of data tags for the uploaded files; created if missing.
            max_workers: Maximum number of concurrent uploads.
            retry_failed: Upload only the files that failed in the last push into this version.
            include: Push only files whose names match these globs; see
                :class:`~headrace.engine.name_filter.NameFilter`. A file is named by its path in the folder.
            exclude: Leave out files whose names match these globs.
            names: Push only files with these names. They are looked up in the folders, which are not searched then.
            follow_links: Read links that lead out of a folder. Default: they fail, and linked folders are left out.
            on_error: On files that cannot be uploaded: ``"raise"`` an error in the end, when all others are done, or
                ``"skip"`` them and return the report, whose ``transfer`` names them.
            fetch_urls: Fetch the URLs among ``paths`` and ``names``, over http and https, from public addresses only, and
                without credentials. Default: they are refused.
            max_bytes: The largest file that is fetched, in bytes.
            max_pixels: The largest image that is fetched, in pixels.
            dry_run: Only report what would be uploaded and added.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            What was uploaded, skipped and added.

        Raises:
            BadRequestError: If ``name`` is not of the form ``"dataset/version"``.
            PartialTransferError: If some files failed; its report names them. All others are in the version.
            NoDataError: If there is nothing to push.
            RefusedUrlError: If there are URLs, and ``fetch_urls`` is not set.

        Example:
            ```python
            report = await client.push("bccd/v1", "images/", type="OBJECT_DETECTION")
            ```
        """
        dataset, version = split_version_name(name)
        check_new_names(dataset, version)
        lake = await self.get_datalake()
        given = [paths] if isinstance(paths, str | Path) else list(paths)
        fetch = None
        if fetch_urls:
            from headrace.engine.upload.fetch import FetchOptions  # loads an HTTP client

            fetch = FetchOptions(max_bytes=max_bytes, max_pixels=max_pixels)
        tag_ids = []
        if not dry_run:
            tag_ids = [(await lake.get_or_create_data_tag(tag)).id for tag in tags]
        return await push(
            self.session.backend,
            self.session.organization.id,
            lake.record,
            dataset,
            version,
            [as_path(path) for path in given if not is_url(str(path))],
            type=InferenceType.parse(type),
            tag_ids=tag_ids,
            max_workers=max_workers,
            state=load_settings().state_folder(),
            retry_failed=retry_failed,
            chosen=NameFilter.of(include, exclude, names),
            follow_links=follow_links,
            on_error=on_error,
            urls=[path for path in given if isinstance(path, str) and is_url(path)],
            fetch=fetch,
            dry_run=dry_run,
            progress=progress or self.session.progress,
        )

    async def sync_folder(
        self,
        name: str,
        folder: str | Path,
        *,
        direction: Direction | str = Direction.BOTH,
        delete: bool = False,
        max_delete: int | str | None = None,
        prefer: Side | str | None = None,
        confirm: Confirm | None = None,
        undo: bool = True,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        plan: str | Path | None = None,
        apply: str | Path | None = None,
        dry_run: bool = False,
        max_workers: int | None = None,
        progress: OnProgress | None = None,
    ) -> SyncReport:
        """Make a local folder and a dataset version hold the same files.

        Changes since the last synchronization are carried to the other side. A file that both sides changed is a
        conflict; it is listed in ``report.conflicts`` and left unchanged on both sides, unless ``prefer`` decides. A
        changed picture becomes a new asset that replaces the old one; if the old one has annotations, this is a
        conflict too. Hidden files are ignored, and so are files that are neither images nor videos.

        Args:
            name: The full name of the version, ``"dataset/version"``.
            folder: An existing folder.
            direction: ``"both"``, or only ``"down"`` (into the folder) or ``"up"`` (into the version).
            delete: Carry deletions to the other side too. If the folder or the version is empty, this is refused.
            max_delete: The most assets that may leave the version, and the most files that may be deleted in the folder:
                a number, or a part of them such as ``"25%"``. Default: 10 %, but at least 10.
            prefer: The side that wins a conflict, ``"local"`` or ``"remote"``. Default: none.
            confirm: Called with the report, as of a dry run, before anything is deleted; if it returns False, nothing is
                done at all.
            undo: Record the assets that leave the version, so that they can be brought back (``report.removal``). False
                removes without recording.
            include: Synchronize only files whose names match these globs; see
                :class:`~headrace.engine.name_filter.NameFilter`. Others are left alone on both sides.
            exclude: Leave alone files whose names match these globs.
            names: Synchronize only files with these names.
            plan: Only plan, and write the plan to this file, as JSON lines.
            apply: Do what the plan in this file says, with the direction and the other choices that it was made with. Steps
                that were deleted from the file are not done.
            dry_run: Only report what would be done.
            max_workers: Maximum number of concurrent transfers.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            Every step, and the conflicts.

        Raises:
            SourceNotFoundError: If ``folder`` does not exist.
            NotADirectoryError: If ``folder`` is not a folder.
            LakeError: If the folder is a lake, contains one, or lies in one.
            ConflictError: If the folder or the version has changed since the plan to ``apply`` was made; nothing was changed.
            ConfigurationError: If the file to ``apply`` is no plan for this folder and version.
            DeleteLimitError: If more would be deleted than ``max_delete`` allows; nothing was changed.
            RemovalNotRecordedError: With ``undo``, if what leaves the version cannot be recorded; nothing was changed.
            PartialTransferError: If some files could not be transferred. All others are done, and the same call
                continues.
        """
        version = await self.version(name)
        lake = await self.get_datalake()
        return await synchronize(
            self.session.backend,
            self.session.organization.id,
            lake.record,
            version.id,
            as_path(folder),
            SyncOptions.parse(
                direction,
                delete=delete,
                prefer=prefer,
                undo=undo,
                chosen=NameFilter.of(include, exclude, names),
            ),
            plan=None if plan is None else as_path(plan),
            apply=None if apply is None else as_path(apply),
            limit=DeleteLimit.parse(max_delete),
            confirm=confirm,
            dry_run=dry_run,
            max_workers=max_workers,
            progress=progress or self.session.progress,
        )
