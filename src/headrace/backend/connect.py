"""Resolve a connection target to a backend: a lake's folder, a server's address, or a database of PostgreSQL."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from uuid import UUID

import anyio
from msgspec.structs import replace

from headrace.backend.base import Backend, Limits, limited
from headrace.credentials.find import Credentials, find_credentials
from headrace.errors import ConfigurationError
from headrace.model.records import OrganizationRecord, PingRecord
from headrace.protocol.operations.session import (
    FIND_ORGANIZATION,
    GET_ORGANIZATION,
    PING,
    FindOrganization,
    GetOrganization,
    Ping,
)
from headrace.settings import TOKEN_VARIABLE, Settings, load_settings
from headrace.threads import in_thread

_POSTGRES = ("postgresql", "postgres")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")


async def open_backend(
    target: str | Path,
    *,
    api_token: str | None = None,
    organization_id: UUID | str | None = None,
    organization_name: str | None = None,
    username: str | None = None,
    profile: str | None = None,
    objects: str | os.PathLike[str] | None = None,
    token_variables: Sequence[str] = (TOKEN_VARIABLE,),
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    """Open a lake (a folder, or ``sqlite:///folder``) or connect to a server (``http(s)://…``).

    Administrators can open the database of a platform as well (``postgresql://…``): with the rights of its owner, and
    without running its jobs, which its servers do.

    Arguments that are None are taken from the settings (``headrace.settings``).

    Args:
        target: Folder, path of the database file, or URL.
        api_token: Token of the user, for a server. One that a lake issued chooses the user of that lake too.
        organization_id: Takes precedence over ``organization_name``.
        organization_name: Default: the default organization of the user.
        username: The user, for a lake. Default: the account that owns it.
        profile: The profile with the token, for a server.
        objects: Where the platform keeps its files, for a database: ``s3://bucket/prefix``, or a folder.
        token_variables: The environment variables that may hold the token, for a server
            (:func:`headrace.credentials.find.find_credentials`).

    Returns:
        The backend, the answer to its first call, and the organization.

    Raises:
        ConfigurationError: The target or an argument is not valid.
        LakeError: The folder or database is not a lake, or cannot be opened.
        AuthenticationError: The token is not accepted.
        NotFoundError: There is no such organization or user.
        TransferError: The server or database cannot be reached.
    """
    if not str(target):
        raise ConfigurationError(
            "the name of the lake or server is empty",
            hint="name a lake's folder, a server's URL or postgresql://…",
        )
    organization = _as_uuid(organization_id)
    found = _SCHEME.match(target) if isinstance(target, str) else None
    scheme = found[1].lower() if found else ""
    settings = load_settings(organization=organization_name)
    if objects is not None and scheme not in _POSTGRES:
        raise ConfigurationError(
            "objects is for a database; a lake and a server know where their files are",
            hint="omit objects=",
        )
    if scheme in ("http", "https"):
        if username is not None:
            raise ConfigurationError(
                "username is for lakes; a server identifies the user by the token",
                hint="omit username=",
            )
        credentials = await in_thread(
            find_credentials,
            str(target),
            api_token=api_token,
            profile=profile,
            organization=organization_name,
            variables=token_variables,
            settings=settings,
        )
        return await _connect(credentials, organization, settings)
    if scheme not in ("", "sqlite", *_POSTGRES):
        raise ConfigurationError(
            f"there is nothing to connect to at {scheme}:// addresses",
            hint="use a folder, sqlite:///folder, http://host, https://host or postgresql://host/database",
        )
    if profile is not None:
        raise ConfigurationError("a profile is for a server, not for a lake", hint="omit profile=")
    place = str(target) if scheme in _POSTGRES else _folder(target)
    # The organization in the settings is one of a server; that of a lake is chosen by argument only.
    return await _open(
        place, objects, organization, organization_name, username, settings, api_token
    )


async def _open(
    place: str | Path,
    objects: str | os.PathLike[str] | None,
    organization_id: UUID | None,
    organization_name: str | None,
    username: str | None,
    settings: Settings,
    token: str | None,
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    # Imported when needed: a lake needs no HTTP client, a server no database.
    from headrace.backend.local import LocalBackend
    from headrace.platform.accounts.tokens import user_of
    from headrace.platform.core.access import local_access
    from headrace.platform.platform import Platform

    open_platform = partial(
        Platform.open,
        place,
        objects=objects,
        jobs=isinstance(place, Path),
        undo=settings.undo_policy(),
        audit=settings.audit_policy(),
    )
    platform = await open_platform()
    try:
        if username is None and token is not None:
            username = await user_of(platform.context, token)
        access = await local_access(platform.context, organization_id, organization_name, username)
        backend = LocalBackend(platform, access, reopen=open_platform)
        backend.limits = limited(backend.limits, settings.max_workers)
        ping = await backend.call(PING, Ping())
        chosen = GetOrganization(organization_id=access.organization_id)
        return backend, ping, await backend.call(GET_ORGANIZATION, chosen)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await platform.aclose()
        raise


async def _connect(
    credentials: Credentials, organization_id: UUID | None, settings: Settings
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    from headrace.backend.remote import RemoteBackend
    from headrace.net.retry import RetryPolicy

    # A wrong address must not take a minute to be reported.
    few_retries = RetryPolicy(attempts=3, base=0.2, cap=1.0, budget=10.0)
    backend = RemoteBackend(
        credentials.address,
        credentials.token,
        state=settings.state_folder(),
        trust_storage=settings.trust_storage,
        explain_refusal=credentials.refused,
    )
    try:
        ping = await backend.call(PING, Ping(), policy=few_retries)
        organization = await _organization(backend, ping, organization_id, credentials.organization)
        limits = _limits(ping)
        backend.configure(organization.id, limited(limits, settings.max_workers))
    except BaseException:
        await backend.aclose()
        raise
    return backend, ping, organization


def _limits(ping: PingRecord) -> Limits:
    from headrace.backend.remote import SERVER_LIMITS
    from headrace.model.blob.layout import VERSION

    if not isinstance(ping.headrace, str):
        return Limits()
    # An older server sends no blobs, and a newer one may send blobs that only it can read.
    return replace(SERVER_LIMITS, blobs=isinstance(ping.blobs, int) and ping.blobs <= VERSION)


async def _organization(
    backend: Backend, ping: PingRecord, chosen: UUID | None, name: str | None
) -> OrganizationRecord:
    if chosen is None and name is not None:
        chosen = (await backend.call(FIND_ORGANIZATION, FindOrganization(name=name))).id
    chosen = chosen or ping.default_organization
    if chosen is None:
        raise ConfigurationError(
            f"{ping.username} has no default organization", hint="pass organization_name="
        )
    return await backend.call(GET_ORGANIZATION, GetOrganization(organization_id=chosen))


def _folder(target: str | Path) -> Path:
    """Return the folder of a lake, given as a path, as ``sqlite:///path``, or as its database file."""
    text = str(target)
    if text.lower().startswith("sqlite://"):
        text = text[len("sqlite://") :]
        if not text.startswith("/") or text == "/":
            raise ConfigurationError(
                "a sqlite address has no host", hint="use sqlite:///relative or sqlite:////absolute"
            )
        text = text[1:]
    folder = Path(text).expanduser()
    return folder.parent if folder.name == "headrace.db" else folder


def _as_uuid(id: UUID | str | None) -> UUID | None:
    if id is None or isinstance(id, UUID):
        return id
    try:
        return UUID(id)
    except ValueError:
        raise ConfigurationError(f"organization_id {id!r} is not a UUID") from None
