"""``headrace serve --processes``: several processes serve one lake on one port, and outlive each other."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from headrace.blocking import connect
from tests.support.data.images import draw_images
from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import headrace, running
from tests.support.processes.serving import CREATE, children, wait_for


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, str]:
    return finished(servers.new_lake(tmp_path / "lake"))


def serving(lake: Path, *more: str, **variables: str) -> object:
    return running("serve", lake, "--port", "0", "--json", "--processes", "2", *more, **variables)


def test_two_processes_answer_and_end_with_their_parent(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    path, token = lake
    draw_images(tmp_path / "images", 20)
    with serving(path) as command:
        address = json.loads(command.first_line())["url"]
        pids = children(command.process.pid)
        assert len(pids) == 2

        def push(name: str) -> int:
            with connect(address, api_token=token) as client:
                client.push(name, tmp_path / "images")
                return len(client.version(name).list_assets())

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(push, [f"d/v{i}" for i in range(4)])) == [20] * 4
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0
    wait_for(lambda: not any(map(alive, pids)))
    assert headrace("ls", path, "d/v3").status == 0


def test_a_killed_process_is_started_again(lake: tuple[Path, str], tmp_path: Path) -> None:
    path, token = lake
    draw_images(tmp_path / "images", 5)
    with serving(path) as command:
        address = json.loads(command.first_line())["url"]
        first = children(command.process.pid)
        with connect(address, api_token=token) as client:
            client.push("d/v", tmp_path / "images")
            for pid in first:
                os.kill(pid, signal.SIGKILL)
                # The client repeats what the dead process did not answer.
                assert len(client.version("d/v").list_assets()) == 5
                wait_for(lambda gone=pid: len(set(children(command.process.pid)) - {gone}) == 2)
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0


def test_a_second_signal_ends_a_call_that_runs(lake: tuple[Path, str]) -> None:
    with serving(lake[0], "--stop-seconds", "60") as command:
        address = json.loads(command.first_line())["url"]
        host, port = urlsplit(address).hostname, urlsplit(address).port
        pids = children(command.process.pid)
        with socket.create_connection((host, port)) as connection:
            # A call whose body never arrives.
            head = f"POST {CREATE} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {lake[1]}\r\n"
            connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
            time.sleep(0.5)
            command.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert any(map(alive, pids))
            command.process.send_signal(signal.SIGTERM)
            wait_for(lambda: not any(map(alive, pids)))


def test_no_process_outlives_a_killed_parent(lake: tuple[Path, str]) -> None:
    with serving(lake[0]) as command:
        command.first_line()
        pids = children(command.process.pid)
        command.process.send_signal(signal.SIGKILL)
        wait_for(lambda: not any(map(alive, pids)))


def test_a_port_in_use_is_refused(lake: tuple[Path, str]) -> None:
    with serving(lake[0]) as command:
        port = json.loads(command.first_line())["url"].rpartition(":")[2]
        for processes in ("1", "2"):
            outcome = headrace("serve", lake[0], "--port", port, "--processes", processes)
            assert outcome.status == 1
            assert f"cannot listen on 127.0.0.1:{port}" in outcome.err
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0


def test_a_folder_without_a_lake_is_refused_once(tmp_path: Path) -> None:
    outcome = headrace("serve", tmp_path, "--processes", "3")
    assert outcome.status != 0
    assert outcome.err.count("error") == 1


def probe(address: str, seconds: float = 5.0) -> tuple[int, dict[str, Any]] | None:
    """What one of the processes says of all; None where it does not answer."""
    try:
        # A new connection each time: the system chooses the process.
        answer = requests.get(f"{address}/readyz", timeout=seconds)
    except requests.RequestException:
        return None
    return answer.status_code, answer.json()


def test_all_processes_notice_a_lost_lake(lake: tuple[Path, str]) -> None:
    with serving(lake[0]) as command:
        address = json.loads(command.first_line())["url"]
        found = [probe(address) for _ in range(10)]
        assert {each and each[0] for each in found} == {200}
        shutil.rmtree(lake[0])
        headers = {"Authorization": f"Bearer {lake[1]}"}
        for _ in range(10):
            status, body = probe(address) or (0, {})
            assert (status, body["checks"]["lake"]["error"]) == (503, "lake-lost")

        def ping() -> int:
            return requests.get(f"{address}/api/home/ping", headers=headers, timeout=20).status_code

        wait_for(lambda: {ping() for _ in range(8)} == {503})
        assert not lake[0].exists()
        command.process.send_signal(signal.SIGTERM)
        command.outcome()


def test_a_process_that_hangs_makes_the_server_unready(
    lake: tuple[Path, str],
) -> None:
    with serving(lake[0], HEADRACE_READY_SECONDS="1.5") as command:
        address = json.loads(command.first_line())["url"]
        pid = children(command.process.pid)[0]
        wait_for(lambda: (probe(address) or (0, {}))[0] == 200)
        os.kill(pid, signal.SIGSTOP)
        try:

            def noticed() -> bool:
                status, body = probe(address, 1.0) or (0, {})
                return status == 503 and body["checks"]["processes"]["silent"] == 1

            wait_for(noticed)
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_for(lambda: (probe(address) or (0, {}))[0] == 200)
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0


def test_no_process_replaces_what_another_one_has_registered(
    lake: tuple[Path, str], tmp_path: Path
) -> None:
    path, token = lake
    with serving(path) as command:
        address = json.loads(command.first_line())["url"]
        headers = {"Authorization": f"Bearer {token}"}

        def call(where: str, body: dict[str, Any] | None = None) -> Any:
            method = "GET" if body is None else "POST"
            answer = requests.request(
                method, f"{address}/api/{where}", json=body, headers=headers, timeout=20
            )
            assert answer.status_code < 300, answer.text
            return answer.json()

        organization = call("home/ping")["default_organization"]
        datalake = call(f"organization/{organization}/datalake")
        connector = datalake["connector_id"]
        uploads = f"organization/{organization}/connector/{connector}/prepare_uploads"
        prepared = call(uploads, {"filenames": [f"{number}.png" for number in range(8)]})
        for number, item in enumerate(prepared["items"]):
            url = item["ticket"]["presigned_url_data"]["url"]
            assert requests.put(url, data=b"first", timeout=20).status_code == 204
            file = {
                "type": "IMAGE",
                "filename": f"{number}.png",
                "object_name": item["object_name"],
                "content_type": "image/png",
                "meta": {"width": 8, "height": 6},
            }
            (done,) = call(f"datalake/{datalake['id']}/datas/register", {"files": [file]})["items"]
            assert done["data"]["sha256"] == hashlib.sha256(b"first").hexdigest()
            for _ in range(4):
                assert requests.put(url, data=b"other", timeout=20).status_code == 409
            assert (path / "objects" / item["object_name"]).read_bytes() == b"first"
        command.process.send_signal(signal.SIGTERM)
        assert command.outcome().status == 0
