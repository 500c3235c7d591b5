"""``headrace serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result, print_result
from headrace.cli.console.wording import absolute

PORT = 8430


async def serve(
    lake: Path,
    /,
    *,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = PORT,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Serve a lake over HTTP until Ctrl-C.

    Requests in progress are completed first. Clients need a token: headrace token create LAKE.

    Args:
        lake: The lake's folder.
        host: Address to listen on. The default is reachable from this machine only.
        port: Port to listen on; 0 chooses a free one.
    """
    from headrace.server.serve import serve as run_server
    from headrace.server.settings import ServerSettings
    from headrace.settings import load_settings

    def ready(address: str) -> None:
        result = Result(
            command="serve",
            data={"url": address, "lake": absolute(lake)},
            lines=[f"Serving {lake} at {address} (Ctrl-C stops)"],
        )
        print_result(result, as_json=output.json)

    settings = ServerSettings(undo=load_settings().undo_policy())
    await run_server(lake, host=host, port=port, settings=settings, ready=ready)
