"""The files of a version: downloaded into a folder, and compared with one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from headrace.engine.cluster.opening import opened_executor
from headrace.engine.digest.run import check_unchanged, expect_digest
from headrace.engine.download.names import Layout, as_layout, name_pages
from headrace.engine.download.pull import failed_before, pull, pull_files
from headrace.engine.download.verify import OnLine, VerifyReport, verify
from headrace.engine.name_filter import NameFilter
from headrace.engine.sync.compare import compare
from headrace.engine.versions.chosen import chosen_assets
from headrace.model.names import repair_name
from headrace.model.records import AssetRecord
from headrace.sdk.asset import MultiAsset
from headrace.sdk.base.arguments import as_path
from headrace.sdk.version.assets import VersionAssets
from headrace.transfer.progress import OnProgress
from headrace.transfer.report import TransferReport
from headrace.transfer.state.copier import LocalMedia, as_media

log = logging.getLogger("headrace.sdk")


class VersionDownloads(VersionAssets):
    """The methods of a version for its files."""

    __slots__ = ()

    async def download(
        self,
        target_path: str | Path | None = None,
        force_replace: bool = False,
        max_workers: int | None = None,
        use_id: bool = False,
        *,
        layout: Layout | str = Layout.NAMES,
        durable: bool = False,
        media: LocalMedia | str = LocalMedia.COPY,
        retry_failed: bool = False,
        dry_run: bool = False,
        expected_digest: str | None = None,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        q: str | None = None,
        executor: str | None = None,
        progress: OnProgress | None = None,
    ) -> TransferReport:
        """Download the files of all assets into a folder.

        Complete files there are not downloaded again, and an existing file is replaced only by a verified one. A file
        that headrace did not write, or that was changed since, is kept unless it has the content of the asset. Until
        all files are there, the state is kept in the subfolder ``.headrace``, so an interrupted download is continued
        by the same call, also in another process or on another machine. Then the folder holds the files and nothing
        else.

        Args:
            target_path: The folder; created if missing. Default: ``./<dataset>/<version>``.
            force_replace: Download all files, even if complete ones are there, and replace other files that have their
                names.
            max_workers: Maximum number of concurrent downloads.
            use_id: Name the local files ``<asset id>.<extension>`` instead of by their file names.
            layout: ``"names"`` for file names in one folder, ``"tree"`` for the names and folders of the object store.
            durable: Sync each file to disk before it appears under its name.
            media: ``"copy"``, or, from a lake on the same disk, ``"hardlink"``: the local files then are the lake's own,
                take no room and are read-only, since a change of one would be a change of the lake.
            retry_failed: Download only the files that failed in the last run into this folder.
            dry_run: Only report what would be downloaded, skipped and kept; write nothing.
            expected_digest: The digest that the version must have, as ``digest`` returns it; else nothing is written.
            include: Choose only assets whose names match these globs; see :class:`~headrace.engine.name_filter.NameFilter`.
            exclude: Leave out assets whose names match these globs.
            names: Choose only assets with these names.
            q: Choose only assets that fulfil this condition in the query language.
            executor: What fetches files of up to 256 KiB, in place of this process: ``"local"`` for a process for each
                processor, ``"local:4"`` for four, ``"dask://host:port"`` for the workers of a Dask cluster, which reach the
                folder by the same path.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            What was downloaded and what was skipped. ``kept`` counts the files that were not downloaded because another
            file has their name, and ``kept_files`` names them.

        Raises:
            ConfigurationError: If files of a server are to be linked, or there is no such executor.
            ConnectError: If the Dask cluster does not answer.
            TransferError: If files cannot be linked, since the lake is on another disk.
            LakeError: If the folder is a lake, contains one, or lies in one.
            DigestMismatchError: If the version has another digest than ``expected_digest``, or changed meanwhile.
            PartialTransferError: If some files could not be downloaded; its report names them. All others are
                complete, and the same call continues.

        Example:
            ```python
            report = await version.download("images/", use_id=True)
            ```
        """
        if target_path is None:
            target_path = Path(repair_name(self.record.origin_name)) / repair_name(
                self.record.version
            )
        backend, folder = self.session.backend, as_path(target_path)
        chosen = NameFilter.of(include, exclude, names)
        listed = chosen_assets(backend, self.id, chosen, q)
        named = name_pages(backend, self.id, listed, use_id=use_id, layout=as_layout(layout))
        before = await expect_digest(
            backend, self.record, expected_digest, progress=progress or self.session.progress
        )
        async with opened_executor(executor) as workers:
            report = await pull(
                backend,
                failed_before(backend, self.id, folder, chosen) if retry_failed else named,
                folder,
                force_replace=force_replace,
                durable=durable,
                media=as_media(media),
                dry_run=dry_run,
                max_workers=max_workers,
                total=None if retry_failed or chosen else await listed.count(),
                progress=progress or self.session.progress,
                some_files=retry_failed or bool(chosen) or q is not None,
                executor=workers,
            )
        if before is not None:
            await check_unchanged(backend, self.record, before)
        if not retry_failed:
            chosen.check_any(report.total, f"{self.record.origin_name}/{self.record.version}")
        return report

    async def verify(
        self,
        folder: str | Path,
        use_id: bool = False,
        *,
        layout: Layout | str = Layout.NAMES,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
        q: str | None = None,
        on_line: OnLine | None = None,
        progress: OnProgress | None = None,
    ) -> VerifyReport:
        """Compare a folder with the version: every file is read, and nothing is fetched or written.

        Args:
            folder: An existing folder, as :meth:`download` fills it.
            use_id: The local files are named ``<asset id>.<extension>``.
            layout: The names of the local files, as in :meth:`download`.
            include: Choose only assets whose names match these globs; see :class:`~headrace.engine.name_filter.NameFilter`.
            exclude: Leave out assets whose names match these globs.
            names: Choose only assets with these names.
            q: Choose only assets that fulfil this condition.
            on_line: Called on a thread with a symbol and a name for each file: ``=`` the same, ``*`` different, ``+`` missing
                in the folder, ``-`` only in the folder, ``!`` unreadable.
            progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing. Default:
                as the client.

        Returns:
            The numbers of files that are the same, different, missing, extra and unreadable. Where only some assets are
            chosen, other files in the folder are not extra.

        Raises:
            NotADirectoryError: If ``folder`` is not a folder.
        """
        chosen = NameFilter.of(include, exclude, names)
        backend = self.session.backend
        listed = chosen_assets(backend, self.id, chosen, q)
        return await verify(
            name_pages(backend, self.id, listed, use_id=use_id, layout=as_layout(layout)),
            as_path(folder),
            whole=not chosen and q is None,
            on_line=on_line,
            total=None if chosen else await listed.count(),
            progress=progress or self.session.progress,
        )

    async def synchronize(self, target_dir: str | Path, do_download: bool = False) -> MultiAsset:
        """Find the assets whose files are missing or incomplete in a folder.

        Files in the folder that belong to no asset are logged.

        Args:
            target_dir: An existing folder.
            do_download: Download the missing files into it. A file with other content that headrace did not write, or
                that was changed since, is kept.

        Returns:
            The assets whose files were missing or incomplete.

        Raises:
            NotADirectoryError: If ``target_dir`` is not a folder.
            PartialTransferError: If some files could not be downloaded.
        """
        folder = as_path(target_dir)
        found = await compare(self.session.backend, self.id, folder)
        if found.unknown:
            shown = ", ".join(found.unknown[:5]) + (" …" if len(found.unknown) > 5 else "")
            log.info("%d files are not in the version: %s", len(found.unknown), shown)
        if do_download and found.missing:
            await pull_files(self.session.backend, found.missing, folder)
        return self._assets([AssetRecord(id=one.id, data=one.data) for one in found.missing])
