"""The tasks of annotation campaigns."""

from __future__ import annotations

from uuid import UUID

from headrace.model.enums import AnnotationStatus, AssignmentStatus
from headrace.model.records import AssignmentRecord, DataRecord
from headrace.protocol.operations import assets, assignments
from headrace.sdk.asset import Asset
from headrace.sdk.base.file import WithFile
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session


class AnnotationCampaignAssignment(Resource[AssignmentRecord], WithFile):
    """The task of one asset in a campaign. Whoever has it, and nobody else, may annotate the asset."""

    __slots__ = ("campaign_id", "dataset_version_id")

    def __init__(
        self,
        session: Session,
        record: AssignmentRecord,
        campaign_id: UUID,
        dataset_version_id: UUID,
    ) -> None:
        super().__init__(session, record)
        self.campaign_id = campaign_id
        self.dataset_version_id = dataset_version_id

    @property
    def _file(self) -> DataRecord:
        return self.record.data

    @property
    def asset_id(self) -> UUID:
        """The id of the asset."""
        return self.record.asset_id

    @property
    def data_id(self) -> UUID:
        """The id of the data behind the asset."""
        return self.record.data.id

    @property
    def step_id(self) -> UUID:
        """The id of the step that the task is in."""
        return self.record.step_id

    @property
    def user_id(self) -> UUID | None:
        """The id of the user who has the task; None where nobody has it."""
        return self.record.assigned_user_id

    @property
    def status(self) -> AssignmentStatus:
        """How far the task was in its step when it was last read."""
        return self.record.status

    async def sync(self) -> None:
        """Read the task again."""
        request = assignments.AssignmentId(assignment_id=self.id)
        self.record = await self.session.call(assignments.GET_ASSIGNMENT, request)

    async def get_asset(self) -> Asset:
        """The asset to annotate."""
        record = await self.session.call(assets.GET_ASSET, assets.AssetId(asset_id=self.asset_id))
        return Asset(self.session, record, self.dataset_version_id)

    async def submit(
        self, status: AnnotationStatus | str = AnnotationStatus.ACCEPTED
    ) -> AssignmentStatus:
        """Say that the work is done: the task moves, and the status of the newest annotation with it.

        ACCEPTED hands it to the next step, or ends it as DONE. REFUSED, in a review, gives it back to whoever did the
        step before, as TO_REWORK. SKIPPED ends it where it is. A task that nobody has is taken first.

        Raises ConflictError where somebody else has the task, it has ended, or its campaign is closed.
        """
        request = assignments.SubmitAssignment(
            assignment_id=self.id, status=AnnotationStatus.parse(status)
        )
        self.record = await self.session.call(assignments.SUBMIT_ASSIGNMENT, request)
        return self.status

    def __repr__(self) -> str:
        return describe(self, self.filename, self.status.value.lower())
