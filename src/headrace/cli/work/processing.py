"""``headrace processing``: register, list, remove and run programs that work on versions and datalakes."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO

import anyio
from cyclopts import Parameter

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import (
    DEFAULT_ACCOUNT,
    DEFAULT_OUTPUT,
    Account,
    Flag,
    Output,
    VersionType,
)
from headrace.cli.console.result import Form, Result
from headrace.cli.console.target import connected, find_version, is_database, opened_lake, shown
from headrace.errors import UnsupportedError

if TYPE_CHECKING:
    from headrace.model.records import ProcessingRecord
    from headrace.platform.processings.programs import RegisteredProcessing
    from headrace.sdk.job import Job

Repeatable = Annotated[list[str] | None, Parameter(negative="")]
"""An option that may be given several times."""

Purpose = Literal[
    "pre_annotation",
    "data_augmentation",
    "dataset_version_creation",
    "auto_tagging",
    "auto_annotation",
    "data_auto_tagging",
]


async def add(
    lake: str,
    name: str,
    /,
    *,
    command: str | None = None,
    callable: str | None = None,
    parameter: Repeatable = None,
    variable: Repeatable = None,
    target: Literal["dataset_version", "datalake"] = "dataset_version",
    type: Purpose | None = None,
    for_type: Annotated[list[VersionType] | None, Parameter(negative="")] = None,
    cpu: int = 1,
    gpu: int = 0,
    folder: Path | None = None,
    description: str = "",
    output: Output = DEFAULT_OUTPUT,
) -> Result:
    """Register a program of this machine as a processing.

    The program runs as the user of the process that has the lake open: the server, or the calling process. Programs
    cannot be registered over HTTP.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the processing.
        command: Command line to run; split into words, without a shell.
        callable: Python callable to run instead of a command, as module:function.
        parameter: A parameter with its default, as name=default, or a required one, as name. Repeatable.
        variable: Name of an environment variable of the server that the program gets besides the usual ones, such as PATH.
            Repeatable. In a lake without a server, a program gets all variables of the process that launches it.
        target: Kind of object that it is launched on.
        type: Purpose of the processing. Default: none.
        for_type: Accept only versions of this type. Repeatable. Default: all types.
        cpu: Number of CPUs, unless a launch sets it.
        gpu: Number of GPUs, unless a launch sets it.
        folder: Folder to run in and to import a callable from. Default: the working folder.
        description: Description of the processing.
    """
    from headrace.model.enums import InferenceType, ProcessingTargetType, ProcessingType
    from headrace.model.records import ParameterRecord
    from headrace.platform.processings.programs import Program
    from headrace.platform.processings.registry import register_processing

    if (command is None) == (callable is None):
        raise UsageError(
            "a processing runs one program", hint="give either --command or --callable"
        )
    parameters = [
        ParameterRecord(name=key, default=value_of(value)) if equals else ParameterRecord(name=key)
        for key, equals, value in (word.partition("=") for word in parameter or [])
    ]
    async with opened_lake(lake) as platform:
        made = await register_processing(
            platform.context,
            name,
            Program(
                command=_split(command) if command else [],
                callable=callable or "",
                variables=variable or [],
            ),
            folder=folder or Path.cwd(),
            target=ProcessingTargetType.parse(target),
            type=ProcessingType.parse(type) if type else None,
            description=description,
            parameters=parameters,
            version_types=[InferenceType.parse(each) for each in for_type or []],
            cpu=cpu,
            gpu=gpu,
        )
    return Result(
        command="processing.add",
        data=_data(made),
        lines=[f"Processing {name} added ({made.id})."],
        next=f"headrace processing run {shown(lake)} DATASET/VERSION {name}",
    )


async def list_(
    target: str, /, *, output: Output = DEFAULT_OUTPUT, account: Account = DEFAULT_ACCOUNT
) -> Result:
    """List the processings that can be run, built-in ones included; those of a lake's folder with their programs.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
    """
    if "://" in target and not is_database(target):
        return await _list_remote(target, account)
    from headrace.platform.processings.registry import registered_processings

    async with opened_lake(target) as platform:
        found = await registered_processings(platform.context)
    width = max(len(each.name) for each in found)
    return Result(
        command="processing.list",
        data={"processings": [_data(each) for each in found]},
        lines=[
            " ".join([f"{each.name:<{width}}", "", _program(each), *_parameters(each)])
            for each in found
        ],
    )


async def _list_remote(target: str, account: Account) -> Result:
    """List those of a server, which does not tell their programs."""
    async with connected(target, account) as client:
        found = await client.list_processings()
    width = max((len(each.name) for each in found), default=0)
    lines = [f"{each.name:<{width}}  {each.record.description or ''}".rstrip() for each in found]
    return Result(
        command="processing.list",
        data={"processings": [_record(each.record) for each in found]},
        lines=lines or ["no processings"],
    )


async def remove(
    lake: str, name: str, /, *, dry_run: Flag = False, output: Output = DEFAULT_OUTPUT
) -> Result:
    """Remove a processing; jobs that are running it continue.

    Args:
        lake: The lake's folder, or postgresql://….
        name: Name of the processing.
        dry_run: Print what would be removed, and do nothing.
    """
    from headrace.platform.processings.registry import remove_processing

    async with opened_lake(lake) as platform:
        gone = await remove_processing(platform.context, name, dry_run=dry_run)
    return Result(
        command="processing.remove",
        data={"id": str(gone.id), "name": name, "dry_run": dry_run},
        lines=[f"Processing {name} {'would be ' if dry_run else ''}removed."],
    )


async def run(
    target: str,
    version: str,
    name: str,
    /,
    *,
    parameter: Repeatable = None,
    cpu: int | None = None,
    gpu: int | None = None,
    detach: Flag = False,
    output: Output = DEFAULT_OUTPUT,
    account: Account = DEFAULT_ACCOUNT,
) -> Result:
    """Run a processing on a version and print its log; Ctrl-C cancels it.

    Args:
        target: A lake's folder, a server's URL or postgresql://….
        version: The version, as dataset/version.
        name: Name of the processing.
        parameter: Value of a parameter, as name=value. Repeatable.
        cpu: Number of CPUs. Default: that of the processing.
        gpu: Number of GPUs. Default: that of the processing.
        detach: Print the job's id at once and leave the job to the server.
    """
    given: dict[str, Any] = {}
    for word in parameter or []:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} is not a parameter with a value", hint="write name=value")
        given[key] = value_of(value)
    if detach and "://" not in target:
        raise UsageError(
            "--detach needs a server, and TARGET is a folder", hint="omit --detach to run it here"
        )
    async with connected(target, account) as client:
        found = await find_version(client, version)
        job = await found.launch_processing(await client.get_processing(name), given, cpu, gpu)
        data = {"version": version, "processing": name, "job": str(job.id)}
        if detach:
            return Result(
                command="processing.run",
                data=data | {"status": str(job.status)},
                lines=[str(job.id)],
            )
        stream = sys.stdout if output.form is Form.TEXT else sys.stderr
        try:
            await _print_log(job, stream)
            status = await job.wait_for_done(attempts=sys.maxsize)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await _cancel(job)
            raise
    return Result(command="processing.run", data=data | {"status": str(status)})


async def _print_log(job: Job, stream: TextIO) -> None:
    try:
        async for piece in job.iter_logs():
            print(piece, end="", file=stream, flush=True)
    except UnsupportedError as error:
        print(f"{error}; waiting for the job", file=sys.stderr)


async def _cancel(job: Job) -> None:
    try:
        await job.cancel()
    except UnsupportedError as error:
        print(f"job {job.id} goes on: {error}", file=sys.stderr)


def value_of(text: str) -> Any:
    """Return a parameter's value: the text as JSON if it is valid JSON, else the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--command: {str(error).lower()}", hint="close the quotes") from None
    if not words:
        raise UsageError("--command is empty", hint="name a program")
    return words


def _program(each: RegisteredProcessing) -> str:
    return each.program.callable or shlex.join(each.program.command)


def _parameters(each: RegisteredProcessing) -> list[str]:
    from msgspec import UNSET

    return [
        one.name if one.default is UNSET else f"{one.name}={json.dumps(one.default)}"
        for one in each.parameters
    ]


def _data(each: RegisteredProcessing) -> dict[str, Any]:
    return _record(each.record) | {"program": _program(each), "folder": each.folder or None}


def _record(record: ProcessingRecord) -> dict[str, Any]:
    from msgspec import to_builtins

    shown: dict[str, Any] = to_builtins(record)
    for name in ("docker_image", "docker_tag"):
        del shown[name]
    return shown
