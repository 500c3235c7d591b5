"""The official client, unmodified, in a process of its own: importing it takes a second and rewrites the root logger."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any


async def drive(script: Path, host: str, token: str, folder: Path) -> dict[str, Any]:
    """What a script that uses the client saw of a server."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        host,
        token,
        str(folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PICSELLIA_SDK_CUSTOM_LOGGING": "1", "NO_PROXY": "*"},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return found
