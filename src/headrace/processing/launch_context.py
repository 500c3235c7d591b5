"""Read the facts of a launch from the environment of the launched program."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from headrace.errors import ConfigurationError

_PREFIX = "HEADRACE_"


class LaunchContext(Struct, frozen=True, kw_only=True):
    """The facts of one launch.

    ``target`` is the folder of a lake, which the program opens as ``username``, or the address of a server, which it
    calls with ``token``. Either way it acts as the user who launched it.
    ``version_id`` or ``datalake_id`` is the object of the launch. ``ids`` are the assets or data that were named, None
    for the whole version. ``cpu`` and ``gpu`` are the numbers of processors that were requested.
    """

    target: str
    organization_id: UUID
    job_id: UUID
    processing: str
    parameters: dict[str, Any]
    cpu: int
    gpu: int
    version_id: UUID | None = None
    datalake_id: UUID | None = None
    ids: list[UUID] | None = None
    token: str | None = None
    username: str | None = None

    def __repr__(self) -> str:
        return f"LaunchContext({self.processing!r} · job {self.job_id})"


def read_launch_context(environment: Mapping[str, str] = os.environ) -> LaunchContext:
    """Read the launch of this process from its environment.

    Raises:
        ConfigurationError: This process was not launched by a job, or a variable is missing or malformed.
    """
    given = {
        name: environment[_PREFIX + name.upper()]
        for name in LaunchContext.__struct_fields__
        if _PREFIX + name.upper() in environment
    }
    if "job_id" not in given or "parameters" not in given:
        raise ConfigurationError(
            "this process was not launched by a job",
            hint="launch it: headrace processing run TARGET VERSION NAME",
        )
    values: dict[str, Any] = {**given, "parameters": msgspec.json.decode(given["parameters"])}
    if "ids" in given:
        values["ids"] = Path(given["ids"]).read_text().split()
    try:
        return msgspec.convert(values, LaunchContext, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the environment of the job is incomplete: {error}") from None
