"""From what people write to whoever answers: a lake's folder, or the address of a server."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import anyio
from msgspec.structs import replace

from headrace.backend.base import Backend, Limits
from headrace.errors import ConfigurationError
from headrace.model.records import OrganizationRecord, PingRecord
from headrace.net.urls import redact
from headrace.protocol.operations.session import (
    FIND_ORGANIZATION,
    GET_ORGANIZATION,
    PING,
    FindOrganization,
    GetOrganization,
    Ping,
)
from headrace.settings import TOKEN_VARIABLE, Settings, load_settings

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+)://")


async def open_backend(
    target: str | Path,
    *,
    api_token: str | None = None,
    organization_id: UUID | str | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    """Open a lake (a folder, or ``sqlite:///folder``) or connect to a server (``http(s)://…``).

    What is not given is taken from the settings (``headrace.settings``). A server needs a token, which says whose the
    calls are; in a lake that is ``username``, its own account where none is given. Of the organization, the id wins over
    the name; without both it is the token's own. Raises :class:`ConfigurationError` for a target that cannot be meant,
    :class:`NotALakeError` and its kin, :class:`AuthenticationError`, :class:`TransferError`, :class:`NotFoundError` for
    a user that the lake does not know.
    """
    organization = _as_uuid(organization_id)
    found = _SCHEME.match(target) if isinstance(target, str) else None
    scheme = found[1].lower() if found else ""
    settings = load_settings(token=api_token, organization=organization_name)
    if scheme in ("http", "https"):
        if username is not None:
            raise ConfigurationError(
                "a server knows by the token who calls", hint="leave username out"
            )
        return await _connect(str(target), _token(settings.token), organization, settings)
    if scheme not in ("", "sqlite"):
        raise ConfigurationError(
            f"cannot connect to a {scheme} address",
            hint="a lake's folder, sqlite:///folder, http://host or https://host",
        )
    # The settings' organization is one on a server; a lake's own is asked for by argument only.
    return await _open(_folder(target), organization, organization_name, username, settings)


async def _open(
    folder: Path,
    organization_id: UUID | None,
    organization_name: str | None,
    username: str | None,
    settings: Settings,
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    # Each door is imported when it is opened: a lake needs no HTTP, a server no database.
    from headrace.backend.local import LocalBackend
    from headrace.platform.core.access import local_access
    from headrace.platform.platform import Platform

    platform = await Platform.open(folder)
    try:
        access = await local_access(platform.context, organization_id, organization_name, username)
        backend = LocalBackend(platform, access)
        backend.limits = _limited(backend.limits, settings)
        ping = await backend.call(PING, Ping())
        chosen = GetOrganization(organization_id=access.organization_id)
        return backend, ping, await backend.call(GET_ORGANIZATION, chosen)
    except BaseException:
        with anyio.CancelScope(shield=True):
            await platform.aclose()
        raise


async def _connect(
    address: str, token: str, organization_id: UUID | None, settings: Settings
) -> tuple[Backend, PingRecord, OrganizationRecord]:
    from headrace.backend.remote import SERVER_LIMITS, RemoteBackend
    from headrace.net.retry import RetryPolicy

    # Whoever types an address waits for the answer: a wrong one must not take a minute to say so.
    first_word = RetryPolicy(attempts=3, base=0.2, cap=1.0, longest=5.0)
    try:
        backend = RemoteBackend(
            address, token, state=settings.state_folder(), trust_storage=settings.trust_storage
        )
    except ValueError:
        raise ConfigurationError(f"{redact(address)} is no address of a server") from None
    try:
        ping = await backend.call(PING, Ping(), policy=first_word)
        organization = await _organization(backend, ping, organization_id, settings.organization)
        limits = SERVER_LIMITS if isinstance(ping.headrace, str) else Limits()
        backend.configure(organization.id, _limited(limits, settings))
    except BaseException:
        await backend.aclose()
        raise
    return backend, ping, organization


async def _organization(
    backend: Backend, ping: PingRecord, chosen: UUID | None, name: str | None
) -> OrganizationRecord:
    if chosen is None and name is not None:
        return await backend.call(FIND_ORGANIZATION, FindOrganization(name=name))
    chosen = chosen or ping.default_organization
    if chosen is None:
        raise ConfigurationError(
            f"{ping.username} has no default organization", hint="pass organization_name="
        )
    return await backend.call(GET_ORGANIZATION, GetOrganization(organization_id=chosen))


def _limited(limits: Limits, settings: Settings) -> Limits:
    if settings.max_workers is None:
        return limits
    return replace(limits, concurrency=settings.max_workers, max_workers=settings.max_workers)


def _token(token: str | None) -> str:
    token = (token or "").strip()
    if not token:
        raise ConfigurationError(
            "a server needs a token", hint=f"pass api_token= or set {TOKEN_VARIABLE}"
        )
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigurationError("the token has characters that no token has", hint="copy it again")
    return token


def _folder(target: str | Path) -> Path:
    """The lake's folder of a path, of ``sqlite:///path``, or of the database file in it."""
    text = str(target)
    if text.lower().startswith("sqlite://"):
        text = text[len("sqlite://") :]
        if not text.startswith("/") or text == "/":
            raise ConfigurationError(
                "a sqlite address holds no host", hint="sqlite:///relative or sqlite:////absolute"
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
        raise ConfigurationError(f"organization_id {id!r} is no id") from None
