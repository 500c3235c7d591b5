"""What a launched program is told, by its environment."""

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


class Told(Struct, frozen=True, kw_only=True):
    """A launch as its program sees it.

    ``target`` is a lake's folder, where the program is ``username``, or a server's address, where ``token`` lets it in:
    in both it is whoever launched it.
    ``version_id`` or ``datalake_id`` is what it was launched on, ``ids`` the assets or data that were named, None for
    all of a version. ``cpu`` and ``gpu`` are how many processors were asked for.
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
        return f"Told({self.processing!r} · job {self.job_id})"


def told(environment: Mapping[str, str] = os.environ) -> Told:
    """What this process was told; :class:`ConfigurationError` where it is no program of a job."""
    given = {
        name: environment[_PREFIX + name.upper()]
        for name in Told.__struct_fields__
        if _PREFIX + name.upper() in environment
    }
    if "job_id" not in given or "parameters" not in given:
        raise ConfigurationError(
            "this process is no program of a job",
            hint="launch it: headrace processing run TARGET VERSION NAME",
        )
    values: dict[str, Any] = {**given, "parameters": msgspec.json.decode(given["parameters"])}
    if "ids" in given:
        values["ids"] = Path(given["ids"]).read_text().split()
    try:
        return msgspec.convert(values, Told, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"the environment of the job is incomplete: {error}") from None
