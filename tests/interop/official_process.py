"""Scripts of the official client, each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any


async def drive(script: Path, *arguments: str) -> dict[str, Any]:
    """Run a script to its end; the JSON object that its last line is."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(script),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PICSELLIA_SDK_CUSTOM_LOGGING": "1", "NO_PROXY": "*"},
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    found: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
    return found
