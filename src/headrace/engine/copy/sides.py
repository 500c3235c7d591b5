"""The two sides of a copy, and the users that both of them know."""

from __future__ import annotations

import os
from hashlib import blake2b
from uuid import UUID

from msgspec import Struct

from headrace.backend.base import Backend
from headrace.engine.digest.canonical import canonical_json
from headrace.model.enums import InferenceType
from headrace.model.records import DatalakeRecord, DataRecord, DatasetVersionRecord
from headrace.protocol.operations.users import LIST_ORGANIZATION_USERS, ListOrganizationUsers


class CopySide(Struct, kw_only=True):
    """One side: a version of a lake, a server or a platform.

    Attributes:
        backend: The connection.
        organization_id: The organization of the version.
        username: The user who makes the calls.
        lake: The datalake that gets new files.
        version: The version.
    """

    backend: Backend
    organization_id: UUID
    username: str
    lake: DatalakeRecord
    version: DatasetVersionRecord

    @property
    def name(self) -> str:
        """The version, as ``dataset/version``."""
        return f"{self.version.origin_name}/{self.version.version}"


def no_version(dataset: str, version: str) -> DatasetVersionRecord:
    """Return a record that stands for a version which need not exist yet."""
    none = UUID(int=0)
    return DatasetVersionRecord(
        id=none,
        origin_name=dataset,
        origin_id=none,
        version=version,
        type=InferenceType.NOT_CONFIGURED,
    )


def same_place(one: CopySide, other: CopySide) -> bool:
    """Whether both sides have the same files, so that none need to be moved."""
    return (place_of(one), one.organization_id) == (place_of(other), other.organization_id)


def place_of(side: CopySide) -> str:
    """Return the address of a server, or the folder of a lake, however it was written."""
    backend = side.backend
    return os.path.realpath(backend.name) if backend.limits.local_files else backend.name


def metadata_digest(data: DataRecord) -> bytes:
    """Return a digest of the metadata and the custom metadata of a file."""
    metadata = [data.metadata or None, data.custom_metadata or None]
    return blake2b(canonical_json(metadata), digest_size=16).digest()


class Owners:
    """Maps the owners of annotations to users of the target, by name.

    ``known`` are the names of the users at the source by id, ``ids`` the ids of those at the target by name. An owner
    that the target does not know becomes the user who copies.
    """

    def __init__(self, known: dict[str, str], ids: dict[str, str], username: str) -> None:
        self._known = known
        self._ids = ids
        self._username = username

    @classmethod
    async def read(cls, source: CopySide, target: CopySide) -> Owners:
        """Read the users of both sides. Only headrace tells who owns an annotation, and lets another user own one."""
        known, ids = {}, {}
        if source.backend.limits.extensions:
            known = {user: name for name, user in (await _users(source)).items()}
        if target.backend.limits.extensions:
            ids = await _users(target)
        return cls(known, ids, target.username)

    def of(self, worker_id: str | None) -> tuple[str, str | None]:
        """Return the id of an owner at the target (empty for the user who copies), and the name that is lost."""
        own = self._ids.get(self._username, "")
        if worker_id is None:
            return own, None
        name = self._known.get(worker_id, worker_id)
        if name in self._ids:
            return self._ids[name], None
        return own, None if name == self._username else name


async def _users(side: CopySide) -> dict[str, str]:
    request = ListOrganizationUsers(organization_id=side.organization_id)
    answer = await side.backend.call(LIST_ORGANIZATION_USERS, request)
    return {user.username: str(user.id) for user in answer.users}
