"""Workers: the users of a dataset."""

from __future__ import annotations

from uuid import UUID

from headrace.model.records import UserRecord
from headrace.sdk.base.resource import Resource, describe


class Worker(Resource[UserRecord]):
    """A user as the one who works on a dataset; the ids are the user's."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The name of the user."""
        return self.record.username

    @property
    def user_id(self) -> UUID:
        """The id of the user."""
        return self.record.id

    def __repr__(self) -> str:
        return describe(self, self.username)
