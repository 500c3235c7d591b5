"""The part of the walk through the table that is about annotation campaigns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from headrace.model.enums import (
    AnnotationStatus,
    AssignmentStatus,
    CampaignStepType,
    ObjectDataType,
)
from headrace.model.records import AssigneeRecord
from tests.support.lakes.sending import send_file

if TYPE_CHECKING:
    from tests.conformance.wire.scenario import Walk

MISSING = UUID("0197c4a0-0000-7000-8000-000000000001")


async def campaigns(it: Walk, lake: Any, version: Any, assets: list[Any]) -> None:
    """A campaign from its first step to its end, on a version with annotated assets and others."""
    place = {"version_id": version.id}
    organization = {"organization_id": it.organization.id}
    (user,) = (await it.ask("list_organization_users", **organization)).users
    await it.refused("create_campaign", **place, end_date="tomorrow")
    await it.refused("create_campaign", **place, instructions_object_name="0/9/9/none.pdf")
    campaign = await it.ask("create_campaign", **place, description="bïrds", end_date="2030-01-02")
    await it.refused("create_campaign", **place)
    one = {"campaign_id": campaign.id}
    await it.ask("get_version", **place)
    await it.ask("get_campaign", **one)
    await it.refused("get_campaign", campaign_id=MISSING)
    await it.ask("list_campaigns", **organization, is_closed=False)
    await it.ask("list_campaigns", **organization, is_closed=True)
    await _steps(it, one, user.id)
    await _tasks(it, lake, place, one, user.id, assets)
    await it.ask("close_campaign", **one)
    await it.ask("close_campaign", **one)
    await it.refused("update_campaign", **one, description="x")
    await it.ask("list_campaigns", **organization)
    await it.ask("delete_campaign", **one)
    await it.refused("delete_campaign", **one)
    await it.ask("get_version", **place)


async def _steps(it: Walk, one: dict[str, Any], user: UUID) -> None:
    me = [AssigneeRecord(user_id=user, weight=1.5)]
    await it.ask("sync_available", **one)
    await it.refused("sync_assets", **one)
    kinds = CampaignStepType
    review = await it.ask("add_step", **one, name="review", type=kinds.REVIEW, sample_rate=1.0)
    first = await it.ask(
        "add_step", **one, name="änd", type=kinds.ANNOTATION, order=0, assignees=me
    )
    last = await it.ask("add_step", **one, name="last", type=kinds.REVIEW, description="d")
    await it.refused("add_step", **one, name="x", type=kinds.QUALITY_CONTROL)
    await it.refused("add_step", **one, name="x", type=kinds.REVIEW, order=9)
    nobody = [AssigneeRecord(user_id=MISSING, weight=1)]
    await it.refused("add_step", **one, name="x", type=kinds.REVIEW, assignees=nobody)
    await it.ask("list_steps", **one)
    await it.ask("get_step", step_id=review.id)
    await it.refused("get_step", step_id=MISSING)
    await it.ask("update_step", step_id=review.id, name="look", assignees=me)
    await it.refused("update_step", step_id=review.id, sample_rate=2)
    away = {"destination_step_id_for_pending_assignments": review.id}
    await it.refused("delete_step", step_id=review.id, **away)
    await it.ask("delete_step", step_id=last.id, **away)
    await it.refused("get_step", step_id=last.id)
    await it.ask(
        "update_campaign",
        **one,
        auto_add_new_assets=True,
        default_entry_step_id=first.id,
        annotated_entry_step_id=str(review.id),
    )
    await it.refused("update_campaign", **one, default_entry_step_id=last.id)


async def _tasks(
    it: Walk,
    lake: Any,
    place: dict[str, Any],
    one: dict[str, Any],
    user: UUID,
    assets: list[Any],
) -> None:
    first, review = (await it.ask("list_steps", **one)).items
    await it.ask("sync_available", **one)
    answer = await it.ask("sync_assets", **one, existing_annotations_step_id=str(review.id))
    await it.ask("get_job_run", job_id=answer.job.id)
    await it.ask("find_job_run", organization_id=it.organization.id, id=answer.job.id)
    await it.ask("cancel_job_run", job_id=answer.job.id)
    await it.refused("cancel_job_run", job_id=MISSING)
    await it.refused("sync_assets", **one)
    page = await it.ask("list_assignments", **one, limit=2)
    await it.ask("list_assignments", **one, limit=2, cursor=page.next_cursor)
    await it.ask("list_assignments", **one, order_by=["filename"], offset=1)
    await it.ask("list_assignments", **one, user_id="unassigned")
    await it.ask("list_assignments", **one, q='filename startswith "é"', user_id=str(user))
    await it.refused("list_assignments", **one, user_id="me")
    todo = await it.ask("list_assignments", **one, status=AssignmentStatus.TO_DO, step_id=first.id)
    await it.ask("list_assets", **place, assignment_step_id=review.id)
    await it.ask("list_assets", **place, assignment_status=AssignmentStatus.TO_DO)
    await it.ask("list_assets", **place, assignment_user_id=user, assignment_step_id=first.id)
    task = todo.items[0]
    named = {"assignment_id": task.id}
    await it.ask("get_assignment", **named)
    await it.refused("get_assignment", assignment_id=MISSING)
    await it.ask("reassign_assignments", **one, assignment_ids=[task.id])
    await it.ask("reassign_assignments", **one, assignment_ids=[task.id], user_id=user)
    await it.refused("reassign_assignments", **one, assignment_ids=[MISSING])
    await it.ask("redistribute_assignments", step_id=first.id)
    made = await it.ask("create_annotation", asset_id=task.asset_id, duration=2)
    await it.ask("save_annotation", annotation_id=made.id, duration=3)
    await it.refused("submit_assignment", **named, status=AnnotationStatus.REFUSED)
    await it.ask("submit_assignment", **named)
    await it.ask("submit_assignment", **named, status=AnnotationStatus.REFUSED)
    await it.ask("find_annotation", asset_id=task.asset_id)
    await it.ask("campaign_issue_counts", **one)
    await it.ask("submit_assignment", **named)
    await it.ask("campaign_issue_counts", **one, user_ids=[user], step_ids=[first.id])
    await it.ask("update_annotation", annotation_id=made.id, status=AnnotationStatus.ACCEPTED)
    await it.refused("update_annotation", annotation_id=made.id, duration=9)
    await it.refused("submit_assignment", **named)
    await it.refused("delete_annotations", **place, asset_ids=["__all__"])
    await it.ask("campaign_progress", **one)
    await _instructions(it, lake, one)


async def _instructions(it: Walk, lake: Any, one: dict[str, Any]) -> None:
    named = await it.ask(
        "generate_object_name",
        organization_id=it.organization.id,
        connector_id=lake.connector_id,
        filename="how.txt",
        type=ObjectDataType.CAMPAIGN_FILE,
    )
    name = {"instructions_object_name": named.object_name}
    await it.refused("update_campaign", **one, **name)
    file = it.folder / "how.txt"
    file.write_text("draw tightly")
    await send_file(
        it.backend,
        file,
        connector_id=lake.connector_id,
        object_name=named.object_name,
        content_type="text/plain",
    )
    await it.ask("update_campaign", **one, **name)
