"""Whether the server lives, and whether it can do its work."""

from __future__ import annotations

import logging

from aiohttp import web

from headrace._version import __version__
from headrace.errors import HeadraceError
from headrace.platform.accounts.signing_keys import signing_keys
from headrace.platform.platform import Platform

_log = logging.getLogger("headrace.server")


def routes(platform: Platform) -> list[web.RouteDef]:
    """``/healthz`` (the process answers) and ``/readyz`` (so does its database)."""

    async def alive(request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", "headrace": __version__})

    async def ready(request: web.Request) -> web.Response:
        try:
            await signing_keys(platform.context)
        except HeadraceError:
            _log.exception("not ready")
            return web.json_response({"status": "failing"}, status=503)
        return web.json_response({"status": "ok"})

    return [web.get("/healthz", alive), web.get("/readyz", ready)]
