"""The JSON objects of the commands for users, organizations, tokens and the audit."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from tools.documents.base import Change, Document, Part


class UserBody(Part):
    """A user."""

    user: str
    id: str


class UserListDocument(Document):
    """headrace user list."""

    dataset: str | None
    users: list[UserBody]


class UserAddDocument(Change):
    """headrace user add."""

    dataset: str
    users: list[str]


class UserRemoveDocument(Change):
    """headrace user remove; ``tokens`` is the number of tokens that were revoked."""

    user: str
    organizations: list[str]
    tokens: int


class OrganizationBody(Part):
    """An organization of a lake, and the roles of its members."""

    name: str
    id: str
    members: dict[str, str]


class OrganizationListDocument(Document):
    """headrace organization list."""

    organizations: list[OrganizationBody]


class OrganizationCreateDocument(Change):
    """headrace organization create."""

    name: str
    owner: str


class OrganizationRenameDocument(Change):
    """headrace organization rename."""

    old: str
    name: str


class OrganizationAddDocument(Change):
    """headrace organization add; ``before`` is the role until now, null for a new member."""

    name: str
    user: str
    role: str
    before: str | None


class TokenBody(Part):
    """A token of a lake's server, without its secret; times are ISO 8601."""

    id: str
    name: str
    user: str
    organization: str
    read_only: bool
    created: str
    expires: str | None
    revoked: str | None
    last_used: str | None


class TokenCreateDocument(TokenBody):
    """headrace token create; ``token`` is the secret, which is shown once."""

    schema: str
    token: str


class TokenListDocument(Document):
    """headrace token list."""

    tokens: list[TokenBody]


class TokenRevokeDocument(Change):
    """headrace token revoke."""

    id: str
    name: str


class TokenRotateKeyDocument(Change):
    """headrace token rotate-key; ``key`` is the number of the new key, in a dry run that of the current one."""

    key: int
    dropped: int


class AuditBody(Part):
    """A row of the audit log; ``subject`` holds ids, names and numbers. ``address`` is that of the client of a server."""

    id: str
    time: str
    organization: str | None
    user: str | None
    operation: str
    subject: dict[str, Any]
    address: str | None
    system_user: str | None
    client: str


class AuditDocument(Document):
    """headrace audit."""

    entries: list[AuditBody]


class AuditRow(AuditBody):
    """A line of headrace audit --jsonl."""

    schema: str


class LogoutDocument(Document):
    """headrace logout."""

    profile: str
    address: str


class ProfilesDocument(Document):
    """headrace whoami without URL; ``variable`` is the one that holds a token, if it is set."""

    profiles: list[dict[str, Any]]
    variable: str | None


ACCOUNTS: dict[str, type[Struct]] = {
    "headrace.user.list/1": UserListDocument,
    "headrace.user.add/1": UserAddDocument,
    "headrace.user.remove/1": UserRemoveDocument,
    "headrace.organization.list/1": OrganizationListDocument,
    "headrace.organization.create/1": OrganizationCreateDocument,
    "headrace.organization.rename/1": OrganizationRenameDocument,
    "headrace.organization.add/1": OrganizationAddDocument,
    "headrace.token.create/1": TokenCreateDocument,
    "headrace.token.list/1": TokenListDocument,
    "headrace.token.revoke/1": TokenRevokeDocument,
    "headrace.token.rotate-key/1": TokenRotateKeyDocument,
    "headrace.audit/1": AuditDocument,
    "headrace.audit.row/1": AuditRow,
    "headrace.logout/1": LogoutDocument,
    "headrace.whoami/1 (all profiles)": ProfilesDocument,
}
"""The class of each form."""
