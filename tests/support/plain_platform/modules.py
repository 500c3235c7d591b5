"""All endpoints, gathered from the modules. A module is added here and nowhere else."""

from __future__ import annotations

from tests.support.plain_platform import datalake, session
from tests.support.plain_platform.routes import FileRoute, Route

_MODULES = (
    session,
    datalake,
)
ROUTES: list[Route] = [route for module in _MODULES for route in module.ROUTES]
FILE_ROUTES: list[FileRoute] = []
