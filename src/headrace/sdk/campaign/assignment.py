"""The assignments of annotation campaigns."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET

from headrace.engine.upload.file import content_type
from headrace.model.enums import AnnotationStatus, AssignmentStatus, DataType, DataUploadStatus
from headrace.model.records import AssignmentDataRecord, AssignmentRecord, DataRecord
from headrace.protocol.operations import assets, assignments
from headrace.sdk.asset import Asset
from headrace.sdk.base.file import WithFile
from headrace.sdk.base.resource import Resource, describe
from headrace.sdk.base.session import Session


class AnnotationCampaignAssignment(Resource[AssignmentRecord], WithFile):
    """The assignment of one asset in a campaign. Only its user may annotate the asset.

    Example:
        ```python
        for assignment in await campaign.list_assignments(status="TO_DO", user=me):
            asset = await assignment.get_asset()
            ...
            await assignment.submit()
        ```
    """

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
        return _data(self.record.data)

    @property
    def asset_id(self) -> UUID:
        """The id of the asset."""
        return self.record.asset_id

    @property
    def data_id(self) -> UUID:
        """The id of the data of the asset."""
        return self.record.data.id

    @property
    def step_id(self) -> UUID:
        """The id of the step that the assignment is in."""
        return self.record.step_id

    @property
    def user_id(self) -> UUID | None:
        """The id of the user who has the assignment; None if it is not assigned."""
        return self.record.assigned_user_id

    @property
    def status(self) -> AssignmentStatus:
        """The status of the assignment in its step, as last read."""
        return self.record.status

    async def sync(self) -> None:
        """Read the assignment again and replace ``record``."""
        request = assignments.AssignmentId(assignment_id=self.id)
        self.record = await self.session.call(assignments.GET_ASSIGNMENT, request)

    async def get_asset(self) -> Asset:
        """Return the asset to annotate."""
        record = await self.session.call(assets.GET_ASSET, assets.AssetId(asset_id=self.asset_id))
        return Asset(self.session, record, self.dataset_version_id)

    async def submit(
        self, status: AnnotationStatus | str = AnnotationStatus.ACCEPTED
    ) -> AssignmentStatus:
        """Submit the work on the assignment, and set the status of the newest annotation.

        An assignment without a user is assigned to the caller first.

        Args:
            status: ACCEPTED moves the assignment to the next step, or ends it as DONE. REFUSED, in a review, returns
                it as TO_REWORK to the user of the previous step. SKIPPED ends it.

        Returns:
            The new status of the assignment.

        Raises:
            UnsupportedError: On other platforms than headrace, where assignments are submitted on the pages.
            ConflictError: If another user has the assignment, it has ended, or its campaign is closed.
        """
        request = assignments.SubmitAssignment(
            assignment_id=self.id, status=AnnotationStatus.parse(status)
        )
        self.record = await self.session.call(assignments.SUBMIT_ASSIGNMENT, request)
        return self.status

    def __repr__(self) -> str:
        return describe(self, self.filename, self.status.value.lower())


def _data(file: AssignmentDataRecord) -> DataRecord:
    """Make the record of the file. What a platform does not send follows from the name: tasks are of uploaded files."""
    media = content_type(file.filename) if file.content_type is UNSET else file.content_type
    by_media = DataType.VIDEO if media.startswith("video/") else DataType.IMAGE
    return DataRecord(
        id=file.id,
        object_name=file.object_name,
        filename=file.filename,
        type=by_media if file.type is UNSET else file.type,
        content_type=media,
        upload_status=DataUploadStatus.DONE if file.upload_status is UNSET else file.upload_status,
        meta=file.meta,
        presigned_url=file.presigned_url,
        metadata=file.metadata,
        custom_metadata=file.custom_metadata,
        size=file.size,
        sha256=file.sha256,
    )
