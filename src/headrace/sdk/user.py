"""Users of an organization."""

from __future__ import annotations

from headrace.model.records import UserRecord
from headrace.sdk.base.resource import Resource, describe


class User(Resource[UserRecord]):
    """Somebody who may use the organization."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The name of the user."""
        return self.record.username

    def __repr__(self) -> str:
        return describe(self, self.username)
