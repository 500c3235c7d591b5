"""The annotation campaign of a version."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from msgspec import UNSET, UnsetType

from headrace.errors import NoDataError
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations import campaigns as operations
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.sdk.base.resource import Resource
from headrace.sdk.campaign.campaign import AnnotationCampaign
from headrace.sdk.campaign.closed import with_closed
from headrace.sdk.campaign.instructions import upload_instructions


class VersionCampaigns(Resource[DatasetVersionRecord]):
    """The methods of a version for its annotation campaign."""

    __slots__ = ()

    async def create_campaign(
        self,
        name: str | None = None,
        description: str | None = None,
        instructions_file_path: str | Path | None = None,
        instructions_text: str | None = None,
        end_date: date | None = None,
        auto_add_new_assets: bool | None = False,
        auto_close_on_completion: bool | None = False,
    ) -> AnnotationCampaign:
        """Create the annotation campaign of this version, without steps and assignments.

        Args:
            name: Has no effect: campaigns have no names.
            description: A description.
            instructions_file_path: A file with instructions for the annotators; it is uploaded.
            instructions_text: Instructions as text.
            end_date: The planned end.
            auto_add_new_assets: Create an assignment for every asset that is added later.
            auto_close_on_completion: Close the campaign when its last assignment is done.

        Returns:
            The new campaign.

        Raises:
            ConflictError: If the version has a campaign already.

        Example:
            ```python
            campaign = await version.create_campaign()
            await campaign.add_step("draw", "ANNOTATION")
            await (await campaign.sync_assets()).wait_for_done()
            ```
        """
        object_name: str | UnsetType = UNSET
        if instructions_file_path is not None:
            object_name = await upload_instructions(self.session, self.id, instructions_file_path)
        request = operations.CreateCampaign(
            version_id=self.id,
            description=description,
            instructions_text=instructions_text,
            instructions_object_name=object_name,
            end_date=end_date.isoformat() if end_date else None,
            auto_add_new_assets=auto_add_new_assets,
            auto_close_on_completion=auto_close_on_completion,
        )
        record = await self.session.call(operations.CREATE_CAMPAIGN, request)
        return AnnotationCampaign(self.session, record)

    async def get_campaign(self) -> AnnotationCampaign:
        """Return the annotation campaign of this version.

        Raises:
            NoDataError: If the version has no campaign.
        """
        self.record = await self.session.call(GET_VERSION, VersionId(version_id=self.id))
        campaign_id = self.record.annotation_campaign_id
        if campaign_id is None:
            raise NoDataError(
                f"{self.record.origin_name}/{self.record.version} has no annotation campaign",
                hint="create one with create_campaign()",
            )
        request = operations.CampaignId(campaign_id=campaign_id)
        record = await self.session.call(operations.GET_CAMPAIGN, request)
        return AnnotationCampaign(self.session, await with_closed(self.session, record))
