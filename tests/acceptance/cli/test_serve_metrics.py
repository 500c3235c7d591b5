"""``headrace serve --metrics``: figures for Prometheus, right with one process and with several."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from headrace._version import __version__
from headrace.blocking import connect
from headrace.protocol.operations import OPERATIONS
from tests.support.data.images import draw_images
from tests.support.lakes import servers
from tests.support.lakes.templates import finished
from tests.support.processes.cli import RunningCommand, headrace, running
from tests.support.processes.serving import asked, children, free_port, wait_for

pytestmark = pytest.mark.sqlite_only(
    "serves the folder of a lake; the figures of a database are in test_cli_postgres.py"
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "serve.md"
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def lake(tmp_path: Path) -> tuple[Path, str]:
    return finished(servers.new_lake(tmp_path / "lake"))


@contextmanager
def served(
    lake: tuple[Path, str], *options: str | Path
) -> Iterator[tuple[RunningCommand, str, str]]:
    """A server with figures: the command, and both addresses."""
    port = str(free_port())
    arguments = ("serve", lake[0], "--port", "0", "--json", "--metrics", port, *options)
    with running(*arguments) as command:
        told = json.loads(command.first_line())
        assert told["metrics"] == f"http://127.0.0.1:{port}/metrics"
        yield command, told["url"], told["metrics"].removesuffix("/metrics")
        command.process.send_signal(signal.SIGINT)
        assert command.outcome().status == 0


def scraped(address: str) -> Figures:
    status, text = asked(address, "GET", "/metrics")
    assert status == 200
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(text.decode())
        for one in family.samples
    }


def of(figures: Figures, name: str, **labels: str) -> float:
    """The sum of all lines of this name that have these labels."""
    wanted = set(labels.items())
    return sum(value for (line, has), value in figures.items() if line == name and wanted <= {*has})


@pytest.mark.parametrize("processes", ["1", "3"])
def test_the_sum_of_all_processes(lake: tuple[Path, str], tmp_path: Path, processes: str) -> None:
    draw_images(tmp_path / "images", 5)
    with served(lake, "--processes", processes) as (_, address, metrics):
        before = scraped(metrics)
        assert of(before, "headrace_requests_total") == 0
        with connect(address, api_token=lake[1]) as client:
            client.push("d/v", tmp_path / "images")
            client.version("d/v").download(tmp_path / "pulled")

        def ask(number: int) -> int:
            return asked(address, "GET", "/api/home/ping", Authorization=f"Bearer {lake[1]}")[0]

        with ThreadPoolExecutor(8) as pool:
            assert {*pool.map(ask, range(60))} == {200}
        for _ in range(7):
            assert asked(address, "GET", "/api/home/ping")[0] == 401
        assert asked(address, "GET", "/nowhere")[0] == 404
        # A request is counted once its answer is sent.
        wait_for(lambda: of(scraped(metrics), "headrace_requests_total", operation="unknown") == 1)
        wait_for(lambda: of(scraped(metrics), "headrace_requests_total", status="401") == 7)
        found = scraped(metrics)
    requests = "headrace_requests_total"
    assert of(found, requests, operation="ping", status="200") >= 60
    assert of(found, requests, operation="ping", status="401") == 7
    assert of(found, requests, operation="unknown", status="404") == 1
    assert of(found, requests, operation="read_file", status="200") >= 5
    # All histograms agree with the counter.
    assert of(found, "headrace_request_seconds_count") == of(found, requests)
    assert of(found, "headrace_request_seconds_bucket", le="+Inf") == of(found, requests)
    assert of(found, "headrace_request_seconds_sum") > 0
    sizes = sum(path.stat().st_size for path in (tmp_path / "images").iterdir())
    assert of(found, "headrace_sent_bytes_total", operation="read_file") > sizes
    assert of(found, "headrace_received_bytes_total") > sizes
    assert of(found, "headrace_processes") == int(processes)
    assert of(found, "headrace_process_starts_total") == int(processes)
    assert of(found, "headrace_event_loop_lag_seconds_count") > 0
    assert of(found, "headrace_writer_wait_seconds_count") > 0
    assert of(found, "headrace_build_info", version=__version__) == 1
    assert of(found, "process_resident_memory_bytes") > 10_000_000 * int(processes)
    operations = {value for _, labels in found for name, value in labels if name == "operation"}
    assert operations <= {*OPERATIONS, "unknown", "read_file", "upload_form", "upload_bytes"}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_the_figures_of_the_lake(lake: tuple[Path, str], tmp_path: Path, processes: str) -> None:
    draw_images(tmp_path / "images", 5)
    assert headrace("push", lake[0], "d/v", tmp_path / "images").status == 0
    assert headrace("version", "fork", lake[0], "d/v", "d/w").status == 0
    with served(lake, "--processes", processes) as (_, _, metrics):
        wait_for(lambda: of(scraped(metrics), "headrace_objects") == 5)
        found = scraped(metrics)
    sizes = [path.stat().st_size for path in (tmp_path / "images").iterdir()]
    assert of(found, "headrace_objects") == 5
    assert of(found, "headrace_objects_bytes") == sum(sizes)
    assert of(found, "headrace_database_bytes", file="main") >= 4096
    disk = os.statvfs(lake[0])
    assert of(found, "headrace_disk_bytes") == disk.f_blocks * disk.f_frsize
    assert 0 < of(found, "headrace_disk_free_bytes") < of(found, "headrace_disk_bytes")
    assert of(found, "headrace_jobs", status="success") >= 1
    assert of(found, "headrace_jobs", status="running") == 0
    assert of(found, "headrace_lease_age_seconds") == 0


def test_open_connections(lake: tuple[Path, str]) -> None:
    with served(lake, "--processes", "2") as (_, address, metrics):
        where = urlsplit(address)
        assert of(scraped(metrics), "headrace_open_connections") == 0
        opened = [socket.create_connection((where.hostname, where.port)) for _ in range(9)]
        wait_for(lambda: of(scraped(metrics), "headrace_open_connections") == 9)
        for each in opened:
            each.close()
        wait_for(lambda: of(scraped(metrics), "headrace_open_connections") == 0)


def test_a_killed_process_takes_nothing_back(lake: tuple[Path, str]) -> None:
    with served(lake, "--processes", "2") as (command, address, metrics):
        for _ in range(20):
            asked(address, "GET", "/api/home/ping")
        wait_for(lambda: of(scraped(metrics), "headrace_requests_total") == 20)
        first = children(command.process.pid)
        for pid in first:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len({*children(command.process.pid)} - {*first}) == 2)
        wait_for(lambda: of(scraped(metrics), "headrace_processes") == 2)
        found = scraped(metrics)
        assert of(found, "headrace_requests_total") == 20
        assert of(found, "headrace_process_starts_total") == 4
        asked(address, "GET", "/api/home/ping")
        wait_for(lambda: of(scraped(metrics), "headrace_requests_total") == 21)


def test_a_process_that_hangs_does_not_hold_a_scrape(lake: tuple[Path, str]) -> None:
    with served(lake, "--processes", "2") as (command, address, metrics):
        asked(address, "GET", "/api/home/ping")
        wait_for(lambda: of(scraped(metrics), "headrace_requests_total") == 1)
        stopped = children(command.process.pid)[0]
        os.kill(stopped, signal.SIGSTOP)
        try:
            found = scraped(metrics)
        finally:
            os.kill(stopped, signal.SIGCONT)
        assert of(found, "headrace_requests_total") == 1
        assert of(found, "headrace_processes") == 1
        wait_for(lambda: of(scraped(metrics), "headrace_processes") == 2)


def test_the_lake_s_own_port_shows_no_figures(lake: tuple[Path, str]) -> None:
    with served(lake) as (_, address, metrics):
        for path in ("/metrics", "/metrics/"):
            assert asked(address, "GET", path)[0] == 404
        assert asked(metrics, "GET", "/")[0] == 404
        assert asked(metrics, "POST", "/metrics")[0] == 405
        assert asked(metrics, "GET", "/healthz")[0] == 404


def test_the_page_names_every_figure(lake: tuple[Path, str]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with served(lake) as (_, _, metrics):
        wait_for(lambda: b"headrace_objects_bytes" in asked(metrics, "GET", "/metrics")[1])
        text = asked(metrics, "GET", "/metrics")[1].decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE headrace_")}
    assert len(names) > 10
    assert not [name for name in names if f"`{name}`" not in page]
    shown = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `headrace_")}
    assert shown <= names


@pytest.mark.parametrize("place", ["x", "0", "70000", "host:port", "1.2.3.4:"])
def test_a_place_that_is_none_is_an_error(lake: tuple[Path, str], place: str) -> None:
    outcome = headrace("serve", lake[0], "--metrics", place)
    assert outcome.status != 0
    assert f"{place!r} is no address" in outcome.err


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_port_in_use_is_named(lake: tuple[Path, str], processes: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = ("--port", "0", "--metrics", str(port), "--processes", processes)
        outcome = headrace("serve", lake[0], *options)
    assert outcome.status == 1
    assert f"cannot listen on 127.0.0.1:{port} for metrics" in outcome.err
    assert "--metrics" in outcome.err


def test_repeated_calls_are_counted(lake: tuple[Path, str]) -> None:
    with served(lake, "--processes", "2") as (_, address, metrics):
        token = {"Authorization": f"Bearer {lake[1]}"}
        ping = json.loads(asked(address, "GET", "/api/home/ping", **token)[1])
        path = f"/api/organization/{ping['default_organization']}/datasets"
        body = json.dumps({"name": "streets"}).encode()
        answers = {
            asked(address, "POST", path, body, Idempotency_Key="one", **token) for _ in range(3)
        }
        assert len(answers) == 1
        assert of(scraped(metrics), "headrace_repeated_calls_total") == 2


def test_connections_that_are_not_left_to_their_clients_are_counted(lake: tuple[Path, str]) -> None:
    name = "headrace_ended_connections_total"
    with served(lake, "--max-connections", "2", "--head-seconds", "2") as (_, address, metrics):
        where = (urlsplit(address).hostname, urlsplit(address).port)
        assert of(scraped(metrics), name) == 0
        slow = [socket.create_connection(where, timeout=30) for _ in range(2)]
        for each in slow:
            each.sendall(b"GET / HT")
        wait_for(lambda: of(scraped(metrics), "headrace_open_connections") == 2)
        with socket.create_connection(where, timeout=30) as third:
            assert b" 503 " in third.recv(1000)
        assert of(scraped(metrics), name, reason="refused") == 1
        for each in slow:
            assert b" 408 " in each.recv(1000)
            each.close()
        assert of(scraped(metrics), name, reason="slow_head") == 2
        assert of(scraped(metrics), name) == 3
