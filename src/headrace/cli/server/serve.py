"""``headrace serve``."""

from __future__ import annotations

from pathlib import Path

from headrace.cli.console.options import PLAIN, Output
from headrace.cli.console.result import Result, print_result
from headrace.cli.console.wording import absolute

PORT = 8430


async def serve(
    lake: Path,
    /,
    *,
    host: str = "127.0.0.1",
    port: int = PORT,
    output: Output = PLAIN,
) -> None:
    """Serve a lake over HTTP until Ctrl-C.

    Calls under way are finished first. Clients need a token: headrace token create LAKE.

    Args:
        lake: The lake's folder.
        host: The address to listen on; by default only this machine can reach it.
        port: The port to listen on; 0 takes a free one.
    """
    from headrace.server.serve import serve as run_server

    def ready(address: str) -> None:
        result = Result(
            command="serve",
            data={"url": address, "lake": absolute(lake)},
            lines=[f"Serving {lake} at {address} (Ctrl-C stops)"],
        )
        print_result(result, as_json=output.json)

    await run_server(lake, host=host, port=port, ready=ready)
