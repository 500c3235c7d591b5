"""What the platform holds, in memory. Tables map ids to records; a record's ``order`` is its age."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

from tests.support.plain_platform.routes import RefusedError, missing

_order = count()
T = TypeVar("T")


def new_id() -> str:
    return str(uuid4())


@dataclass(kw_only=True, eq=False)
class Record:
    id: str = field(default_factory=new_id)
    order: int = field(default_factory=lambda: next(_order))


@dataclass(eq=False)
class User(Record):
    username: str
    token: str


@dataclass(eq=False)
class Source(Record):
    name: str


@dataclass(eq=False)
class Tag(Record):
    name: str
    target_type: str
    scope: str
    """Id of the datalake, dataset version or organization that it belongs to."""
    targets: set[str] = field(default_factory=set)
    """Ids of the objects that have it."""


@dataclass(eq=False)
class Data(Record):
    type: str
    filename: str
    object_name: str
    content_type: str
    registered: Any
    """The body of its registration, to know a repeated one."""
    data_source_id: str | None = None
    meta: dict[str, int] | None = None
    metadata: dict[str, Any] | None = None
    custom_metadata: dict[str, Any] | None = None
    looks_left: int = 0
    """It is PENDING for so many looks."""
    failed: bool = False


@dataclass(eq=False)
class Projection(Record):
    data_id: str
    name: str
    object_name: str
    filename: str
    infos: dict[str, Any]


@dataclass(eq=False)
class Dataset(Record):
    name: str
    description: str


@dataclass(eq=False)
class Version(Record):
    dataset_id: str
    version: str
    description: str
    type: str
    locked: bool = False
    campaign_id: str | None = None


@dataclass(eq=False)
class Asset(Record):
    version_id: str
    data_id: str


@dataclass(eq=False)
class Job(Record):
    statuses: tuple[str, str, str]
    """While it runs, when it succeeded, when it failed."""
    work: Callable[[], None]
    looks_left: int
    fails: bool
    done: bool = False

    def look(self) -> dict[str, str]:
        """What a look at it shows; the last one finds it done."""
        running, success, failure = self.statuses
        if not self.done:
            if self.looks_left > 0:
                self.looks_left -= 1
                return {"id": self.id, "status": running}
            self.done = True
            if not self.fails:
                self.work()
        return {"id": self.id, "status": failure if self.fails else success}


V1 = ("RUNNING", "SUCCESS", "FAILED")
V2 = ("RUNNING", "SUCCEEDED", "FAILED")


class Store:
    """Everything of one organization, which has one datalake and one storage connector."""

    def __init__(self) -> None:
        self.organization_id = new_id()
        self.organization_name = "plain"
        self.connector_id = new_id()
        self.datalake_id = new_id()
        self.datalake_name = "default"
        self.users: dict[str, User] = {}
        self.sources: dict[str, Source] = {}
        self.tags: dict[str, Tag] = {}
        self.datas: dict[str, Data] = {}
        self.projections: dict[str, Projection] = {}
        self.datasets: dict[str, Dataset] = {}
        self.versions: dict[str, Version] = {}
        self.assets: dict[str, Asset] = {}
        self.jobs: dict[str, Job] = {}
        self.job_runs: dict[str, Job] = {}
        self.files: dict[str, bytes] = {}
        """Object names and what was uploaded under them."""
        self.uploads: dict[str, dict[int, bytes]] = {}
        """Multipart uploads by id, and their parts by number."""
        self.on_asset_removed: list[Callable[[Asset], None]] = []
        """Called for each asset that goes: what belongs to it goes too."""

    def add_user(self, name: str) -> User:
        user = User(username=name, token=new_id())
        self.users[user.id] = user
        return user

    def with_token(self, token: str) -> User | None:
        return next((user for user in self.users.values() if user.token == token), None)

    def remove_asset(self, asset: Asset) -> None:
        for hook in self.on_asset_removed:
            hook(asset)
        self.untag(asset.id)
        self.assets.pop(asset.id, None)

    def untag(self, target: str) -> None:
        """Nothing has its tags any more."""
        for tag in self.tags.values():
            tag.targets.discard(target)

    def tags_of(self, target: str) -> list[Tag]:
        return [tag for tag in self.tags.values() if target in tag.targets]


def only(found: Iterable[T], what: str) -> T:
    """The one that was found; 404 for none, and 409 rather than a choice among several."""
    matches = list(found)
    if not matches:
        raise missing(what)
    if len(matches) > 1:
        raise RefusedError(409, f"Several match: give the id of the {what}.")
    return matches[0]
