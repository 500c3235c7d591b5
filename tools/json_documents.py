"""The JSON objects of the commands that work on versions, labels, tags, campaigns, jobs, users and servers.

``tools/make_json_page.py`` has those of the commands that move and show data, and writes the page.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType


class Document(Struct, forbid_unknown_fields=True, kw_only=True):
    """A printed object."""

    schema: str


class Part(Struct, forbid_unknown_fields=True, kw_only=True):
    """An object inside another one."""


class Change(Document):
    """What a command did, or would do with ``dry_run``."""

    dry_run: bool


# --- versions ---------------------------------------------------------------------------------------------


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


# --- removals ---------------------------------------------------------------------------------------------


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


# --- tags and labels --------------------------------------------------------------------------------------


class TagListDocument(Document):
    """headrace tag list; ``tags`` are names by what they are on."""

    version: str | None
    tags: dict[str, list[str]]


class TagCreateDocument(Change):
    """headrace tag create."""

    version: str
    on: str
    created: list[str]


class TagCountDocument(Change):
    """headrace tag add, and headrace tag remove; ``count`` objects have or had the tags."""

    version: str
    tags: list[str]
    on: str
    count: int


class TagRenameDocument(Change):
    """headrace tag rename."""

    version: str
    on: str
    old: str
    tag: str


class TagConvertDocument(Change):
    """headrace tag convert."""

    version: str
    tags: list[str]
    count: int


class TagDeleteDocument(Change):
    """headrace tag delete."""

    version: str
    on: str
    tag: str
    count: int


class LabelListDocument(Document):
    """headrace label list: the number of shapes of each label."""

    version: str
    labels: dict[str, int]


class SkeletonBody(Part):
    """The keypoints of a label, and the pairs that are joined."""

    vertices: list[str]
    edges: list[list[int]]


class LabelShowDocument(Document):
    """headrace label show."""

    version: str
    label: str
    id: str
    shapes: int
    group: str | None
    skeleton: SkeletonBody
    attributes: dict[str, Any] | None


class LabelAddDocument(Change):
    """headrace label add."""

    version: str
    labels: list[str]
    created: list[str]


class LabelRenameDocument(Change):
    """headrace label rename."""

    version: str
    old: str
    label: str


class LabelMergeDocument(Change):
    """headrace label merge."""

    version: str
    labels: list[str]
    into: str
    shapes: int


class LabelDeleteDocument(Change):
    """headrace label delete."""

    version: str
    labels: list[str]
    shapes: int


# --- jobs and processings ---------------------------------------------------------------------------------


class JobBody(Part):
    """A job."""

    job: str
    status: str
    kind: str
    done: int | None
    total: int | None
    error: str | None


class JobListDocument(Document):
    """headrace job list."""

    jobs: list[JobBody]


class JobShowDocument(JobBody):
    """headrace job show."""

    schema: str


class JobLogDocument(Document):
    """headrace job log."""

    job: str
    status: str
    log: str


class JobCancelDocument(Change):
    """headrace job cancel."""

    job: str
    status: str


class ProcessingParameter(Part):
    """A parameter of a processing."""

    name: str
    default: Any = UNSET
    choices: list[Any] | UnsetType = UNSET


class ProcessingBody(Part):
    """A processing; only a lake's folder tells ``program`` and ``folder``, and only headrace what begins with ``default``."""

    id: str
    name: str
    target: str
    type: str | None
    description: str | None | UnsetType = UNSET
    default_cpu: int | None | UnsetType = UNSET
    default_gpu: int | None | UnsetType = UNSET
    default_parameters: dict[str, Any] | None | UnsetType = UNSET
    parameters: list[ProcessingParameter] | UnsetType = UNSET
    version_types: list[str] | UnsetType = UNSET
    program: str | UnsetType = UNSET
    folder: str | None | UnsetType = UNSET


class ProcessingAddDocument(ProcessingBody, kw_only=True):
    """headrace processing add."""

    schema: str


class ProcessingListDocument(Document):
    """headrace processing list."""

    processings: list[ProcessingBody]


class ProcessingRemoveDocument(Change):
    """headrace processing remove."""

    id: str
    name: str


class ProcessingRunDocument(Document):
    """headrace processing run."""

    version: str
    processing: str
    job: str
    status: str


# --- campaigns and users ----------------------------------------------------------------------------------


class CampaignBody(Part):
    """A campaign."""

    version: str
    id: str
    state: str


class CampaignListDocument(Document):
    """headrace campaign list."""

    campaigns: list[CampaignBody]


class StepBody(Part):
    """A step of a campaign."""

    name: str
    type: str
    id: str


class CampaignShowDocument(CampaignBody):
    """headrace campaign show; ``progress`` has the number of assignments by step and status."""

    schema: str
    steps: list[StepBody]
    progress: dict[str, dict[str, int]]
    issues: list[dict[str, Any]]
    instructions: str | None | UnsetType = UNSET


class CampaignDocument(Change):
    """headrace campaign create, and headrace campaign edit."""

    version: str
    id: str | None


