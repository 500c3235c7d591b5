"""A campaign as users of the official client run it, two of them with tokens of their own. Prints what it saw as JSON.

With ``managed`` as the last argument it ends before the annotations: what these do to tasks is a platform's decision.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from picsellia import Client
from picsellia.exceptions import NoDataError, ResourceConflictError
from picsellia.types.enums import AnnotationStatus, InferenceType


def tasks(campaign: Any, **filters: Any) -> list[Any]:
    """The tasks that a filter leaves, by file name."""
    try:
        found = campaign.list_assignments(**filters)
    except NoDataError:
        return []
    return sorted(found, key=lambda task: task.filename)


def main(host: str, token: str, folder: Path, hers: str, *end: str) -> dict[str, Any]:
    client, ann = Client(api_token=token, host=host), Client(api_token=hers, host=host)
    images = [str(path) for path in sorted(folder.glob("*.png"))]
    lake = client.get_datalake()
    uploaded = lake.upload_data(filepaths=images[:4])
    dataset = client.create_dataset("animals")
    version = dataset.create_version("v1", type=InferenceType.OBJECT_DETECTION)
    version.add_data(uploaded)
    cat = version.create_label("cat")
    users = {user.username: user for user in dataset.list_users()}
    workers = {worker.username: worker for worker in dataset.list_workers()}
    seen: dict[str, Any] = {"users": sorted(users), "found": dataset.find_worker("ann").username}
    try:
        version.get_campaign()
    except NoDataError:
        seen["none"] = True

    campaign = version.create_campaign(
        description="cats",
        instructions_file_path=str(folder / "rules.txt"),
        instructions_text="all of them",
        end_date=date(2030, 1, 2),
        auto_add_new_assets=True,
    )
    try:
        version.create_campaign()
    except ResourceConflictError:
        seen["second"] = True
    try:
        campaign.launch()
    except (ValueError, ResourceConflictError) as error:
        seen["no step"] = "the campaign has no step" in str(error).lower()
    draw = campaign.add_step("draw", "ANNOTATION", assignees=[(workers["ann"], 1)])
    look = campaign.add_step(
        "look", "REVIEW", description="with care", assignees=[(users["local"].id, 2.0)]
    )
    spare = campaign.add_step("spare", "REVIEW", order=1, sample_rate=0.5)
    spare.update(name="extra", sample_rate=1.0)
    spare.delete(look.id)
    campaign.update(
        description="cats only",
        auto_close_on_completion=True,
        default_entry_step=draw,
        annotated_entry_step="DONE",
    )
    campaign.upload_instructions_file(str(folder / "rules.txt"))
    draw.sync()
    seen["steps"] = [(s.name, s.order, s.type.value) for s in campaign.list_steps()]
    job = campaign.sync_assets(existing_annotations_step_id="DONE")
    job.wait_for_done()
    seen["job"] = [job.status.value, client.get_job_by_id(job.id).status.value]
    again = client.get_dataset_version_by_id(version.id).get_campaign()
    seen["same"] = [again.id == campaign.id, again.dataset_version_id == version.id]
    seen["listed"] = [
        len(client.list_annotation_campaigns()),
        len(client.list_annotation_campaigns(is_closed=False)),
        len(client.list_annotation_campaigns(is_closed=True)),
    ]
    version.add_data(lake.upload_data(filepaths=images[4:]))

    seen["hers"] = [t.filename for t in tasks(campaign, user=users["ann"], status="TO_DO")]
    first = tasks(campaign)[0]
    first.download(str(folder / "out"))
    seen["file"] = (folder / "out" / first.filename).read_bytes() == Path(images[0]).read_bytes()
    seen["url"] = first.reset_url() != ""
    campaign.reassign([first])
    seen["nobody's"] = [task.id == first.id for task in tasks(campaign, user="unassigned")]
    campaign.reassign([first], users["ann"])
    draw.redistribute_assignments()
    if end != ("managed",):
        annotate(client, ann, users, version, campaign, draw, look, cat, seen)
    campaign.close()
    counts = version.retrieve_stats()
    campaign.delete()
    seen["deleted"] = [
        len(client.list_annotation_campaigns()),
        version.retrieve_stats().nb_annotations == counts.nb_annotations,
    ]
    return seen


def annotate(
    client: Any, ann: Any, users: dict[str, Any], version: Any, campaign: Any, draw: Any, look: Any,
    cat: Any, seen: dict[str, Any],
) -> None:  # fmt: skip
    """She draws, he looks."""
    her_version = ann.get_dataset("animals").get_version("v1")
    for task in tasks(her_version.get_campaign(), user=users["ann"]):
        asset = her_version.find_asset(id=task.asset_id)
        annotation = asset.create_annotation(1.0)
        annotation.create_rectangle(1, 2, 3, 4, cat)
        annotation.update(status=AnnotationStatus.ACCEPTED)
    seen["handed on"] = [
        len(tasks(campaign, step_id=look.id, status="TO_DO")),
        len(version.list_assets(assignment_user_id=users["local"].id)),
        len(version.list_assets(assignment_status="TO_DO", assignment_step_id=look.id)),
    ]
    refused = version.find_asset(filename="a.png").get_annotation()
    try:
        her_version.find_asset(filename="a.png").get_annotation().delete()
    except ResourceConflictError:
        seen["not hers now"] = True
    try:
        version.delete_all_annotations()
    except ResourceConflictError:
        seen["not all"] = True
    refused.update(status=AnnotationStatus.REFUSED)
    seen["issues"] = [
        (str(issue["user_id"]) == str(users["ann"].id), issue["opened"], issue["closed"])
        for issue in campaign.get_campaign_issue_counts([users["ann"]], [draw])
    ]
    (again,) = tasks(campaign, status="TO_REWORK")
    theirs = her_version.find_asset(id=again.asset_id).get_annotation()
    theirs.overwrite(rectangles=[(5, 6, 7, 8, cat)], duration=2.0)
    theirs.update(status=AnnotationStatus.ACCEPTED)
    for task in tasks(campaign, user=users["local"], status="TO_DO"):
        version.find_asset(id=task.asset_id).get_annotation().update(
            status=AnnotationStatus.ACCEPTED
        )
    seen["done"] = [task.status.value for task in tasks(campaign)]
    seen["closed"] = len(client.list_annotation_campaigns(is_closed=True))
    try:
        campaign.update(description="too late")
    except ResourceConflictError:
        seen["too late"] = True


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *sys.argv[4:]), default=str))
