"""``headrace serve --unix-socket``: a socket for a proxy, which replaces nothing that anybody uses."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import Outcome, RunningCommand, headrace, running

PUBLIC = ("--public-url", "https://data.example.com/lake")


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, as a proxy speaks it."""

    def __init__(self, path: Path) -> None:
        super().__init__("data.example.com", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))


def asked(
    path: Path, method: str, url: str, token: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = UnixConnection(path)
    try:
        connection.request(method, url, body, {"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, str]:
    return finished(servers.new_lake(tmp_path / "lake"))


def stopped(command: RunningCommand) -> Outcome:
    command.process.send_signal(signal.SIGINT)
    return command.outcome()


@pytest.mark.parametrize("processes", ["1", "3"])
def test_a_socket_serves_as_a_port_does(
    lake: tuple[Path, str], tmp_path: Path, processes: str
) -> None:
    path = tmp_path / "s"
    options = ("--unix-socket", path, *PUBLIC, "--json", "--processes", processes)
    with running("serve", lake[0], *options) as command:
        assert json.loads(command.first_line())["url"] == f"http://unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for _ in range(20):
            assert asked(path, "GET", "/api/home/ping", lake[1])[0] == 200
        assert asked(path, "GET", "/api/home/ping", "hr_wrong")[0] == 401
        # A method that the fast parser of aiohttp does not know.
        assert asked(path, "XGET", "/nowhere", lake[1])[0] == 404
        assert stopped(command).status == 0
    assert not path.exists()


def test_the_mode_lets_others_in(lake: tuple[Path, str], tmp_path: Path) -> None:
    path = tmp_path / "s"
    options = ("--unix-socket", path, "--unix-socket-mode", "660", *PUBLIC)
    with running("serve", lake[0], *options, "--json") as command:
        command.first_line()
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stopped(command).status == 0
    outcome = headrace("serve", lake[0], "--unix-socket", path, "--unix-socket-mode", "rw", *PUBLIC)
    assert outcome.status == 2
    assert "--unix-socket-mode cannot be 'rw'" in outcome.err


def test_the_socket_of_a_killed_server_is_replaced(lake: tuple[Path, str], tmp_path: Path) -> None:
    path = tmp_path / "s"
    for kill in (True, False):
        with running("serve", lake[0], "--unix-socket", path, *PUBLIC, "--json") as command:
            command.first_line()
            assert asked(path, "GET", "/healthz", lake[1])[0] == 200
            if kill:
                command.process.send_signal(signal.SIGKILL)
                command.outcome()
                assert path.is_socket()
            else:
                assert stopped(command).status == 0


def test_a_socket_that_a_server_listens_on_is_left_alone(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    path = tmp_path / "s"
    options = ("serve", lake[0], "--unix-socket", path, *PUBLIC)
    with running(*options, "--json") as command:
        command.first_line()
        outcome = headrace(*options)
        assert outcome.status == 1
        assert f"cannot listen on {path}: a server listens there" in outcome.err
        assert asked(path, "GET", "/healthz", lake[1])[0] == 200
        assert stopped(command).status == 0


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_left_alone(lake: tuple[Path, str], tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "other")
    outcome = headrace("serve", lake[0], "--unix-socket", path, *PUBLIC)
    assert outcome.status == 1
    assert "there is a file that is no socket" in outcome.err
    assert path.is_symlink() or path.is_dir() or path.read_text() == "precious"


def test_a_path_that_is_too_long_is_named(lake: tuple[Path, str], tmp_path: Path) -> None:
    path = tmp_path / ("x" * 200)
    outcome = headrace("serve", lake[0], "--unix-socket", path, *PUBLIC)
    assert outcome.status == 1
    assert f"cannot listen on {path}" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_socket_needs_the_address_that_clients_use(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    outcome = headrace("serve", lake[0], "--unix-socket", tmp_path / "s")
    assert outcome.status == 2
    assert "--unix-socket needs --public-url" in outcome.err