class CampaignAddStepDocument(Change):
    """headrace campaign add-step."""

    version: str
    step: str
    added: bool


class CampaignRemoveStepDocument(Change):
    """headrace campaign remove-step."""

    version: str
    step: str
    moved: int
    to: str


class CampaignSyncDocument(Change):
    """headrace campaign sync."""

    version: str
    missing: int
    assignments: int


class AssignmentBody(Part):
    """An assignment."""

    file: str
    step: str | None
    status: str
    user: str | None
    id: str


class CampaignAssignmentsDocument(Document):
    """headrace campaign assignments."""

    version: str
    count: int
    assignments: list[AssignmentBody]


class CampaignAssignDocument(Change):
    """headrace campaign assign."""

    version: str
    user: str
    count: int


class CampaignSubmitDocument(Change):
    """headrace campaign submit."""

    version: str
    file: str
    status: str


class CampaignEndDocument(Change):
    """headrace campaign close, and headrace campaign delete."""

    version: str
    assignments: int


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


# --- servers, tokens, the command line --------------------------------------------------------------------


class ServeDocument(Document):
    """headrace serve, when it is ready."""

    url: str
    lake: str
    metrics: str | UnsetType = UNSET


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


class CodeBody(Part):
    """A code and its title."""

    code: str
    title: str


class CodesDocument(Document):
    """headrace explain."""

    codes: list[CodeBody]


class CodeDocument(CodeBody):
    """headrace explain CODE."""

    schema: str
    rule: str
    example: str
    lenient: str
    strict: str
    cure: str


class CompletionDocument(Document):
    """headrace completion."""

    shell: str
    script: str


class ProgramVersionDocument(Document):
    """headrace --version."""

    version: str


GROUPS: dict[str, type[Struct]] = {
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
    "headrace.tag.list/1": TagListDocument,
    "headrace.tag.create/1": TagCreateDocument,
    "headrace.tag.add/1": TagCountDocument,
    "headrace.tag.remove/1": TagCountDocument,
    "headrace.tag.rename/1": TagRenameDocument,
    "headrace.tag.convert/1": TagConvertDocument,
    "headrace.tag.delete/1": TagDeleteDocument,
    "headrace.label.list/1": LabelListDocument,
    "headrace.label.show/1": LabelShowDocument,
    "headrace.label.add/1": LabelAddDocument,
    "headrace.label.rename/1": LabelRenameDocument,
    "headrace.label.merge/1": LabelMergeDocument,
    "headrace.label.delete/1": LabelDeleteDocument,
    "headrace.job.list/1": JobListDocument,
    "headrace.job.show/1": JobShowDocument,
    "headrace.job.log/1": JobLogDocument,
    "headrace.job.cancel/1": JobCancelDocument,
    "headrace.processing.add/1": ProcessingAddDocument,
    "headrace.processing.list/1": ProcessingListDocument,
    "headrace.processing.remove/1": ProcessingRemoveDocument,
    "headrace.processing.run/1": ProcessingRunDocument,
    "headrace.campaign.list/1": CampaignListDocument,
    "headrace.campaign.show/1": CampaignShowDocument,
    "headrace.campaign.create/1": CampaignDocument,
    "headrace.campaign.edit/1": CampaignDocument,
    "headrace.campaign.add-step/1": CampaignAddStepDocument,
    "headrace.campaign.remove-step/1": CampaignRemoveStepDocument,
    "headrace.campaign.sync/1": CampaignSyncDocument,
    "headrace.campaign.assignments/1": CampaignAssignmentsDocument,
    "headrace.campaign.assign/1": CampaignAssignDocument,
    "headrace.campaign.submit/1": CampaignSubmitDocument,
    "headrace.campaign.close/1": CampaignEndDocument,
    "headrace.campaign.delete/1": CampaignEndDocument,
    "headrace.user.list/1": UserListDocument,
    "headrace.user.add/1": UserAddDocument,
    "headrace.user.remove/1": UserRemoveDocument,
    "headrace.organization.list/1": OrganizationListDocument,
    "headrace.organization.create/1": OrganizationCreateDocument,
    "headrace.organization.rename/1": OrganizationRenameDocument,
    "headrace.organization.add/1": OrganizationAddDocument,
    "headrace.serve/1": ServeDocument,
    "headrace.token.create/1": TokenCreateDocument,
    "headrace.token.list/1": TokenListDocument,
    "headrace.token.revoke/1": TokenRevokeDocument,
    "headrace.token.rotate-key/1": TokenRotateKeyDocument,
    "headrace.audit/1": AuditDocument,
    "headrace.audit.row/1": AuditRow,
    "headrace.logout/1": LogoutDocument,
    "headrace.whoami/1 (all profiles)": ProfilesDocument,
    "headrace.explain/1 (all codes)": CodesDocument,
    "headrace.explain/1 (one code)": CodeDocument,
    "headrace.completion/1": CompletionDocument,
    "headrace.version/1": ProgramVersionDocument,
}
"""The class of each form."""
