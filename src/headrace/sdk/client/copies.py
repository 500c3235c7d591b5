"""Copying versions from one lake, server or platform to another."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from headrace.engine.copy.report import CopyReport
from headrace.engine.copy.run import Confirm, copy
from headrace.engine.copy.sides import CopySide, no_version
from headrace.engine.copy.version_copy import SPOOL_BYTES, CopyOptions
from headrace.engine.name_filter import NameFilter
from headrace.errors import ConfigurationError
from headrace.formats.label_map import LabelMap
from headrace.model.records import DatasetVersionRecord
from headrace.net.urls import origin
from headrace.sdk.client.client import Client
from headrace.sdk.client.connect import open_connection
from headrace.sdk.client.datasets import split_version_name
from headrace.settings import TOKEN_VARIABLE, load_settings
from headrace.threads import in_thread
from headrace.transfer.progress import OnProgress

Target = Client | str | os.PathLike[str]


async def copy_version(
    source: Target,
    version: str,
    target: Target,
    new_name: str | None = None,
    *,
    q: str | None = None,
    include: str | Iterable[str] | NameFilter = (),
    exclude: str | Iterable[str] = (),
    names: Iterable[str] | None = None,
    labels_map: str | Path | LabelMap | None = None,
    expected_digest: str | None = None,
    verify: bool = True,
    dry_run: bool = False,
    confirm: Confirm | None = None,
    from_profile: str | None = None,
    to_profile: str | None = None,
    spool_bytes: int | None = None,
    max_workers: int | None = None,
    progress: OnProgress | None = "auto",
) -> CopyReport:
    """Copy a version with everything that is in it from one lake, server or platform to another.

    Copied are the files with their metadata, tags of assets, data and version, labels with groups, skeletons and
    attributes, and all annotations with status, owner and duration. Campaigns are not copied. The dataset and the version
    are created if they are missing. What the target cannot hold is counted in the report. Nothing is deleted at the
    target, except annotations of earlier copies that were changed at the source since: they are replaced.

    The same call continues after an interruption, copies nothing twice, and follows what was changed at the source. Within
    one lake or server no bytes are moved; otherwise at most ``spool_bytes`` of files are on this machine at a time.

    Args:
        source: A client, or the folder of a lake, or the URL of a server.
        version: The version to copy, as ``"dataset/version"``.
        target: Where to copy it, in the same forms.
        new_name: The version there, as ``"dataset/version"``. Default: the same name.
        q: Copy only the assets that match this query.
        include: Copy only assets whose file names match one of these globs.
        exclude: Leave out assets whose file names match one of these globs.
        names: Copy only assets with these file names.
        labels_map: New names of labels, or labels to leave out: a map, or the path of a TOML file.
        expected_digest: The digest that the source must have, as ``DatasetVersion.digest`` returns it.
        verify: Read the target once more at the end, and compare every file and every annotation. Files are fetched
            for it from a platform that does not tell their SHA-256.
        dry_run: Only report what would be copied, and what the target cannot hold.
        confirm: Awaited before anything is written, with the report as of a dry run; if it returns False, nothing is
            written. Annotations are counted in it only if the target may not hold all of them.
        from_profile: The name of the stored token for ``source``, where that is the URL of a server.
        to_profile: The same for ``target``. Between two servers ``HEADRACE_TOKEN`` is not used: it would be sent to both.
        spool_bytes: Most bytes of files on this machine at a time, except a single larger file. Default: 768 MiB.
        max_workers: Number of files that are moved at a time.
        progress: Called with progress events; ``"auto"`` shows a line on a terminal, ``"none"`` nothing.

    Returns:
        What was copied, and what the target could not hold.

    Raises:
        BadRequestError: If a name is not of the form ``"dataset/version"``.
        NotFoundError: If there is no such version.
        ConfigurationError: If source and target are the same version, the label map is not valid, or one token would
            be sent to two servers.
        ConflictError: If the same copy is running in another process.
        DigestMismatchError: If the source has another digest than ``expected_digest``, or changed meanwhile.
        LockedError: If the version of the target is locked.
        PartialTransferError: If something could not be copied, or differs at the end; its report says what. The same
            call continues.

    Example:
        ```python
        async with headrace.connect("https://hub.example") as hub:
            report = await headrace.copy_version("lake/", "bccd/v1", hub)
        ```
    """
    label_map = labels_map
    if isinstance(label_map, (str, Path)):
        label_map = await in_thread(LabelMap.load, Path(label_map))
    options = CopyOptions(
        q=q,
        chosen=NameFilter.of(include, exclude, names),
        label_map=label_map,
        expected_digest=expected_digest,
        verify=verify,
        dry_run=dry_run,
        max_workers=max_workers,
        spool_bytes=SPOOL_BYTES if spool_bytes is None else spool_bytes,
    )
    dataset, name = split_version_name(version if new_name is None else new_name)
    async with AsyncExitStack() as opened:
        variables = _token_variables(source, target, from_profile, to_profile)
        mine = await _client(opened, source, from_profile, variables)
        theirs = await _client(opened, target, to_profile, variables)
        found = await mine.version(version)
        return await copy(
            await _side(mine, found.record),
            await _side(theirs, no_version(dataset, name)),
            theirs.session.organization,
            dataset,
            name,
            load_settings().state_folder(),
            options,
            confirm=confirm,
            progress=progress,
        )


async def _client(
    opened: AsyncExitStack, target: Target, profile: str | None, variables: Sequence[str]
) -> Client:
    """Return the client that is given, or one that ``opened`` closes."""
    if isinstance(target, Client):
        if profile is not None:
            raise ConfigurationError("a client has its token already", hint="omit the profile")
        return target
    connection = open_connection(target, token_variables=variables, profile=profile)
    return await opened.enter_async_context(connection)


def _token_variables(
    source: Target, target: Target, from_profile: str | None, to_profile: str | None
) -> Sequence[str]:
    """Return the environment variables that may hold the token. One token is never sent to two servers."""
    servers = {address for each in (source, target) if (address := _server(each)) is not None}
    if len(servers) < 2:
        return (TOKEN_VARIABLE,)
    without = [
        each
        for each, profile in ((source, from_profile), (target, to_profile))
        if profile is None and not isinstance(each, Client)
    ]
    if without and os.environ.get(TOKEN_VARIABLE, "").strip():
        logins = " and ".join(f"headrace login {address}" for address in sorted(servers))
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} is one token, and this copy is between two servers",
            hint=f"run: {logins}; then choose the tokens: from_profile= and to_profile=",
        )
    return ()


def _server(target: Target) -> str | None:
    """Return the scheme, host and port of a server; None for a lake."""
    address = target.session.name if isinstance(target, Client) else str(target)
    if not address.lower().startswith(("http://", "https://")):
        return None
    try:
        return origin(address)
    except ValueError:
        return None  # connecting says what is wrong with it


async def _side(client: Client, version: DatasetVersionRecord) -> CopySide:
    return CopySide(
        backend=client.session.backend,
        organization_id=client.session.organization.id,
        username=client.session.username,
        lake=(await client.get_datalake()).record,
        version=version,
    )
