"""``headrace serve``."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headrace.cli.console.errors import UsageError
from headrace.cli.console.logs import Level, chosen_level
from headrace.cli.console.options import DEFAULT_OUTPUT, Output
from headrace.cli.console.result import Result, print_result
from headrace.cli.console.target import full_place, is_database, shown

PORT = 8430
LOOPBACK = ("127.0.0.1", "::1", "localhost")

log = logging.getLogger("headrace.server")


async def serve(
    lake: str,
    /,
    *,
    objects: str | None = None,
    host: str = "127.0.0.1",
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))] = PORT,
    unix_socket: Path | None = None,
    unix_socket_mode: str = "600",
    public_url: str | None = None,
    url_ttl: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_body: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_upload: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    query_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    stop_seconds: Annotated[float | None, Parameter(validator=Number(gte=0))] = None,
    keepalive_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    ready_free_bytes: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    ready_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    failed_tokens: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    proxies: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    max_launches: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_connections: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_connections_per_peer: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    max_requests: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    head_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    body_rate: Annotated[int | None, Parameter(validator=Number(gte=0))] = None,
    body_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    unread_seconds: Annotated[float | None, Parameter(validator=Number(gt=0))] = None,
    processes: Annotated[int, Parameter(validator=Number(gte=1, lte=64))] = 1,
    metrics: str | None = None,
    log_level: Level | None = None,
    access_log: Path | None = None,
    output: Output = DEFAULT_OUTPUT,
) -> None:
    """Serve a lake over HTTP until Ctrl-C.

    Requests in progress are completed first. Clients need a token: headrace token create LAKE.

    Args:
        lake: The lake's folder; or the database of a platform, postgresql://user@host/name, which any number of servers
            may serve, and postgresql:// for that of HEADRACE_DATABASE.
        objects: Where a platform in a database keeps its files: s3://bucket/prefix, or a folder that all its servers
            reach. Default: HEADRACE_OBJECTS.
        host: Address to listen on. The default is reachable from this machine only.
        port: Port to listen on; 0 chooses a free one.
        unix_socket: Listen on a socket of this path in place of host and port, for a proxy; needs --public-url.
        unix_socket_mode: Who may connect to this socket: permissions of its file.
        public_url: Address that clients use, where a proxy stands in front; file URLs begin with it. Default: the host of
            each request.
        url_ttl: Seconds for which a signed file URL is valid at most. Default: 3600.
        max_body: Bytes of the largest JSON body of a call. Default: 64 MiB.
        max_upload: Bytes of the largest file, or part of one. Default: 5 GiB.
        query_seconds: Seconds that a listing by a query may take. Default: 30.
        stop_seconds: Seconds that running calls have to finish at the end. Default: 30.
        keepalive_seconds: Seconds that an idle connection stays open. Default: 75.
        ready_free_bytes: Bytes of free space below which the server says that it is not ready. Default: 256 MiB.
        ready_seconds: Seconds that all readers may be busy, or a call wait to write, before it says so. Default: 10.
        failed_tokens: Wrong tokens that an address may send in ten minutes before further ones have to wait. Default: 10.
        proxies: Proxies in front of this server that add to X-Forwarded-For; without them the header is ignored. Default: 0.
        max_launches: Launched jobs of an organization that may run or wait at once. Default: 20.
        max_connections: Open connections at most; idle ones make room for new ones. Default: 1000.
        max_connections_per_peer: Open connections of one address at most. A proxy is one address. Default: 500.
        max_requests: Calls under way at most; further ones are answered 503. Default: 500.
        head_seconds: Seconds that the head of a request may take to arrive. Default: 10.
        body_rate: Bytes a second that a body must arrive with at least; 0 for no limit. Default: 500.
        body_seconds: Seconds over which that rate is measured. Default: 30.
        unread_seconds: Seconds that a client may take nothing of its answer. Default: 300.
        processes: How many processes serve the lake on this port, to use several cores. One of them writes at a time to a
            lake's folder, all of them to a database.
        metrics: Serve figures for Prometheus at /metrics of PORT or HOST:PORT. Without a host, only this machine reads
            them. Default: not at all.
        log_level: The least that is logged. Default: warning; info with --log-file.
        access_log: Append a line a request to this file, or write it to stderr with -. Default: they are part of the log
            from level info on.
    """
    from headrace.garbage import collect_seldom
    from headrace.server.processes import serve_with_processes
    from headrace.server.serve import serve as run_server
    from headrace.server.settings import ServerSettings, host_and_port
    from headrace.server.unix_socket import bound_socket
    from headrace.server.watch.logs import ServerLog, start_logs
    from headrace.settings import load_settings

    settings = ServerSettings.of(
        load_settings(
            public_url=public_url,
            url_ttl=url_ttl,
            max_body=max_body,
            max_upload=max_upload,
            query_seconds=query_seconds,
            stop_seconds=stop_seconds,
            keepalive_seconds=keepalive_seconds,
            metrics=metrics,
            ready_free_bytes=ready_free_bytes,
            ready_seconds=ready_seconds,
            failed_tokens=failed_tokens,
            proxies=proxies,
            max_launches=max_launches,
            max_connections=max_connections,
            max_connections_per_peer=max_connections_per_peer,
            max_requests=max_requests,
            head_seconds=head_seconds,
            body_rate=body_rate,
            body_seconds=body_seconds,
            unread_seconds=unread_seconds,
        )
    )
    figures = None if settings.metrics is None else host_and_port(settings.metrics)
    if unix_socket is not None and settings.public_url is None:
        # A socket has no address that file URLs could begin with.
        raise UsageError(
            "--unix-socket needs --public-url", hint="name the address of the proxy in front of it"
        )
    logs = ServerLog(
        level=log_level or _level(output),
        format=output.log_format,
        file=None if output.log_file is None else str(output.log_file.absolute()),
        access=_access(access_log),
    )
    start_logs(logs, process=0 if processes > 1 else None)
    if unix_socket is None:
        _warn_of(host, settings.public_url)
    if figures is not None and figures[0] not in LOOPBACK:
        log.warning(
            "figures are shown to all who reach %s: the address has no token", settings.metrics
        )

    def ready(address: str) -> None:
        data: dict[str, object] = {"url": address, "lake": full_place(lake)}
        lines = [
            f"Serving {full_place(lake) if is_database(lake) else shown(lake)} at {address} (Ctrl-C stops)"
        ]
        if figures is not None:
            shown_host = f"[{figures[0]}]" if ":" in figures[0] else figures[0]
            data["metrics"] = f"http://{shown_host}:{figures[1]}/metrics"
            lines.append(f"Metrics at {data['metrics']}")
        output.reporter.ready()
        print_result(Result(command="serve", data=data, lines=lines), output.form)

    socket = (
        nullcontext() if unix_socket is None else bound_socket(unix_socket, _mode(unix_socket_mode))
    )
    with socket as bound:
        if processes > 1:
            await serve_with_processes(
                lake,
                processes,
                objects=objects,
                host=host,
                port=port,
                settings=settings,
                log=logs,
                unix_socket=bound,
                ready=ready,
            )
        else:
            collect_seldom()
            await run_server(
                lake,
                objects=objects,
                host=host,
                port=port,
                settings=settings,
                unix_socket=bound,
                ready=ready,
            )


def _level(output: Output) -> Level:
    return chosen_level(output.verbose) or ("warning" if output.log_file is None else "info")


def _access(path: Path | None) -> str | None:
    """Return where the access log goes; a relative path is that of this folder."""
    if path is None or str(path) == "-":
        return None if path is None else "-"
    return str(path.absolute())


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o777:
        raise UsageError(f"--unix-socket-mode cannot be {text!r}", hint="for example 660")
    return mode


def _warn_of(host: str, public_url: str | None) -> None:
    if host not in LOOPBACK and public_url is None:
        log.warning(
            "listening on %s without TLS: tokens and files cross the network readable by all on the way. Put a proxy "
            "that ends TLS in front, and name its address with --public-url",
            host,
        )
