"""Processings by handles over both doors: what is refused before it runs, and what runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import headrace
from headrace.errors import (
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InsufficientResourcesError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
)
from headrace.model.enums import InferenceType, JobRunStatus, ProcessingTargetType
from headrace.platform.accounts.tokens import list_tokens
from headrace.platform.platform import Platform
from headrace.platform.processings.programs import Program
from headrace.platform.processings.registry import register_processing
from headrace.sdk.client.client import Client
from headrace.sdk.version.dataset_version import DatasetVersion
from tests.support.data.images import draw_images
from tests.support.lakes.doors import Door, open_door
from tests.support.processes.programs import PYTHON, python, register

pytestmark = pytest.mark.lakes_only(
    "programs run on the machine of a lake; tests/conformance/plain/test_plain_jobs.py has theirs"
)

ENVIRONMENT = "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith('HEADRACE_')}))"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    """A module of callables in the folder above the lake."""
    path = tmp_path / "own_processings.py"
    path.write_text(PYTHON)
    return path


async def test_the_registry(client: Client, door: Door) -> None:
    await register(door.lake, "b", "print()", parameters={"x": 1}, description="does", gpu=0, cpu=1)
    await register(door.lake, "a", "print()")
    assert [each.name for each in await client.list_processings()] == ["find-duplicates", "b", "a"]
    by_name = await client.list_processings(order_by=["-name"], limit=2)
    assert [each.name for each in by_name] == ["find-duplicates", "b"]
    assert [each.name for each in await client.list_processings(offset=2)] == ["a"]
    with pytest.raises(BadRequestError, match="created_at"):
        await client.list_processings(order_by=["size"])
    found = await client.get_processing("b")
    assert found.target is ProcessingTargetType.DATASET_VERSION
    assert (found.type, found.default_parameters, found.docker) == (None, {"x": 1}, ":")
    await found.sync()
    assert found == await client.get_processing("b")
    with pytest.raises(NotFoundError):
        await client.get_processing("c")
    with pytest.raises(ConflictError):
        await register(door.lake, "a", "print()")
    with pytest.raises(ConflictError):
        await register(door.lake, "find-duplicates", "print()")


async def test_no_call_brings_code_in(client: Client, door: Door) -> None:
    await register(door.lake, "mine", "print()")
    found = await client.get_processing("mine")
    with pytest.raises(PermissionDeniedError, match="headrace processing add LAKE evil"):
        await client.create_processing("evil", "DATASET_VERSION", 1, 0, {}, "image", "latest")
    with pytest.raises(PermissionDeniedError, match="headrace processing remove LAKE mine"):
        await found.update(docker_image="other")
    with pytest.raises(PermissionDeniedError, match="headrace processing remove LAKE mine"):
        await found.delete()
    assert len(await client.list_processings()) == 2


async def test_what_does_not_fit_is_refused_before_it_runs(
    client: Client, door: Door, version: DatasetVersion, tmp_path: Path
) -> None:
    code = f"open({str(tmp_path / 'ran')!r}, 'w')"
    await register(
        door.lake,
        "strict",
        code,
        parameters={"count": 3, "share": 0.5, "on": True, "name": "n", "must": ...},
        version_types=[InferenceType.SEGMENTATION],
    )
    await register(door.lake, "on data", code, target=ProcessingTargetType.DATALAKE)
    strict, on_data = await client.get_processing("strict"), await client.get_processing("on data")
    with pytest.raises(BadRequestError, match=r"not accept versions of type.*SEGMENTATION"):
        await version.launch_processing(strict, {"must": 1})
    await version.set_type("segmentation")
    wrong = {
        "takes no parameter 'cuont'.*did you mean 'count'": {"must": 1, "cuont": 2},
        "needs the parameter 'must'": {"count": 2},
        "count is '2'.*a value like 3": {"must": 1, "count": "2"},
        "count is True": {"must": 1, "count": True},
        "on is 1": {"must": 1, "on": 1},
        "name is None": {"must": 1, "name": None},
        "too large": {"must": "x" * 70_000},
    }
    for words, parameters in wrong.items():
        with pytest.raises(BadRequestError, match=words):
            await version.launch_processing(strict, parameters)
    with pytest.raises(BadRequestError, match="cannot be launched on a version"):
        await version.launch_processing(on_data)
    with pytest.raises(InsufficientResourcesError, match="1000 cpu"):
        await version.launch_processing(strict, {"must": 1}, cpu=1000)
    with pytest.raises(InsufficientResourcesError, match="1000 gpu"):
        await version.launch_processing(strict, {"must": 1}, gpu=1000)
    with pytest.raises(BadRequestError, match="takes no input 'model'"):
        await version.launch_processing(strict, {"must": 1}, inputs={"model": "m"})
    with pytest.raises(BadRequestError, match="no assets are given"):
        await version.launch_processing(strict, {"must": 1}, assets=[])
    empty = await (await client.get_dataset("drawings")).create_version(
        "empty", type="segmentation"
    )
    with pytest.raises(BadRequestError, match="has no assets"):
        await empty.launch_processing(strict, {"must": 1})
    lake = await client.get_datalake()
    with pytest.raises(BadRequestError, match="cannot be launched on a datalake"):
        await lake.launch_processing(strict, await lake.list_data(limit=1))
    assert not (tmp_path / "ran").exists()
    job = await version.launch_processing(strict, {"must": None, "share": 1})
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    assert (tmp_path / "ran").exists()


@pytest.mark.launches
async def test_a_callable_gets_a_context(
    client: Client, door: Door, version: DatasetVersion, module: Path
) -> None:
    for name, parameters in (("names", {"a": [1]}), ("tag", {"tag": "seen"})):
        program = Program(callable=f"{module.stem}:{name}")
        await register(door.lake, name, program, parameters=parameters)
    some = await version.list_assets(limit=2)
    job = await version.launch_processing(
        await client.get_processing("names"), {"a": [2, "é"]}, cpu=1, assets=some
    )
    assert job.status is JobRunStatus.QUEUED
    printed = "".join([piece async for piece in job.iter_logs()])
    names = sorted(asset.filename for asset in some)
    assert (
        printed == f"first {names}\n{{'a': [2, 'é']}} 1 0 LaunchContext('names' · job {job.id})\n"
    )
    assert await job.logs() == printed
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    job = await version.launch_processing(await client.get_processing("tag"))
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    assert await version.list_assets(tags="seen").count() == 12


@pytest.mark.launches
async def test_a_processing_of_data(
    client: Client, door: Door, version: DatasetVersion, module: Path
) -> None:
    program = Program(callable=f"{module.stem}:data")
    await register(door.lake, "data", program, target=ProcessingTargetType.DATALAKE)
    lake = await client.get_datalake()
    some = await lake.list_data(limit=3)
    job = await lake.launch_processing(await client.get_processing("data"), some)
    with pytest.raises(JobFailedError, match="was not launched on a version"):
        await job.wait_for_done()
    assert (await job.logs()).startswith(f"{sorted(data.filename for data in some)}\n")
    with pytest.raises(BadRequestError, match="no data are given"):
        await lake.launch_processing(await client.get_processing("data"), [])


@pytest.mark.one_platform("a program is given the address of the server that launched it")
@pytest.mark.launches
async def test_the_environment_of_a_program(
    client: Client, door: Door, version: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_TOKEN", "hr_of_somebody_else")
    await register(door.lake, "environment", ENVIRONMENT, parameters={"x": "ü"})
    job = await version.launch_processing(await client.get_processing("environment"))
    assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
    told = json.loads(await job.logs())
    assert told.pop("HEADRACE_TARGET") == (door.target if door.token else str(door.lake))
    # Over HTTP a token of its own, blanked out in the log; in the lake none, and nobody else's.
    assert told.pop("HEADRACE_TOKEN", None) == ("***" if door.token else None)
    assert told.pop("HEADRACE_USERNAME", None) == (None if door.token else "local")
    assert told == {
        "HEADRACE_ORGANIZATION_ID": str(client.id),
        "HEADRACE_JOB_ID": str(job.id),
        "HEADRACE_PROCESSING": "environment",
        "HEADRACE_VERSION_ID": str(version.id),
        "HEADRACE_PARAMETERS": '{"x":"ü"}',
        "HEADRACE_CPU": "1",
        "HEADRACE_GPU": "0",
    }


@pytest.mark.parametrize("kind", ["lake", "http"])
async def test_a_server_passes_only_chosen_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    names = ["HF_TOKEN", "WANDB_API_KEY", "LC_PAPER"]
    for name in names:
        monkeypatch.setenv(name, f"value of {name}")
    async with open_door(kind, tmp_path, with_version=True) as door, door.connect() as client:
        show = f"import os; print([os.environ.get(name) for name in {names}])"
        await register(door.lake, "show", show, variables=["WANDB_API_KEY"])
        version = await client.version("drawings/first")
        job = await version.launch_processing(await client.get_processing("show"))
        assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
        secret = None if door.token else "value of HF_TOKEN"
        passed = [secret, "value of WANDB_API_KEY", "value of LC_PAPER"]
        assert (await job.logs()).strip() == str(passed)


async def test_a_programs_token_ends_with_its_job(tmp_path: Path) -> None:
    keep = "import os; open('token', 'w').write(os.environ['HEADRACE_TOKEN'])"
    async with open_door("http", tmp_path) as door, door.connect() as client:
        await register(door.lake, "keep", keep)
        draw_images(tmp_path / "images", 1)
        await client.push("drawings/first", tmp_path / "images")
        version = await client.version("drawings/first")
        job = await version.launch_processing(await client.get_processing("keep"))
        assert await job.wait_for_done() is JobRunStatus.SUCCEEDED
        with pytest.raises(AuthenticationError):
            await headrace.connect(door.target, api_token=(tmp_path / "token").read_text())
        async with await Platform.open(door.lake) as platform:
            assert [each.name for each in await list_tokens(platform.context)] == ["test"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("print('a'); print('b'); raise SystemExit(7)", "exit status 7: a | b"),
        ("import os; os.write(1, b'caf\\xe9'); raise SystemExit(7)", "exit status 7: caf\ufffd"),
        ("import os; os.kill(os.getpid(), 11)", "ended by SIGSEGV"),
    ],
)
async def test_a_program_that_fails(
    client: Client, door: Door, version: DatasetVersion, code: str, why: str
) -> None:
    await register(door.lake, "bad", code)
    job = await version.launch_processing(await client.get_processing("bad"))
    with pytest.raises(JobFailedError) as caught:
        await job.wait_for_done()
    assert caught.value.message.endswith(why)
    assert (job.status, job.error) == (JobRunStatus.FAILED, why)
    again = await client.get_job_by_id(job.id)
    assert (again.status, again.error) == (JobRunStatus.FAILED, why)


@pytest.mark.launches
async def test_callables_that_fail(
    client: Client, door: Door, version: DatasetVersion, module: Path
) -> None:
    for name, words in (("fails", "ValueError: on purpose"), ("none", "cannot import")):
        await register(door.lake, name, Program(callable=f"{module.stem}:{name}"))
        job = await version.launch_processing(await client.get_processing(name))
        with pytest.raises(JobFailedError, match=words):
            await job.wait_for_done()


async def test_a_folder_that_went(client: Client, door: Door, version: DatasetVersion) -> None:
    gone = door.lake.parent / "gone"
    gone.mkdir()
    program = python("print()")
    async with await Platform.open(door.lake) as platform:
        await register_processing(platform.context, "homeless", program, folder=gone)
    gone.rmdir()
    job = await version.launch_processing(await client.get_processing("homeless"))
    with pytest.raises(JobFailedError, match="homeless cannot run in"):
        await job.wait_for_done()


async def test_the_very_same_launch_is_one_while_it_runs(
    client: Client, door: Door, version: DatasetVersion, tmp_path: Path
) -> None:
    code = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.01)"
    await register(door.lake, "waits", code, parameters={"x": 1})
    waits = await client.get_processing("waits")
    first = await version.launch_processing(waits)
    assert await version.launch_processing(waits, {"x": 1}) == first
    other = await version.launch_processing(waits, {"x": 2})
    assert other != first
    (tmp_path / "go").touch()
    assert await first.wait_for_done() is await other.wait_for_done()
    assert await version.launch_processing(waits) != first


async def test_more_than_the_machine_has_waits(
    client: Client, door: Door, version: DatasetVersion, tmp_path: Path
) -> None:
    cpus = len(os.sched_getaffinity(0))
    code = "import os, sys, time\nprint('on', flush=True)\nwhile not os.path.exists('go'): time.sleep(0.01)"
    await register(door.lake, "all", code, parameters={"x": 1}, cpu=cpus)
    every = await client.get_processing("all")
    first = await version.launch_processing(every)
    async for _ in first.iter_logs():
        break
    second = await version.launch_processing(every, {"x": 2})
    await first.cancel()
    assert (first.status, second.status) == (JobRunStatus.KILLED, JobRunStatus.QUEUED)
    third = await version.launch_processing(every, {"x": 3})
    assert await third.cancel() is JobRunStatus.KILLED
    assert await third.logs() == ""
    (tmp_path / "go").touch()
    assert await second.wait_for_done() is JobRunStatus.SUCCEEDED
