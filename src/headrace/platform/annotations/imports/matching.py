"""Find the assets that the images of an import mean, by their exact names."""

from __future__ import annotations

from uuid import UUID

from headrace.errors import RequestTooLargeError
from headrace.model.ids import Kind
from headrace.platform.context import Context
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import version_scope
from headrace.platform.dispatch import handles
from headrace.protocol.operations.annotations import MATCH_ASSETS, MatchAssets

MAX_NAMES = 10_000


@handles(MATCH_ASSETS)
async def match_assets(context: Context, access: Access, request: MatchAssets) -> list[list[UUID]]:
    """Return the ids of the assets of each name, the oldest first; raises RequestTooLargeError for too many names."""
    if len(request.filenames) > MAX_NAMES:
        raise RequestTooLargeError(
            f"{len(request.filenames)} names in one call", hint=f"send at most {MAX_NAMES}"
        )
    scope = await version_scope(context.database, access, request.version_id)
    rows = await context.database.fetch(
        "assets.match",
        keys=json_text(request.filenames),
        bucket=scope.bucket,
        version=scope.no,
    )
    asset_id = scope.ids(Kind.ASSET).id
    found: list[list[UUID]] = [[] for _ in request.filenames]
    for place, seq in rows:
        found[place].append(asset_id(seq))
    return found
