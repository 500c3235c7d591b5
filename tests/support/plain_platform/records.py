"""The records of the platform. A record's ``order`` is its age among all records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

_order = count()


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
    attributes: dict[str, Any] | None = None
    """Definitions of the attributes of annotations."""
    campaign_id: str | None = None


@dataclass(eq=False)
class Asset(Record):
    version_id: str
    data_id: str


@dataclass(eq=False)
class LabelGroup(Record):
    version_id: str
    name: str
    parent_id: str | None = None


@dataclass(eq=False)
class Label(Record):
    version_id: str
    name: str
    group_id: str | None = None
    skeleton: dict[str, Any] | None = None
    """``{"vertices", "edges"}``"""
    attributes: dict[str, Any] | None = None


@dataclass(eq=False)
class Shape(Record):
    kind: str
    """rectangles, polygons, lines, points, classifications, masks, keypoints or tracks."""
    label_id: str
    geometry: dict[str, Any]
    """Under the keys of the wire: ``{"x": 1, ...}``, ``{"polygon": ...}``."""
    text: str | None = None
    attributes: dict[str, Any] | None = None


@dataclass(eq=False)
class Annotation(Record):
    asset_id: str
    user_id: str
    status: str = "PENDING"
    duration: float = 0.0
    attributes: dict[str, Any] | None = None
    shapes: list[Shape] = field(default_factory=list)


@dataclass(eq=False)
class Campaign(Record):
    version_id: str
    settings: dict[str, Any]
    closed: bool = False


@dataclass(eq=False)
class Step(Record):
    campaign_id: str
    name: str
    type: str
    place: int
    """In the workflow, from 0."""
    sample_rate: float | None = None
    assignees: list[tuple[str, float]] = field(default_factory=list)
    """Users and their weights."""


@dataclass(eq=False)
class Processing(Record):
    fields: dict[str, Any]
    public: bool = False
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name."""


@dataclass(eq=False)
class Assignment(Record):
    campaign_id: str
    asset_id: str
    step_id: str
    status: str = "TO_DO"
    assigned_user_id: str | None = None


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
