"""On whose behalf a call is made, and how its answer names files."""

from __future__ import annotations

from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from headrace.errors import NotFoundError, PermissionDeniedError
from headrace.model.ids import Kind, encode
from headrace.platform.context import Context

LAKE_SCHEME = "lake:"
"""The scheme of URLs that stay in this process."""


class ObjectUrls(Protocol):
    """Makes the URLs that clients put and get bytes with; one implementation in process, one for HTTP."""

    client_type: str
    """The upload protocol that clients must speak to these URLs (``lake`` in process, ``minio`` over HTTP)."""

    put_type: str
    """The protocol of the URLs of :meth:`put` (``lake`` in process, ``headrace`` over HTTP)."""

    def download(self, organization: int, object_name: str) -> str:
        """Where the bytes of an object are read, for a limited time."""
        ...

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """Where a whole object is sent, and the form fields that must go with it."""
        ...

    def put(self, organization: int, object_name: str) -> str:
        """Where the bare bytes of a whole object are sent by a ``PUT``."""
        ...

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """Where one part of an object is sent."""
        ...


class LakeUrls:
    """URLs that only this process' own client can follow: it goes to the object store directly."""

    client_type = "lake"
    put_type = "lake"

    def download(self, organization: int, object_name: str) -> str:
        """The object itself."""
        return LAKE_SCHEME + object_name

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """The object itself; no fields."""
        return LAKE_SCHEME + object_name, {}

    def put(self, organization: int, object_name: str) -> str:
        """The object itself."""
        return LAKE_SCHEME + object_name

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """A part of an upload."""
        return f"{LAKE_SCHEME}{object_name}#{upload_id}/{part_no}"


class Access(Struct, frozen=True, kw_only=True):
    """The caller of an operation. ``organization`` and ``account`` are row numbers; every query carries the former.

    ``organization`` is the one the call is made for, checked to be a membership of the account. ``precise`` callers
    take coordinates as stored; others get whole numbers where the platform's clients demand them.
    """

    account: int
    username: str
    organization: int
    organization_id: UUID
    urls: ObjectUrls
    precise: bool = True


class Membership(NamedTuple):
    """An organization of an account, with the connector that its files go through by default."""

    organization: int
    name: str
    id: UUID
    connector_id: UUID | None


async def memberships(context: Context, account: int) -> list[Membership]:
    """The organizations of an account, the oldest first."""
    rows = await context.database.fetch("accounts.memberships", account=account)
    return [
        Membership(
            no,
            name,
            encode(Kind.ORGANIZATION, created, 0, no),
            None if connector is None else encode(Kind.CONNECTOR, connector_created, 0, connector),
        )
        for no, name, created, connector, connector_created in rows
    ]


def choose(
    found: list[Membership], wanted: UUID | None = None, name: str | None = None
) -> Membership:
    """The membership asked for by id or name, the oldest one where neither is given.

    Raises :class:`PermissionDeniedError` for an id and :class:`NotFoundError` for a name that is not among them.
    """
    if not found:
        raise PermissionDeniedError("the account belongs to no organization")
    if wanted is not None:
        for membership in found:
            if membership.id == wanted:
                return membership
        raise PermissionDeniedError(f"the token is not for organization {wanted}")
    if name is not None:
        for membership in found:
            if membership.name == name:
                return membership
        names = ", ".join(membership.name for membership in found)
        raise NotFoundError(f"there is no organization {name!r}", hint=f"yours: {names}")
    return found[0]


async def local_access(
    context: Context,
    organization_id: UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> Access:
    """The access of the process that opened the lake, without a token: its first account, or the user of a name."""
    if username is None:
        row = await context.database.fetch_one("accounts.first_account")
        if row is None:
            raise PermissionDeniedError(
                "the lake has no account", hint="make it anew: headrace init"
            )
    else:
        row = await context.database.fetch_one("accounts.account", username=username)
        if row is None:
            raise NotFoundError(
                f"the lake has no user {username!r}", hint="headrace token create LAKE --user NAME"
            )
    account, username, _ = row
    membership = choose(await memberships(context, account), organization_id, organization_name)
    return Access(
        account=account,
        username=username,
        organization=membership.organization,
        organization_id=membership.id,
        urls=LakeUrls(),
    )
