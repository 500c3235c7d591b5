"""What the platform holds, in memory: tables of records by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from mimetypes import guess_type
from typing import TypeVar

from tests.support.plain_platform.media import size_of
from tests.support.plain_platform.records import (
    V1,
    V2,
    Annotation,
    Asset,
    Assignment,
    Campaign,
    Data,
    Dataset,
    Job,
    Label,
    LabelGroup,
    Processing,
    Projection,
    Source,
    Step,
    Tag,
    User,
    Version,
    new_id,
)
from tests.support.plain_platform.routes import RefusedError, missing
from tests.support.plain_platform.switches import Switches

T = TypeVar("T")


class Store:
    """Everything of one organization, which has one datalake and one storage connector."""

    def __init__(self) -> None:
        self.organization_id = new_id()
        self.organization_name = "plain"
        self.connector_id = new_id()
        self.datalake_id = new_id()
        self.datalake_name = "default"
        self.secret = new_id().encode()
        """Signs presigned URLs."""
        self.users: dict[str, User] = {}
        self.sources: dict[str, Source] = {}
        self.tags: dict[str, Tag] = {}
        self.datas: dict[str, Data] = {}
        self.projections: dict[str, Projection] = {}
        self.datasets: dict[str, Dataset] = {}
        self.versions: dict[str, Version] = {}
        self.assets: dict[str, Asset] = {}
        self.label_groups: dict[str, LabelGroup] = {}
        self.labels: dict[str, Label] = {}
        self.annotations: dict[str, Annotation] = {}
        self.campaigns: dict[str, Campaign] = {}
        self.steps: dict[str, Step] = {}
        self.assignments: dict[str, Assignment] = {}
        self.processings: dict[str, Processing] = {}
        self.jobs: dict[str, Job] = {}
        self.job_runs: dict[str, Job] = {}
        self.files: dict[str, bytes] = {}
        """What was uploaded, by object name."""
        self.parts: dict[str, dict[int, bytes]] = {}
        """Parts of unfinished uploads, by upload and number (or by offset)."""

    def add_user(self, name: str) -> User:
        user = User(username=name, token=new_id())
        self.users[user.id] = user
        return user

    def add_version(
        self, dataset: str, version: str, images: Iterable[tuple[str, bytes]]
    ) -> Version:
        """A version of a new dataset, with an asset for each image: its file name and its bytes."""
        origin = Dataset(name=dataset, description="")
        self.datasets[origin.id] = origin
        made = Version(dataset_id=origin.id, version=version, description="", type="NOT_CONFIGURED")
        self.versions[made.id] = made
        for filename, content in images:
            object_name = f"data/{new_id()}/{filename}"
            self.files[object_name] = content
            data = Data(
                type="IMAGE",
                filename=filename,
                object_name=object_name,
                content_type=guess_type(filename)[0] or "application/octet-stream",
                registered=None,
                meta=size_of(content),
            )
            self.datas[data.id] = data
            asset = Asset(version_id=made.id, data_id=data.id)
            self.assets[asset.id] = asset
        return made

    def with_token(self, token: str) -> User | None:
        return next((user for user in self.users.values() if user.token == token), None)

    def start_job(
        self, switches: Switches, work: Callable[[], None], *, second: bool = False
    ) -> Job:
        """A job of the first kind, or of the second, whose work is done at its end."""
        job = Job(
            statuses=V2 if second else V1,
            work=work,
            looks_left=switches.job_polls,
            fails=switches.fail_jobs,
        )
        (self.job_runs if second else self.jobs)[job.id] = job
        if not job.looks_left:
            job.look()
        return job

    def assets_of(self, version_id: str) -> list[Asset]:
        return [asset for asset in self.assets.values() if asset.version_id == version_id]

    def labels_of(self, version_id: str) -> list[Label]:
        """In the order of their creation."""
        return [label for label in self.labels.values() if label.version_id == version_id]

    def annotations_of(self, asset_id: str) -> list[Annotation]:
        """Newest first."""
        found = [row for row in self.annotations.values() if row.asset_id == asset_id]
        return sorted(found, key=lambda row: -row.order)

    def tags_of(self, target: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if target in tag.targets]

    def untag(self, target: str) -> None:
        """The target goes, so that no tag is on it any more."""
        for tag in self.tags.values():
            tag.targets.discard(target)

    def remove_assets(self, assets: Iterable[Asset]) -> None:
        """Remove assets with their annotations, tags and assignments."""
        going = {asset.id for asset in assets}
        for table in (self.annotations, self.assignments):
            for row in [row for row in table.values() if row.asset_id in going]:
                del table[row.id]
        for asset_id in going:
            self.untag(asset_id)
            self.assets.pop(asset_id, None)

    def remove_campaign(self, campaign: Campaign) -> None:
        for table in (self.steps, self.assignments):
            for row in [row for row in table.values() if row.campaign_id == campaign.id]:
                del table[row.id]
        self.versions[campaign.version_id].campaign_id = None
        del self.campaigns[campaign.id]

    def remove_version(self, version: Version) -> None:
        self.remove_assets(self.assets_of(version.id))
        for table in (self.labels, self.label_groups):
            for row in [row for row in table.values() if row.version_id == version.id]:
                del table[row.id]
        for tag in [tag for tag in self.tags.values() if tag.scope == version.id]:
            del self.tags[tag.id]
        if version.campaign_id is not None:
            self.remove_campaign(self.campaigns[version.campaign_id])
        self.untag(version.id)
        self.versions.pop(version.id, None)


def only(found: Iterable[T], what: str) -> T:
    """The one that was found; 404 for none, and 409 rather than a choice among several."""
    matches = list(found)
    if not matches:
        raise missing(what)
    if len(matches) > 1:
        raise RefusedError(409, f"Several match: give the id of the {what}.")
    return matches[0]


def refuse_locked(version: Version) -> Version:
    """The version, unless it is locked: then everything that writes below it is 423."""
    if version.locked:
        raise RefusedError(423, "The version is locked.")
    return version
