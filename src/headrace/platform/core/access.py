"""The caller of an operation, and the URLs by which answers name files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from headrace.errors import NotFoundError, PermissionDeniedError
from headrace.model.ids import Kind, encode
from headrace.platform.context import Context
from headrace.platform.core.origin import Origin, this_process
from headrace.storage.database.base import Row

OWNER = "owner"
"""The role of those who look after an organization; the others are its members."""

LAKE_SCHEME = "lake:"
"""The scheme of URLs that stay in this process."""


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ObjectUrls(Protocol):
    """Makes the URLs through which clients upload and download: in process, of a server, or of the storage itself."""

    client_type: str
    """The upload protocol of these URLs (``lake`` in process, ``minio`` or ``aws`` over HTTP)."""

    put_type: str
    """The protocol of the URLs of :meth:`put` (``lake`` in process, ``headrace`` or ``s3`` over HTTP)."""

    put_headers: Mapping[str, str]
    """The headers that a request to a URL of :meth:`put` must carry."""

    def download(self, organization: int, object_name: str) -> str:
        """The URL to read an object from, valid for a limited time."""
        ...

    def downloads(self, organization: int) -> Callable[[str], str]:
        """Return a function that makes URLs as :meth:`download` does, faster for many objects."""
        ...

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """The URL to send a whole object to, and the form fields to send with it."""
        ...

    def put(self, organization: int, object_name: str) -> str:
        """The URL for a ``PUT`` of a whole object, without a form."""
        ...

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """The URL to send one part of a multipart upload to."""
        ...


class LakeUrls:
    """URLs for clients in this process, which read and write the object store directly."""

    client_type = "lake"
    put_type = "lake"
    put_headers = NO_HEADERS

    def download(self, organization: int, object_name: str) -> str:
        """The object's name after the scheme."""
        return LAKE_SCHEME + object_name

    def downloads(self, organization: int) -> Callable[[str], str]:
        """The same for many objects."""
        return LAKE_SCHEME.__add__

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """The object's name after the scheme; no form fields."""
        return LAKE_SCHEME + object_name, {}

    def put(self, organization: int, object_name: str) -> str:
        """The object's name after the scheme."""
        return LAKE_SCHEME + object_name

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """The object's name, with the upload and the part in the fragment."""
        return f"{LAKE_SCHEME}{object_name}#{upload_id}/{part_no}"


class Access(Struct, frozen=True, kw_only=True):
    """The caller of an operation.

    ``account`` and ``organization`` are row numbers. The account is a member of the organization, and every query is
    limited to it. ``precise`` callers get coordinates as stored; others get whole pixels where the official client
    demands them. An owner may also read what belongs to other members; a read-only caller may change nothing.
    ``origin`` is where the call comes from.
    """

    account: int
    username: str
    organization: int
    organization_id: UUID
    urls: ObjectUrls
    precise: bool = True
    is_owner: bool = False
    read_only: bool = False
    origin: Origin = Origin()


class Membership(NamedTuple):
    """An organization of an account, with its default connector and the role of the account."""

    organization: int
    name: str
    id: UUID
    connector_id: UUID | None
    is_owner: bool


async def memberships(context: Context, account: int) -> list[Membership]:
    """List the organizations of an account, oldest first."""
    rows = await context.database.fetch("accounts.memberships", account=account)
    return list(map(membership_from_row, rows))


def membership_from_row(row: Row) -> Membership:
    """Build a membership from a row of ``accounts.memberships``."""
    no, name, created, connector, connector_created, role = row
    return Membership(
        no,
        name,
        encode(Kind.ORGANIZATION, created, 0, no),
        None if connector is None else encode(Kind.CONNECTOR, connector_created, 0, connector),
        role == OWNER,
    )


def choose(
    found: list[Membership], wanted: UUID | None = None, name: str | None = None
) -> Membership:
    """Choose a membership by id or name; without either, the oldest.

    Raises:
        PermissionDeniedError: The account has no organization, or none of this id.
        NotFoundError: The account has no organization of this name.
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
        raise NotFoundError(
            f"there is no organization {name!r}", hint=f"you are a member of: {names}"
        )
    return found[0]


async def local_access(
    context: Context,
    organization_id: UUID | None = None,
    organization_name: str | None = None,
    username: str | None = None,
) -> Access:
    """Access for the process that opened the lake, without a token.

    Args:
        context: The open lake.
        organization_id: The organization to work in. Default: the account's oldest.
        organization_name: The same by name.
        username: The user to act as. Default: the lake's first account.

    Raises:
        PermissionDeniedError: The lake has no account, or the account is not in this organization.
        NotFoundError: There is no such user or no organization of this name.
    """
    if username is None:
        row = await context.database.fetch_one("accounts.first_account")
        if row is None:
            raise PermissionDeniedError(
                "the lake has no account", hint="create a new lake: headrace init"
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
        is_owner=membership.is_owner,
        origin=this_process(),
    )
