"""The logs of ``headrace serve``: a line a request, nothing secret, nothing forged, whole lines of several processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from headrace.blocking import connect
from headrace.platform.accounts.tokens import issue_token
from headrace.platform.platform import Platform
from tests.support.data.images import draw_images
from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import RunningCommand, headrace, running
from tests.support.processes.serving import CREATE, asked, children, wait_for

pytestmark = pytest.mark.sqlite_only(
    "serves the folder of a lake, whose server writes its logs as any does"
)

LINE = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>[A-Z]+) (?:\[(?P<process>\d+)\] )?"
    r"(?P<logger>[\w.]+): (?P<message>.*)"
)
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')
NAMES = [
    *("id", "peer", "user", "organization", "method", "operation", "status"),
    *("received", "sent", "seconds"),
]


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, str]:
    return finished(servers.new_lake(tmp_path / "lake"))


@contextmanager
def served(lake: tuple[Path, str], *options: str | Path) -> Iterator[tuple[RunningCommand, str]]:
    """A server with these options, which has ended without an error after the block."""
    with running("serve", lake[0], "--port", "0", "--json", *options) as command:
        yield command, json.loads(command.first_line())["url"]
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0


def requests_of(log: str) -> list[dict[str, str]]:
    """The fields of the lines of the access log; every line must be one."""
    found = []
    for line in log.splitlines():
        match = LINE.fullmatch(line)
        assert match, line
        assert match["logger"] == "headrace.server.access"
        fields = dict(FIELD.findall(match["message"]))
        assert [*fields] == NAMES
        found.append(fields)
    return found


def test_a_line_tells_of_each_request(lake: tuple[Path, str], tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    token = {"Authorization": f"Bearer {lake[1]}"}
    with served(lake, "--access-log", log) as (_, address):
        status, body = asked(address, "GET", "/api/home/ping", X_Request_ID="my-id", **token)
        assert status == 200
        assert asked(address, "GET", "/api/home/ping")[0] == 401
        assert asked(address, "GET", "/nowhere/at/all?secret=1")[0] == 404
        assert asked(address, "GET", "/healthz")[0] == 200
        content = json.dumps({"name": "streets", "description": "x" * 500}).encode()
        assert asked(address, "POST", CREATE, content, **token)[0] < 500
        with socket.create_connection((urlsplit(address).hostname, urlsplit(address).port)) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\nbad header\r\n\r\n")
            assert b" 400 " in raw.recv(100)
    ping, refused, unknown, health, created, damaged = requests_of(log.read_text())
    assert (ping["id"], ping["user"], ping["peer"]) == ("my-id", "local", "127.0.0.1")
    assert (ping["operation"], ping["method"], ping["status"]) == ("ping", "GET", "200")
    assert re.fullmatch(r"[0-9a-f-]{36}", ping["organization"])
    assert int(ping["sent"]) > len(body)
    assert 0 < float(ping["seconds"]) < 60
    assert (refused["operation"], refused["status"], refused["user"]) == ("ping", "401", '""')
    assert (unknown["operation"], unknown["status"]) == ("unknown", "404")
    assert (health["operation"], health["status"]) == ("healthz", "200")
    assert (created["operation"], created["method"]) == ("create_dataset", "POST")
    assert int(created["received"]) == len(content)
    assert (damaged["operation"], damaged["status"]) == ("unknown", "400")


def test_a_request_whose_client_went_is_told(lake: tuple[Path, str], tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with served(lake, "--access-log", log) as (_, address):
        where = urlsplit(address)
        with socket.create_connection((where.hostname, where.port)) as raw:
            head = f"POST {CREATE} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {lake[1]}\r\n"
            raw.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        # The next request is served after the end of that one was noticed, or soon after.
        for _ in range(200):
            asked(address, "GET", "/healthz")
            if "status=499" in log.read_text():
                break
    assert [each["status"] for each in requests_of(log.read_text())].count("499") == 1


def test_the_log_has_requests_from_level_info_on(lake: tuple[Path, str], tmp_path: Path) -> None:
    for level, expected in (("warning", 0), ("info", 1), ("debug", 1)):
        log = tmp_path / f"{level}.log"
        with served(lake, "--log-file", log, "--log-level", level) as (_, address):
            asked(address, "GET", "/healthz")
        assert log.read_text().count("operation=healthz") == expected


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_secret_is_written(lake: tuple[Path, str], tmp_path: Path, form: str) -> None:
    """All that a loud server writes while it is pushed to and pulled from, and asked in wrong ways: no token, no signature, no body."""
    log, access = tmp_path / "log", tmp_path / "access"
    draw_images(tmp_path / "images", 3)
    options = ["--log-file", log, "--log-level", "debug", "--log-format", form]
    with running(
        "serve", lake[0], "--port", "0", "--json", *options, "--access-log", access
    ) as command:
        address = json.loads(command.first_line())["url"]
        with connect(address, api_token=lake[1]) as client:
            client.push("d/v", tmp_path / "images")
            client.version("d/v").download(tmp_path / "pulled")
            (data, *_) = client.get_datalake().list_data()
            url = urlsplit(data.record.presigned_url)
        signature = url.query.partition("signature=")[2].partition("&")[0]
        assert len(signature) > 20
        canary = "canary-0f9a"
        for path in (f"{url.path}?{url.query}", f"{url.path}?{url.query}x", f"/{canary}?{canary}"):
            asked(address, "GET", path, Authorization=f"Bearer {lake[1]}")
            asked(address, "GET", path, Authorization=f"Bearer {lake[1][:-3]}xyz", Cookie=canary)
        asked(address, "POST", CREATE, canary.encode(), Authorization=f"Bearer {lake[1]}")
        asked(address, "XGET", "/api/" + canary, canary.encode())
        command.process.send_signal(signal.SIGINT)
        outcome = command.outcome()
    written = log.read_text() + access.read_text() + outcome.out + outcome.err
    assert "read_file" in access.read_text()
    for secret in (lake[1][3:20], signature, canary):
        assert secret not in written


async def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    name = 'eve\n2026-01-01T00:00:00.000Z INFO headrace.server.access: id=forged "x" \x1b[2J'
    lake, _ = await servers.new_lake(tmp_path / "lake")
    async with await Platform.open(lake) as platform:
        # No command makes such a user; another program that writes into the lake might.
        await platform.context.database.execute(
            "accounts.add_account", no=77, username=name, created=1
        )
        await platform.context.database.execute(
            "accounts.set_membership", organization=1, account=77, role="owner"
        )
        context = platform.context
        async with context.database.transaction() as tx:
            token, _ = await issue_token(
                tx, context.clock(), account=77, organization=1, name="t", lifetime=3600
            )
    log = tmp_path / "access.log"
    for form in ("text", "json"):
        with served((lake, token), "--access-log", log, "--log-format", form) as (_, address):
            status, _ = asked(address, "GET", "/api/home/ping", Authorization=f"Bearer {token}")
            assert status == 200
    text, shown = log.read_text().splitlines()
    assert text.isprintable()
    (fields,) = requests_of(text)
    assert json.loads(fields["user"]) == name
    assert json.loads(shown)["user"] == name


def test_processes_write_whole_lines_that_name_them(lake: tuple[Path, str], tmp_path: Path) -> None:
    access = tmp_path / "access.log"
    options = ["--processes", "3", "--log-format", "json", "--access-log", access]
    with served(lake, *options) as (_, address):

        def ask(number: int) -> int:
            return asked(address, "GET", "/api/home/ping", Authorization=f"Bearer {lake[1]}")[0]

        with ThreadPoolExecutor(16) as pool:
            assert {*pool.map(ask, range(300))} == {200}
    lines: list[dict[str, Any]] = [json.loads(line) for line in access.read_text().splitlines()]
    assert len(lines) == 300
    assert {line["process"] for line in lines} <= {1, 2, 3}
    assert len({line["process"] for line in lines}) > 1
    assert {line["operation"] for line in lines} == {"ping"}
    assert len({line["id"] for line in lines}) == 300


def test_a_dead_process_is_told_by_the_one_that_holds_it(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with served(lake, "--processes", "2", "--log-file", log) as (command, _):
        pid = children(command.process.pid)[0]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: "is started again" in log.read_text())
    match = LINE.fullmatch(log.read_text().splitlines()[0])
    assert match
    assert (match["process"], match["level"]) == ("0", "WARNING")


def test_a_log_can_be_rotated_while_the_server_runs(lake: tuple[Path, str], tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    with served(lake, "--access-log", log, "--processes", "2") as (_, address):
        asked(address, "GET", "/healthz")
        # The line is written once the answer is sent.
        wait_for(lambda: "healthz" in log.read_text())
        log.rename(tmp_path / "access.log.1")
        asked(address, "GET", "/readyz")
    assert [each["operation"] for each in requests_of(log.read_text())] == ["readyz"]
    old = requests_of((tmp_path / "access.log.1").read_text())
    assert [each["operation"] for each in old] == ["healthz"]


def test_listening_to_other_machines_without_tls_is_warned_of(lake: tuple[Path, str]) -> None:
    def said(*options: str) -> str:
        with running("serve", lake[0], "--port", "0", "--json", *options) as command:
            command.first_line()
            command.process.send_signal(signal.SIGINT)
            return command.outcome().err

    assert "WARNING headrace.server: listening on 0.0.0.0 without TLS" in said("--host", "0.0.0.0")
    assert said("--host", "0.0.0.0", "--public-url", "https://data.example.com") == ""
    assert said() == ""


def test_a_log_that_cannot_be_opened_is_an_error(lake: tuple[Path, str], tmp_path: Path) -> None:
    for option in ("--access-log", "--log-file"):
        outcome = headrace("serve", lake[0], option, tmp_path / "missing" / "log")
        assert outcome.status == 1
        assert "missing" in outcome.err
        assert "Traceback" not in outcome.err


def test_what_any_client_can_provoke_is_no_warning(lake: tuple[Path, str]) -> None:
    with running("serve", lake[0], "--port", "0", "--json") as command:
        where = urlsplit(json.loads(command.first_line())["url"])
        for damaged in (
            b"GET / HTTP/1.1\r\nbad\r\n\r\n",
            b"\x16\x03\x01\r\n\r\n",
            b"GET /[ \r\n\r\n",
        ):
            with socket.create_connection((where.hostname, where.port), timeout=30) as raw:
                raw.sendall(damaged)
                assert b" 400 " in raw.recv(100)
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().err == ""


def test_behind_a_proxy_the_address_is_that_of_the_client(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    for proxies, expected in (("0", "127.0.0.1"), ("1", "203.0.113.9")):
        log = tmp_path / proxies
        with served(lake, "--access-log", log, "--proxies", proxies) as (_, address):
            asked(address, "GET", "/healthz", X_Forwarded_For='evil", x=1, 203.0.113.9')
        (line,) = requests_of(log.read_text())
        assert line["peer"] == expected
