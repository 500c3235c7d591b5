"""Users of an organization, and the same users as workers on a dataset."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from headrace.errors import BadRequestError
from headrace.model.records import UserRecord
from headrace.sdk.base.arguments import as_id
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session

log = logging.getLogger("headrace.sdk")


class User(Resource[UserRecord]):
    """Somebody who may use the organization."""

    __slots__ = ()

    @property
    def username(self) -> str:
        """The name of the user."""
        return self.record.username

    def __repr__(self) -> str:
        return describe(self, self.username)


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


def worker_id(session: Session, worker: Worker | User | UUID | str | None) -> UUID | None:
    """The id of a worker, where the other side tells annotations by worker; else a warning, as on the platform."""
    if worker is None:
        return None
    if not session.backend.limits.extensions:
        log.warning("the worker is ignored: this platform does not tell annotations by worker")
        return None
    return as_user_id(worker)


def worker_ids(
    session: Session, workers: Sequence[Worker | User | UUID | str] | None
) -> list[UUID] | None:
    """The ids of workers whose annotations are to go, None for everybody's.

    BadRequestError where the other side does not tell annotations by worker: it would take everybody's instead.
    """
    if workers is None:
        return None
    if not session.backend.limits.extensions:
        raise BadRequestError(
            "this platform cannot delete annotations by worker",
            hint="leave workers out to delete all",
        )
    return [as_user_id(worker) for worker in workers]


def as_user_id(worker: Worker | User | UUID | str) -> UUID:
    """The id of a user from a user, a worker or an id."""
    return as_id(worker) if isinstance(worker, UUID | str) else worker.id
