"""Putting a file under an object name, through whatever door."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from headrace.backend.base import Backend, UploadedFile


async def send_file(
    backend: Backend, path: Path, *, connector_id: UUID, object_name: str, content_type: str
) -> UploadedFile:
    async with backend.upload(path, connector_id=connector_id) as upload:
        sent = await upload.send(object_name, content_type)
        await upload.finish()
        return sent
