"""The annotation campaign of a version."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from headrace.errors import NoDataError
from headrace.model.records import DatasetVersionRecord
from headrace.protocol.operations import campaigns as operations
from headrace.protocol.operations.datasets import GET_VERSION, VersionId
from headrace.sdk.base.resource import Resource
from headrace.sdk.campaign.campaign import AnnotationCampaign
from headrace.sdk.campaign.instructions import upload_instructions


class VersionCampaigns(Resource[DatasetVersionRecord]):
    """What a version does to be annotated by many."""

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
        """The annotation campaign of this version, without steps and tasks yet. ``name`` has no effect.

        With ``auto_add_new_assets`` every asset that is added becomes a task as soon as the campaign has a step; with
        ``auto_close_on_completion`` the campaign closes when its last task is done.

        Raises ConflictError where the version has a campaign already.
        """
        object_name = None
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
        """The annotation campaign of this version; NoDataError where there is none."""
        self.record = await self.session.call(GET_VERSION, VersionId(version_id=self.id))
        campaign_id = self.record.annotation_campaign_id
        if campaign_id is None:
            raise NoDataError(
                f"{self.record.origin_name}/{self.record.version} has no annotation campaign",
                hint="make one: create_campaign()",
            )
        request = operations.CampaignId(campaign_id=campaign_id)
        record = await self.session.call(operations.GET_CAMPAIGN, request)
        return AnnotationCampaign(self.session, record)
