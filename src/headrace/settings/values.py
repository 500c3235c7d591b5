"""The settings: their names, types and defaults, and what values they may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

import msgspec
from msgspec import Struct

from headrace.app_folders import state_folder
from headrace.errors import ConfigurationError

_ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")

_TIMES = ("head_seconds", "body_seconds", "unread_seconds")
_AT_LEAST_ONE = (
    *("url_ttl", "max_body", "max_upload", "failed_tokens", "max_launches"),
    *("max_connections", "max_connections_per_peer", "max_requests"),
)


class UndoPolicy(Struct, frozen=True, kw_only=True):
    """How much of what is removed is kept, so that it can be put back, and for how long.

    Attributes:
        days: Days after which a removal can no longer be undone, and a deleted version is purged.
        max_bytes: Bytes that the files of all removals together may take.
    """

    days: float = 7.0
    max_bytes: int = 2 << 30


class AuditPolicy(Struct, frozen=True, kw_only=True):
    """How much of the audit log of a lake is kept.

    Attributes:
        days: Days after which rows are deleted.
        rows: Maximum number of rows; the oldest are deleted first.
    """

    days: float = 365.0
    rows: int = 1_000_000


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings in effect.

    Attributes:
        organization: The name of the organization on a server. Default: that of the token.
        profile: The profile whose token is used, as ``headrace login`` stored it.
        max_workers: Maximum number of concurrent transfers and calls.
        state: The folder for the state of interrupted uploads, and of the folders that headrace wrote.
        database: The address of the PostgreSQL database that the target ``postgresql://`` stands for.
        objects: Where a platform over PostgreSQL keeps its files: ``s3://bucket/prefix``, or a folder.
        scratch: The folder where a platform over PostgreSQL keeps logs of processings and unfinished exports.
            Default: in the folder of the system for application state.
        undo_days: Days for which removals from a lake can be undone. Default: 7.
        undo_bytes: Bytes that the records of removals may take, per lake. Default: 2 GiB.
        audit_days: Days for which the audit log of a lake is kept. Default: 365.
        audit_rows: Rows that the audit log of a lake keeps. Default: 1,000,000.
        trust_storage: Follow URLs of files that point to this machine or its network, or are not encrypted, although
            the server itself is remote and encrypted.
        allow_http: Send tokens without encryption to other machines too.
        url_ttl: Of ``headrace serve``: seconds for which a signed file URL is valid at most. Default: 3600.
        public_url: Of ``headrace serve``: the address that clients use. Default: the host of each request.
        max_body: Of ``headrace serve``: bytes of the largest JSON body of a call. Default: 64 MiB.
        max_upload: Of ``headrace serve``: bytes of the largest file, or part of one. Default: 5 GiB.
        keepalive_seconds: Of ``headrace serve``: seconds that an idle connection stays open. Default: 75.
        metrics: Of ``headrace serve``: where figures for Prometheus are served, ``PORT`` or ``HOST:PORT``. Default: nowhere.
        query_seconds: Of ``headrace serve``: seconds that a listing by a query may take. Default: 30.
        stop_seconds: Of ``headrace serve``: seconds that running calls have to finish at the end. Default: 30.
        ready_free_bytes: Of ``headrace serve``: bytes of free space below which it is not ready. Default: 256 MiB.
        ready_seconds: Of ``headrace serve``: seconds that all readers may be busy, or a call wait to write, before it is
            not ready. Default: 10.
        failed_tokens: Of ``headrace serve``: wrong tokens that an address may send before it has to wait. Default: 10.
        proxies: Of ``headrace serve``: proxies in front of it that add to ``X-Forwarded-For``. Default: 0.
        max_launches: Of ``headrace serve``: launched jobs of an organization that run or wait at once. Default: 20.
        max_connections: Of ``headrace serve``: open connections at most. Default: 1000.
        max_connections_per_peer: Of ``headrace serve``: open connections of one address at most. Default: 500.
        max_requests: Of ``headrace serve``: calls under way at most. Default: 500.
        head_seconds: Of ``headrace serve``: seconds that the head of a request may take to arrive. Default: 10.
        body_rate: Of ``headrace serve``: bytes a second that a body must arrive with at least. Default: 500.
        body_seconds: Of ``headrace serve``: seconds over which that rate is measured. Default: 30.
        unread_seconds: Of ``headrace serve``: seconds that a client may take nothing of its answer. Default: 300.
    """

    organization: str | None = None
    profile: str | None = None
    max_workers: int | None = None
    state: str | None = None
    database: str | None = None
    objects: str | None = None
    scratch: str | None = None
    undo_days: float | None = None
    undo_bytes: int | None = None
    audit_days: float | None = None
    audit_rows: int | None = None
    trust_storage: bool = False
    allow_http: bool = False
    url_ttl: int | None = None
    public_url: str | None = None
    max_body: int | None = None
    max_upload: int | None = None
    keepalive_seconds: float | None = None
    metrics: str | None = None
    query_seconds: float | None = None
    stop_seconds: float | None = None
    ready_free_bytes: int | None = None
    ready_seconds: float | None = None
    failed_tokens: int | None = None
    proxies: int | None = None
    max_launches: int | None = None
    max_connections: int | None = None
    max_connections_per_peer: int | None = None
    max_requests: int | None = None
    head_seconds: float | None = None
    body_rate: int | None = None
    body_seconds: float | None = None
    unread_seconds: float | None = None

    def undo_policy(self) -> UndoPolicy:
        """Return how much of what is removed is kept, and for how long."""
        default = UndoPolicy()
        return UndoPolicy(
            days=default.days if self.undo_days is None else self.undo_days,
            max_bytes=default.max_bytes if self.undo_bytes is None else self.undo_bytes,
        )

    def audit_policy(self) -> AuditPolicy:
        """Return how much of the audit log is kept."""
        default = AuditPolicy()
        return AuditPolicy(
            days=default.days if self.audit_days is None else self.audit_days,
            rows=default.rows if self.audit_rows is None else self.audit_rows,
        )

    def state_folder(self) -> Path:
        """Return ``state``, by default the folder of the system for application state."""
        return state_folder() if self.state is None else Path(self.state).expanduser()


