"""Build the aiohttp application of a server over an open platform."""

from __future__ import annotations

import logging

from aiohttp import web

from headrace._version import __version__
from headrace.errors import HeadraceError, LakeError
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.platform import Platform
from headrace.server import api
from headrace.server.authentication import Authenticator
from headrace.server.files import FileRoutes
from headrace.server.middleware import RequestDrain, make_middleware
from headrace.server.settings import ServerSettings
from headrace.server.watch.observer import RequestObserver

_log = logging.getLogger("headrace.server")


async def make_app(
    platform: Platform,
    settings: ServerSettings,
    drain: RequestDrain,
    observer: RequestObserver,
) -> web.Application:
    """Build the application; the caller closes the platform.

    File URLs are signed with the newest key of the lake and accepted with any of its keys.

    Raises:
        LakeError: The lake has no signing key.
    """
    keys = await signing_keys(platform.context)
    if not keys:
        raise LakeError(
            "the lake has no key to sign file URLs with", hint="create it again: headrace init"
        )
    authenticator = Authenticator(platform, keys[0], settings)
    files = FileRoutes(
        platform.context.objects,
        {key.no: key.secret for key in keys},
        max_upload=settings.max_upload,
    )
    app = web.Application(
        client_max_size=settings.max_body, middlewares=[make_middleware(drain, observer)]
    )
    app.router.add_routes(_health_routes(platform))
    app.router.add_routes(api.routes(platform, authenticator))
    app.router.add_routes(files.routes())
    return app


def _health_routes(platform: Platform) -> list[web.RouteDef]:
    """``/healthz`` (the process responds) and ``/readyz`` (its database responds)."""

    async def health(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "headrace": __version__})

    async def ready(request: web.Request) -> web.Response:
        try:
            await signing_keys(platform.context)
        except HeadraceError:
            _log.exception("not ready")
            return web.json_response({"status": "failing"}, status=503)
        if platform.context.database.damage is not None:
            return web.json_response({"status": "damaged"}, status=503)
        return web.json_response({"status": "ok"})

    return [web.get("/healthz", health), web.get("/readyz", ready)]
