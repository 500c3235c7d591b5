"""``headrace serve``: its options reach the server, as options and as variables."""

from __future__ import annotations

import json
import signal
import socket
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest

from headrace.blocking import connect
from headrace.errors import PartialTransferError, RequestTooLargeError
from tests.support.data.images import draw_images
from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import headrace, running

OPTIONS = {
    "--public-url": "https://data.example.com/lake",
    "--url-ttl": "90",
    "--max-body": "4000",
    "--query-seconds": "20.5",
    "--stop-seconds": "2.5",
    "--keepalive-seconds": "0.4",
    "--ready-free-bytes": "4611686018427387904",
    "--ready-seconds": "7.5",
    "--failed-tokens": "3",
    "--proxies": "1",
    "--max-launches": "5",
}


@pytest.mark.parametrize("as_variables", [False, True])
def test_the_options_of_a_server(tmp_path: Path, as_variables: bool) -> None:
    lake, token = finished(servers.new_lake(tmp_path / "lake"))
    draw_images(tmp_path / "images", 1)
    assert headrace("push", lake, "d/v", tmp_path / "images").status == 0
    arguments: list[str] = []
    variables: dict[str, str] = {}
    for option, value in OPTIONS.items():
        if as_variables:
            variables["HEADRACE_" + option[2:].replace("-", "_").upper()] = value
        else:
            arguments += [option, value]
    with running("serve", lake, "--port", "0", "--json", *arguments, **variables) as command:
        address = json.loads(command.first_line())["url"]
        with connect(address, api_token=token) as client:
            (data,) = client.get_datalake().list_data()
            url = urlsplit(data.record.presigned_url)
            assert (url.scheme, url.netloc) == ("https", "data.example.com")
            assert url.path.startswith("/lake/files/")
            assert 0 < int(parse_qs(url.query)["expires"][0]) - time.time() <= 90
            with pytest.raises(HTTPError) as unready:
                urlopen(f"{address}/readyz")
            checks = json.load(unready.value)["checks"]
            assert checks["disk"]["ok"] is False
            assert checks["readers"]["limit_seconds"] == 7.5
            data.update_metadata({"note": "x" * 3000})
            with pytest.raises(RequestTooLargeError):
                data.update_metadata({"note": "x" * 5000})
        where = urlsplit(address)
        with socket.create_connection((where.hostname, where.port), timeout=30) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n")
            assert idle.recv(1000).startswith(b"HTTP/1.1 200")
            assert idle.recv(1000) == b""
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    lake, token = finished(servers.new_lake(tmp_path / "lake"))
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(300_000))
    with running("serve", lake, "--port", "0", "--json", HEADRACE_MAX_UPLOAD="1000") as command:
        address = json.loads(command.first_line())["url"]
        with (
            connect(address, api_token=token) as client,
            pytest.raises(PartialTransferError, match="status 413"),
        ):
            client.get_datalake().upload_data(large)
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0


def test_without_options_only_this_machine_reaches_a_server(tmp_path: Path) -> None:
    lake, _ = finished(servers.new_lake(tmp_path / "lake"))
    with running("serve", lake, "--port", "0", "--json") as command:
        address = urlsplit(json.loads(command.first_line())["url"])
        assert address.hostname == "127.0.0.1"
        # Where a server listens is in the kernel's table: only on that address.
        ports = [
            line.split()[1].split(":")
            for table in ("tcp", "tcp6")
            for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]
            if line.split()[3] == "0A"
        ]
        assert [host for host, port in ports if int(port, 16) == address.port] == ["0100007F"]
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0
