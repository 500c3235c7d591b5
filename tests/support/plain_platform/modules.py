"""All endpoints, gathered from the modules. A module is added here and nowhere else."""

from __future__ import annotations

from tests.support.plain_platform import (
    assets,
    copies,
    data,
    datalake,
    datasets,
    files,
    jobs,
    session,
    sources,
    storage,
    tags,
    versions,
)
from tests.support.plain_platform.routes import FileRoute, Route

_MODULES = (
    session,
    storage,
    datalake,
    # Before data: /api/data/source/{source} must not be taken for a data.
    sources,
    data,
    tags,
    # Before datasets: /api/dataset/version/... likewise.
    versions,
    copies,
    assets,
    datasets,
    jobs,
)
ROUTES: list[Route] = [route for module in _MODULES for route in module.ROUTES]
FILE_ROUTES: list[FileRoute] = files.FILE_ROUTES
