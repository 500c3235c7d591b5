"""``headrace processing``: programs that can be launched on versions and datalakes."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import anyio
from cyclopts import Parameter

from headrace.cli.console.errors import UsageError
from headrace.cli.console.options import ANYONE, PLAIN, Account, Flag, Output, VersionType
from headrace.cli.console.result import Result
from headrace.cli.console.target import connected, find_version

if TYPE_CHECKING:
    from headrace.platform.processings.programs import RegisteredProcessing

Words = Annotated[list[str] | None, Parameter(negative="")]
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
    lake: Path,
    name: str,
    /,
    *,
    command: str | None = None,
    callable: str | None = None,
    parameter: Words = None,
    target: Literal["dataset_version", "datalake"] = "dataset_version",
    type: Purpose | None = None,
    for_type: Annotated[list[VersionType] | None, Parameter(negative="")] = None,
    cpu: int = 1,
    gpu: int = 0,
    folder: Path | None = None,
    description: str = "",
    output: Output = PLAIN,
) -> Result:
    """Register a program of this machine, so that it can be launched.

    It runs as whoever has the lake open: the user of the server, or of the calling process. Nothing that comes over
    HTTP can register one.

    Args:
        lake: The lake's folder.
        name: What it is launched by.
        command: The command line; split in words, run without a shell.
        callable: A Python callable, as module:function, instead of a command.
        parameter: A parameter and its default, as name=default; without =default it must be given. Again for each.
        target: What it is launched on.
        type: What it is for.
        for_type: Only versions of this type; again for each.
        cpu: How many processors it takes, unless a launch says otherwise.
        gpu: How many graphics processors it takes.
        folder: Where it runs, and a callable is found; by default the working folder.
        description: What it does.
    """
    from headrace.model.enums import InferenceType, ProcessingTargetType, ProcessingType
    from headrace.model.records import ParameterRecord
    from headrace.platform.platform import Platform
    from headrace.platform.processings.programs import Program
    from headrace.platform.processings.registry import register_processing

    if (command is None) == (callable is None):
        raise UsageError("a processing is one program", hint="give --command or --callable")
    parameters = [
        ParameterRecord(name=key, default=value_of(value)) if equals else ParameterRecord(name=key)
        for key, equals, value in (word.partition("=") for word in parameter or [])
    ]
    async with await Platform.open(lake) as platform:
        made = await register_processing(
            platform.context,
            name,
            Program(command=_split(command)) if command else Program(callable=callable or ""),
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
        next=f"headrace processing run {lake} DATASET/VERSION {name}",
    )


async def list_(lake: Path, /, *, output: Output = PLAIN) -> Result:
    """List the processings of a lake with what they run; those that come with headrace too.

    Args:
        lake: The lake's folder.
    """
    from headrace.platform.platform import Platform
    from headrace.platform.processings.registry import registered_processings

    async with await Platform.open(lake) as platform:
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


async def remove(lake: Path, name: str, /, *, output: Output = PLAIN) -> Result:
    """Forget a processing; jobs that run it go on.

    Args:
        lake: The lake's folder.
        name: Its name.
    """
    from headrace.platform.platform import Platform
    from headrace.platform.processings.registry import remove_processing

    async with await Platform.open(lake) as platform:
        gone = await remove_processing(platform.context, name)
    return Result(
        command="processing.remove",
        data={"id": str(gone.id), "name": name},
        lines=[f"Processing {name} removed."],
    )


async def run(
    target: str,
    version: str,
    name: str,
    /,
    *,
    parameter: Words = None,
    cpu: int | None = None,
    gpu: int | None = None,
    detach: Flag = False,
    output: Output = PLAIN,
    account: Account = ANYONE,
) -> Result:
    """Launch a processing on a version, show its log and wait for its end. Ctrl-C ends it.

    Args:
        target: A lake's folder or a server's URL.
        version: The version, as dataset/version.
        name: The processing.
        parameter: A parameter, as name=value; again for each.
        cpu: How many processors it takes.
        gpu: How many graphics processors it takes.
        detach: Leave it to the server, and print the job's id at once.
    """
    given: dict[str, Any] = {}
    for word in parameter or []:
        key, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"{word!r} sets no parameter", hint="write name=value")
        given[key] = value_of(value)
    if detach and "://" not in target:
        raise UsageError("a lake's folder has no server", hint="without --detach it runs here")
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
        stream = sys.stderr if output.json else sys.stdout
        try:
            async for piece in job.iter_logs():
                print(piece, end="", file=stream, flush=True)
            status = await job.wait_for_done()
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await job.cancel()
            raise
    return Result(command="processing.run", data=data | {"status": str(status)})


def value_of(text: str) -> Any:
    """A parameter's value: JSON where it is some, else the text as it stands."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _split(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"--command: {str(error).lower()}", hint="close what you quote") from None
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
    from msgspec import to_builtins

    shown: dict[str, Any] = to_builtins(each.record)
    for name in ("docker_image", "docker_tag"):
        del shown[name]
    return shown | {"program": _program(each), "folder": each.folder or None}
