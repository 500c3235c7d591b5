"""``Expect: 100-continue``: a body is only invited once the caller may send it."""

from __future__ import annotations

from aiohttp import web


async def defer_continue(request: web.Request) -> None:
    """Take the place of aiohttp's handler, which invites the body before anyone has looked at the token."""


async def invite_body(request: web.Request) -> None:
    """Invite the body now, where the client waits for that."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
