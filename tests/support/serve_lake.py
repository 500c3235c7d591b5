"""Serve a lake in a process of its own: prints ``serving <address>``, stops on a signal. ``serve_lake.py LAKE [seconds]``."""

from __future__ import annotations

import logging
import sys

import uvloop

from headrace.server.serve import serve
from headrace.server.settings import ServerSettings


def main() -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    stop_seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 10.0
    settings = ServerSettings(stop_seconds=stop_seconds)
    uvloop.run(
        serve(
            sys.argv[1],
            settings=settings,
            ready=lambda address: print(f"serving {address}", flush=True),
        )
    )
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
