"""What a server process does: it prints ``serving <address>`` and stops on a signal."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import uvloop

from headrace.server.serve import serve
from headrace.server.settings import ServerSettings


def serve_lake(lake: str | Path, stop_seconds: float, port: int = 0) -> None:
    """Serve a lake until told to stop."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    uvloop.run(
        serve(
            lake,
            port=port,
            settings=ServerSettings(stop_seconds=stop_seconds),
            ready=lambda address: print(f"serving {address}", flush=True),
        )
    )
    print("stopped", flush=True)