class SettingsKeywords(TypedDict, total=False):
    """The settings as keyword arguments; None means not given."""

    organization: str | None
    profile: str | None
    max_workers: int | None
    state: str | None
    database: str | None
    objects: str | None
    scratch: str | None
    undo_days: float | None
    undo_bytes: int | None
    audit_days: float | None
    audit_rows: int | None
    trust_storage: bool | None
    allow_http: bool | None
    url_ttl: int | None
    public_url: str | None
    max_body: int | None
    max_upload: int | None
    keepalive_seconds: float | None
    metrics: str | None
    query_seconds: float | None
    stop_seconds: float | None
    ready_free_bytes: int | None
    ready_seconds: float | None
    failed_tokens: int | None
    proxies: int | None
    max_launches: int | None
    max_connections: int | None
    max_connections_per_peer: int | None
    max_requests: int | None
    head_seconds: float | None
    body_rate: int | None
    body_seconds: float | None
    unread_seconds: float | None


def check_settings(values: Mapping[str, Any], origin: str) -> Settings:
    """Return the settings of these values.

    Args:
        values: The values by name; texts are converted.
        origin: Begins the message of an error: the variable, the file or the argument.

    Raises:
        ConfigurationError: A value is invalid.
    """
    try:
        settings = msgspec.convert(dict(values), Settings, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{origin}: {error}", hint="correct the value") from None
    if settings.max_workers is not None and settings.max_workers < 1:
        raise ConfigurationError(f"{origin}: max_workers must be at least 1")
    for name in _AT_LEAST_ONE:
        if (given := getattr(settings, name)) is not None and given < 1:
            raise ConfigurationError(f"{origin}: {name} must be at least 1")
    for name in ("query_seconds", "keepalive_seconds", "ready_seconds", *_TIMES):
        if (given := getattr(settings, name)) is not None and given <= 0:
            raise ConfigurationError(f"{origin}: {name} must be more than 0")
    if settings.public_url is not None and not _ADDRESS.fullmatch(settings.public_url):
        raise ConfigurationError(
            f"{origin}: public_url must be an address", hint="for example https://data.example.com"
        )
    for name in (
        *("undo_days", "undo_bytes", "stop_seconds", "ready_free_bytes"),
        *("proxies", "audit_days", "audit_rows", "body_rate"),
    ):
        if (getattr(settings, name) or 0) < 0:
            raise ConfigurationError(f"{origin}: {name} must not be negative")
    return settings
