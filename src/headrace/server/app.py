"""Build the aiohttp application of a server over an open platform."""

from __future__ import annotations

from aiohttp import web

from headrace.platform.platform import Platform
from headrace.server import api
from headrace.server.authentication import Authenticator
from headrace.server.files import FileRoutes
from headrace.server.key_ring import KeyRing
from headrace.server.middleware import RequestDrain, make_middleware
from headrace.server.process_board import ProcessBoard
from headrace.server.readiness import Readiness
from headrace.server.settings import ServerSettings
from headrace.server.watch.observer import RequestObserver


async def make_app(
    platform: Platform,
    settings: ServerSettings,
    drain: RequestDrain,
    observer: RequestObserver,
    board: ProcessBoard | None = None,
) -> web.Application:
    """Build the application; the caller closes the platform. ``board`` is that of a server of several processes.

    File URLs are signed with the newest key of the lake and accepted with any of its keys. Where clients reach the
    storage of the objects themselves, the server has no file URLs.

    Raises:
        LakeError: The lake has no signing key.
    """
    keys = await KeyRing.open(platform.context)
    authenticator = Authenticator(platform, keys, settings)
    app = web.Application(
        client_max_size=settings.max_body, middlewares=[make_middleware(drain, observer)]
    )
    app.router.add_routes(Readiness(platform, settings, board).routes())
    app.router.add_routes(api.routes(platform, authenticator))
    objects = platform.context.objects
    if objects.direct is None:
        files = FileRoutes(objects, platform.context.database, keys, settings)
        app.router.add_routes(files.routes())
    return app
