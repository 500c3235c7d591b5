"""Spans of OpenTelemetry: of requests, jobs and transfers, where a program records them; nothing elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from opentelemetry.trace import SpanKind

import headrace
from headrace import tracing
from headrace.errors import NotFoundError
from headrace.net.api_session import ApiSession
from headrace.protocol.operations import OPERATIONS
from tests.support.data.images import draw_images
from tests.support.lakes.servers import Running, running
from tests.support.plain_platform import plain_platform
from tests.support.spans import Recorder, recording


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path / "lake") as opened:
        yield opened


@pytest.fixture
def spans() -> Iterator[Recorder]:
    with recording() as recorder:
        yield recorder


async def test_a_transfer_its_requests_and_its_job_are_one_trace(
    server: Running, spans: Recorder, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 3)
    async with headrace.connect(server.address, api_token=server.token) as client:
        await client.push("d/v", tmp_path / "images")
    push = spans.named("push")[-1]
    assert push.kind is SpanKind.INTERNAL
    assert not push.parent.is_valid
    assert push.attributes["headrace.done"] == 3
    assert push.attributes["headrace.bytes"] > 0
    assert push.attributes["headrace.failed"] == 0
    trace_id = push.get_span_context().trace_id
    requests = [each for each in spans.spans if each.kind is SpanKind.SERVER]
    inside = [each for each in requests if each.get_span_context().trace_id == trace_id]
    assert len(inside) > 2
    assert {each.name for each in inside} <= {*OPERATIONS}
    assert all(each.attributes["headrace.status"] < 400 for each in inside)
    # Each request belongs to the call of the client, and each call to the push.
    calls = {each.ids: each for each in spans.spans if each.kind is SpanKind.CLIENT}
    parents = [calls[each.parent.trace_id, each.parent.span_id] for each in inside]
    assert [each.name for each in parents] == [each.name for each in inside]
    assert {each.parent.span_id for each in parents} == {push.get_span_context().span_id}
    assert {each.attributes["headrace.attempts"] for each in parents} == {1}
    assert all(each.ended for each in spans.spans)


@pytest.mark.folder_of_files("the server sends the file")
async def test_spans_name_operations_and_nothing_else(
    server: Running, spans: Recorder, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 2)
    async with headrace.connect(server.address, api_token=server.token) as client:
        await client.push("secret-set/v", tmp_path / "images")
        version = await client.version("secret-set/v")
        await version.download(tmp_path / "pulled")
        with pytest.raises(NotFoundError):
            await client.get_dataset("no-such-secret-set")
    told = json.dumps([[each.name, each.attributes, each.failure] for each in spans.spans])
    for secret in (server.token[3:20], "signature", "secret-set", "pulled", server.address):
        assert secret not in told
    assert spans.named("read_file")
    (pull, *_) = spans.named("pull")
    assert pull.attributes["headrace.done"] == 2


async def test_a_job_of_the_lake_belongs_to_the_call_that_started_it(
    server: Running, spans: Recorder, tmp_path: Path
) -> None:
    draw_images(tmp_path / "images", 2)
    async with headrace.connect(server.address, api_token=server.token) as client:
        await client.push("d/v", tmp_path / "images")
        version = await client.version("d/v")
        await version.fork("w")
    (job,) = spans.named("job fork")
    (request,) = [each for each in spans.spans if each.get_span_context() == job.parent]
    assert request.kind is SpanKind.SERVER
    assert job.attributes["headrace.attempt"] == 1
    assert job.failure is None
    assert job.ended


async def test_a_caller_is_named_by_its_header(server: Running, spans: Recorder) -> None:
    header = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", **server.headers}
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.address + "/api/home/ping", headers=header) as answer,
    ):
        assert answer.status == 200
    (ping,) = spans.named("ping")
    assert ping.parent.trace_id == int("a" * 32, 16)
    assert ping.parent.span_id == int("b" * 16, 16)
    assert ping.parent.is_remote


async def test_a_failure_is_told_by_its_class(
    server: Running, spans: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*args: object, **more: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(server.platform, "call", fail)
    async with (
        aiohttp.ClientSession() as session,
        session.get(server.address + "/api/home/ping", headers=server.headers) as answer,
    ):
        assert answer.status == 500
    (ping,) = spans.named("ping")
    assert ping.failure == "500"
    with pytest.raises(ValueError, match="secret"), tracing.span("work"):
        raise ValueError("secret")
    (work,) = spans.named("work")
    assert (work.failure, work.ended) == ("ValueError", True)


async def test_other_platforms_and_storages_are_not_told(
    server: Running, spans: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, str]]] = []
    send = ApiSession.send

    async def watch(self: ApiSession, method: str, path: str, **more: object) -> object:
        sent.append((self.address, dict(more["headers"])))  # type: ignore[call-overload]
        return await send(self, method, path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(ApiSession, "send", watch)
    draw_images(tmp_path / "images", 1)
    async with plain_platform() as plain:
        for address, token in ((server.address, server.token), (plain.address, plain.token)):
            async with headrace.connect(address, api_token=token) as client:
                await client.push("d/v", tmp_path / "images")
        told = {address for address, headers in sent if "traceparent" in headers}
    assert told == {server.address}


def test_without_a_recorder_nothing_is_imported() -> None:
    code = (
        "import sys, headrace.server.middleware, headrace.tracing as t\n"
        "with t.span('x', 'SERVER', caller={}, a=1) as told: told.set(b=2); told.fail('c')\n"
        "assert t.outgoing_headers() == {}\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_program_that_has_only_imported_the_api_records_nothing() -> None:
    code = (
        "from opentelemetry import trace\nimport headrace.tracing as t\n"
        "with t.span('x') as told: assert type(told) is t.Span\n"
        "assert t.outgoing_headers() == {}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
