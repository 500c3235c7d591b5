"""Putting a file under an object name, through whatever door."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from headrace.backend.base import Backend, Sent


async def send_file(
    backend: Backend, path: Path, *, connector_id: UUID, object_name: str, content_type: str
) -> Sent:
    async with backend.sending(path, connector_id=connector_id) as sending:
        sent = await sending.send(object_name, content_type)
        await sending.settle()
        return sent
