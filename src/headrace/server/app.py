"""The whole server as one aiohttp application over an open platform."""

from __future__ import annotations

from aiohttp import web

from headrace.errors import LakeError
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.platform import Platform
from headrace.server import api, health
from headrace.server.blobs import Blobs
from headrace.server.draining import Draining
from headrace.server.gate import Gate
from headrace.server.middleware import around
from headrace.server.settings import ServerSettings


async def make_app(
    platform: Platform, settings: ServerSettings, draining: Draining
) -> web.Application:
    """The application; closing the platform is the caller's affair.

    File URLs are signed with the lake's newest key and accepted with any; :class:`LakeError` where it has none.
    """
    keys = await signing_keys(platform.context)
    if not keys:
        raise LakeError(
            "the lake has no key to sign file URLs with", hint="make it anew: headrace init"
        )
    gate = Gate(platform, keys[0], settings)
    blobs = Blobs(
        platform.context.objects,
        {key.no: key.secret for key in keys},
        max_upload=settings.max_upload,
    )
    app = web.Application(client_max_size=settings.max_body, middlewares=[around(draining)])
    app.router.add_routes(health.routes(platform))
    app.router.add_routes(api.routes(platform, gate))
    app.router.add_routes(blobs.routes())
    return app
