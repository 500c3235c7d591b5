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
    public_url: str | None = None,
    url_ttl: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_body: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    query_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    stop_seconds: Annotated[float | None, Parameter(validator=Number(gte=0))] = None,
    processes: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 1,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Serve a lake over HTTP until Ctrl-C.

    Requests in progress are completed first. Clients need a token: headrace token create LAKE.

    Args:
        lake: The lake's folder.
        host: Address to listen on. The default is reachable from this machine only.
        port: Port to listen on; 0 chooses a free one.
        public_url: Address that clients use, where a proxy stands in front; file URLs begin with it. Default: the host of
            each request.
        url_ttl: Seconds for which a signed file URL is valid at most. Default: 3600.
        max_body: Bytes of the largest JSON body of a call. Default: 64 MiB.
        query_seconds: Seconds that a listing by a query may take. Default: 30.
        stop_seconds: Seconds that running calls have to finish at the end. Default: 30.
        processes: How many processes serve the lake on this port, to use several cores. One of them writes at a time.
    """
    from headrace.garbage import collect_seldom
    from headrace.server.processes import serve_with_processes
    from headrace.server.serve import serve as run_server
    from headrace.server.settings import ServerSettings
    from headrace.settings import load_settings

    def ready(address: str) -> None:
        result = Result(
            command="serve",
            data={"url": address, "lake": absolute(lake)},
            lines=[f"Serving {lake} at {address} (Ctrl-C stops)"],
        )
        print_result(result, output.form)

    settings = ServerSettings.of(
        load_settings(
            public_url=public_url,
            url_ttl=url_ttl,
            max_body=max_body,
            query_seconds=query_seconds,
            stop_seconds=stop_seconds,
        )
    )
    if processes > 1:
        await serve_with_processes(
            lake, processes, host=host, port=port, settings=settings, ready=ready
        )
    else:
        collect_seldom()
        await run_server(lake, host=host, port=port, settings=settings, ready=ready)
