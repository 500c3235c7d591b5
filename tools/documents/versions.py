"""The JSON objects of the commands for versions and removals."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from tools.documents.base import Change, Document, Part


class ListedVersion(Part):
    """A version in a list."""

    dataset: str
    version: str
    id: str
    type: str


class VersionListDocument(Document):
    """headrace version list."""

    versions: list[ListedVersion]


class VersionShowDocument(Document):
    """headrace version show TARGET VERSION; of a dataset, ``versions`` and ``users`` stand in place of the rest."""

    name: str
    id: str
    description: str
    tags: list[str]
    type: str | UnsetType = UNSET
    assets: int | UnsetType = UNSET
    annotations: int | UnsetType = UNSET
    shapes: int | UnsetType = UNSET
    labels: list[str] | UnsetType = UNSET
    locked: bool | None | UnsetType = UNSET
    campaign: str | None | UnsetType = UNSET
    versions: list[str] | UnsetType = UNSET
    users: list[str] | UnsetType = UNSET


class VersionCreateDocument(Change):
    """headrace version create; ``created`` names the dataset and the version that are new."""

    version: str
    id: str | None
    created: list[str]


class VersionForkDocument(Change, rename={"source": "from"}):
    """headrace version fork."""

    version: str
    id: str | None
    source: str
    assets: int


class VersionRenameDocument(Change):
    """headrace version rename."""

    old: str
    version: str


class VersionAddDocument(Change):
    """headrace version add."""

    version: str
    data: int
    tags: list[str]


class VersionMergeDocument(Change, rename={"source": "from"}):
    """headrace version merge; ``added`` are the assets that were not there yet, null in a dry run."""

    source: str
    version: str
    assets: int
    added: int | None


class VersionSplitDocument(Change):
    """headrace version split; ``parts`` are the numbers of assets by name, ``untagged`` those that lost an older tag."""

    version: str
    parts: dict[str, int]
    untagged: dict[str, int]
    seed: str


class VersionLockDocument(Change):
    """headrace version lock, and headrace version unlock."""

    version: str
    locked: bool | None


class FileMetadata(Part):
    """The custom metadata of a file."""

    filename: str
    metadata: dict[str, Any] | None


class VersionMetadataDocument(Change):
    """headrace version metadata."""

    version: str
    changed: int
    files: list[FileMetadata]


class VersionRemoveDocument(Change):
    """headrace version remove; ``removal`` is the id for headrace undo."""

    version: str
    assets: int
    annotations_only: bool
    data: bool
    bytes: int
    removal: str | None


class VersionDeleteDocument(Change):
    """headrace version delete."""

    version: str
    assets: int
    annotations: int
    shapes: int
    removal: str | None


class RemovalBody(Part):
    """A removal; times are seconds since 1970."""

    id: str
    kind: str
    version: str
    username: str
    assets: int
    annotations: int
    shapes: int
    bytes: int
    created_at: float
    expires_at: float
    undone_at: float | None


class UndoListDocument(Document):
    """headrace undo list."""

    removals: list[RemovalBody]


class UndoShowDocument(RemovalBody):
    """headrace undo show."""

    schema: str
    labels: dict[str, int]
    files: list[str]


class UndoConflict(Part):
    """What an undo left as it is, and why."""

    subject: str
    why: str


class UndoRunDocument(Change):
    """headrace undo run."""

    id: str
    version: str
    assets: int
    annotations: int
    shapes: int
    present: int
    replaced: int
    removal_id: str | None
    conflicts: list[UndoConflict]
    conflict_count: int
    notes: list[str]
    cursor: str | None


VERSIONS: dict[str, type[Struct]] = {
    "headrace.version.list/1": VersionListDocument,
    "headrace.version.show/1": VersionShowDocument,
    "headrace.version.create/1": VersionCreateDocument,
    "headrace.version.fork/1": VersionForkDocument,
    "headrace.version.rename/1": VersionRenameDocument,
    "headrace.version.add/1": VersionAddDocument,
    "headrace.version.merge/1": VersionMergeDocument,
    "headrace.version.split/1": VersionSplitDocument,
    "headrace.version.lock/1": VersionLockDocument,
    "headrace.version.unlock/1": VersionLockDocument,
    "headrace.version.metadata/1": VersionMetadataDocument,
    "headrace.version.remove/1": VersionRemoveDocument,
    "headrace.version.delete/1": VersionDeleteDocument,
    "headrace.undo.list/1": UndoListDocument,
    "headrace.undo.show/1": UndoShowDocument,
    "headrace.undo.run/1": UndoRunDocument,
}
"""The class of each form."""
