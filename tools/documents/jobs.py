"""The JSON objects of the commands for jobs and processings."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from tools.documents.base import Change, Document, Part


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


JOBS: dict[str, type[Struct]] = {
    "headrace.job.list/1": JobListDocument,
    "headrace.job.show/1": JobShowDocument,
    "headrace.job.log/1": JobLogDocument,
    "headrace.job.cancel/1": JobCancelDocument,
    "headrace.processing.add/1": ProcessingAddDocument,
    "headrace.processing.list/1": ProcessingListDocument,
    "headrace.processing.remove/1": ProcessingRemoveDocument,
    "headrace.processing.run/1": ProcessingRunDocument,
}
"""The class of each form."""
