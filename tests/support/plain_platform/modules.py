"""All endpoints, gathered from the modules. A module is added here and nowhere else."""

from __future__ import annotations

from tests.support.plain_platform import (
    annotations,
    assets,
    assignments,
    campaigns,
    copies,
    data,
    datalake,
    datasets,
    exports,
    extended,
    files,
    imports,
    jobs,
    label_details,
    labels,
    loading,
    processings,
    session,
    shapes,
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
    extended,
    assets,
    labels,
    label_details,
    loading,
    exports,
    imports,
    annotations,
    shapes,
    campaigns,
    assignments,
    processings,
    datasets,
    jobs,
)
ROUTES: list[Route] = [route for module in _MODULES for route in module.ROUTES]
FILE_ROUTES: list[FileRoute] = files.FILE_ROUTES
