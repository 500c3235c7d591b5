"""The client: the entry point to the objects of an organization."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.backend.base import CallResult
from headrace.engine.undo.run import list_removals, show_removal
from headrace.errors import BadRequestError, NotFoundError, did_you_mean
from headrace.model.records import JobRecord, JobRunRecord
from headrace.protocol.operation import Operation
from headrace.protocol.operations import OPERATIONS
from headrace.protocol.operations import jobs as job_operations
from headrace.protocol.operations import session as session_operations
from headrace.protocol.operations import users as user_operations
from headrace.sdk.base.arguments import as_id
from headrace.sdk.base.names import find_named
from headrace.sdk.base.options import WithOptions
from headrace.sdk.campaign.campaign import AnnotationCampaign
from headrace.sdk.campaign.closed import list_campaigns
from headrace.sdk.client.folders import ClientFolders
from headrace.sdk.client.processings import ClientProcessings
from headrace.sdk.client.tags import ClientTags
from headrace.sdk.job import Job
from headrace.sdk.removal import Removal
from headrace.sdk.user import User


class Client(ClientTags, ClientProcessings, ClientFolders, WithOptions):
    """A connection to a lake or a server, for one user of one organization.

    ``headrace.connect`` opens a client. Close it with ``aclose``, or use it as an async context manager.

    Besides the errors that they list, all methods that make calls raise the errors of the connection and of the
    platform: ``AuthenticationError``, ``PermissionDeniedError``, ``ConnectError``, ``RateLimitError``,
    ``ServerError``; and ``BadRequestError`` for arguments that cannot be parsed.

    Example:
        ```python
        async with headrace.connect("lake/") as client:
            async for dataset in client.iter_datasets():
                print(dataset.name)
        ```
    """

    __slots__ = ()

    @property
    def id(self) -> UUID:
        """The id of the organization."""
        return self.session.organization.id

    @property
    def name(self) -> str:
        """The name of the organization."""
        return self.session.organization.name

    @property
    def username(self) -> str:
        """The user who makes the calls."""
        return self.session.username

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection. The client and its handles cannot be used afterwards."""
        await self.session.aclose()

    async def sync(self) -> None:
        """Read the organization again."""
        request = session_operations.GetOrganization(organization_id=self.id)
        self.session.organization = await self.session.call(
            session_operations.GET_ORGANIZATION, request
        )

    async def list_users(self, username: str | None = None) -> list[User]:
        """Return the users of the organization.

        Args:
            username: Return only the user of this name.

        Returns:
            The users; empty if there is no such user.
        """
        request = user_operations.ListOrganizationUsers(organization_id=self.id, username=username)
        answer = await self.session.call(user_operations.LIST_ORGANIZATION_USERS, request)
        return [User(self.session, user) for user in answer.users]

    async def list_annotation_campaigns(
        self, is_closed: bool | None = None
    ) -> list[AnnotationCampaign]:
        """Return the annotation campaigns of all versions, newest first; on other platforms in their order.

        Args:
            is_closed: Return only closed campaigns (True) or only open ones (False). Default: all.

        Returns:
            The campaigns.
        """
        records = await list_campaigns(self.session, is_closed)
        return [AnnotationCampaign(self.session, record) for record in records]

    async def list_removals(self, version: str | None = None) -> list[Removal]:
        """Return what was removed or deleted and can be undone, newest first.

        Args:
            version: Return only the removals of this version, named as ``dataset/version``.

        Returns:
            The removals. On a platform that keeps no record of removals, those that this machine recorded.
        """
        found = await list_removals(self.session.backend, self.id, version=version)
        return [Removal(self.session, record) for record in found]

    async def get_removal(self, id: str | UUID) -> Removal:
        """Find a removal by id.

        Args:
            id: The id of the removal.

        Returns:
            The removal.

        Raises:
            NotFoundError: If there is no removal with that id that can be undone.
        """
        return Removal(self.session, await show_removal(self.session.backend, as_id(id)))

    async def get_job_by_id(self, id: str | UUID) -> Job:
        """Find a job of either kind by id.

        Args:
            id: The id of the job.

        Returns:
            The job.

        Raises:
            NotFoundError: If there is no job with that id; the hint names the newest jobs.
        """
        job_id = as_id(id)
        return await find_named(
            self._find_job(job_id), "job", str(job_id), self._newest_jobs, attribute="id"
        )

    async def _newest_jobs(self) -> AsyncIterator[Job]:
        for job in await self.list_jobs():
            yield job

    async def _find_job(self, job_id: UUID) -> Job:
        record: JobRecord | JobRunRecord
        try:
            found = job_operations.FindJob(organization_id=self.id, id=job_id)
            record = await self.session.backend.call(job_operations.FIND_JOB_RUN, found)
        except NotFoundError:
            request = job_operations.JobId(job_id=job_id)
            record = await self.session.backend.call(job_operations.GET_JOB, request)
        return Job(self.session, record)

    async def list_jobs(self, limit: int = 100) -> list[Job]:
        """Return the newest jobs of both kinds, newest first.

        Args:
            limit: Maximum number of jobs, up to 1,000.

        Returns:
            The jobs.

        Raises:
            UnsupportedError: On a platform that lists no jobs.
        """
        request = job_operations.ListJobs(organization_id=self.id, limit=limit)
        found = await self.session.call(job_operations.LIST_JOBS, request)
        records: list[JobRecord | JobRunRecord] = [*found.jobs, *found.runs]
        # Ids begin with the time of creation.
        records.sort(key=lambda record: record.id, reverse=True)
        return [Job(self.session, record) for record in records]

    async def request(self, operation: str, /, **fields: Any) -> CallResult[Any]:
        """Call any operation of the platform by name.

        Args:
            operation: The name of the operation, as listed in ``docs/reference/operations.md``.
            **fields: The fields of its request. Ids may be UUIDs or text; ``organization_id`` is filled in.

        Returns:
            The result record of the operation, with the HTTP status and headers of the response.

        Raises:
            BadRequestError: If the operation or a field is unknown, or a field is missing or of a wrong type.

        Example:
            ```python
            answer = await client.request("get_stats", version_id=version.id)
            print(answer.status, answer.record.nb_objects)
            ```
        """
        found = named_operation(operation)
        given = {"organization_id": self.id} if "organization_id" in found.path_fields else {}
        return await self.session.backend.request(found, as_request(found, given | fields))

    def __repr__(self) -> str:
        return f"Client({self.session.name!r} · {self.name} · {self.username})"


def named_operation(name: str) -> Operation[Any, Any]:
    """Return the operation of this name; BadRequestError suggests the nearest name if there is none."""
    found = OPERATIONS.get(name)
    if found is None:
        hint = did_you_mean(name, OPERATIONS).strip() or "see docs/reference/operations.md"
        raise BadRequestError(f"no operation {name!r}", hint=hint)
    return found


def as_request(operation: Operation[Any, Any], fields: Mapping[str, Any]) -> Struct:
    """Build the request of an operation; BadRequestError names a field that is unknown, missing or of a wrong type."""
    known = operation.request.__struct_fields__
    unknown = sorted(set(fields) - set(known))
    if unknown:
        hint = f"fields: {' '.join(known)}"
        raise BadRequestError(f"{operation.name} has no field {unknown[0]!r}", hint=hint)
    try:
        request: Struct = msgspec.convert(dict(fields), operation.request)
    except msgspec.ValidationError as error:
        raise BadRequestError(f"{operation.name}: {error}") from None
    return request
