"""Users of an organization, and the same users as workers on a dataset."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from headrace.backend.extensions import unsupported
from headrace.model.records import UserRecord
from headrace.sdk.base.arguments import as_id
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session

log = logging.getLogger("headrace.sdk")


class User(Resource[UserRecord]):
    """A user of the organization."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The user name."""
        return self.record.username

    def __repr__(self) -> str:
        return describe(self, self.username)


class Worker(Resource[UserRecord]):
    """A user as an annotator of a dataset. Its ids are those of the user."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The user name."""
        return self.record.username

    @property
    def user_id(self) -> UUID:
        """The id of the user."""
        return self.record.id

    def __repr__(self) -> str:
        return describe(self, self.username)


def worker_id(session: Session, worker: Worker | User | UUID | str | None) -> UUID | None:
    """Return the id of a worker; None with a logged warning if the platform does not attribute annotations to workers."""
    if worker is None:
        return None
    if not session.backend.limits.extensions:
        log.warning("the worker is ignored: this platform does not tell annotations by worker")
        return None
    return as_user_id(worker)


def worker_ids(
    session: Session, workers: Sequence[Worker | User | UUID | str] | None
) -> list[UUID] | None:
    """Return the ids of the workers whose annotations are deleted; None means all annotations.

    Raises UnsupportedError if the platform does not attribute annotations to workers: it would delete all of them.
    """
    if workers is None:
        return None
    if not session.backend.limits.extensions:
        raise unsupported(
            "deleting annotations by worker", "omit workers= to delete all annotations"
        )
    return [as_user_id(worker) for worker in workers]


def as_user_id(worker: Worker | User | UUID | str) -> UUID:
    """Return the id of a user, given as a user, a worker or an id."""
    return as_id(worker) if isinstance(worker, UUID | str) else worker.id
