"""Programs for tests, and ways to register them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from headrace.model.records import ParameterRecord
from headrace.platform.platform import Platform
from headrace.platform.processings.programs import Program
from headrace.platform.processings.registry import register_processing

# Writes its number and that of a child in a session of its own, then stays whatever it is told.
STAYS = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
file = os.environ["PIDS"]
code = "import os, time; open(os.environ['PIDS'], 'a').write(f'{os.getpid()} '); time.sleep(600)"
subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
open(file, "a").write(f"{os.getpid()} ")
print("begun", flush=True)
time.sleep(600)
"""

# The same, and goes when it is told to.
WAITS = STAYS.replace("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n", "")

PYTHON = """
from pathlib import Path

from headrace.processing import BlockingContext, Context, context_of_job


async def names(context: Context) -> None:
    print(context.version.version, sorted([asset.filename async for asset in context.iter_assets()]))
    print(context.parameters, context.launch.cpu, context.launch.gpu, repr(context.launch))


def tag(context: BlockingContext) -> None:
    tag = context.version.get_or_create_asset_tag(context.parameters["tag"])
    for asset in context.iter_assets():
        asset.add_tags(tag)


async def data(context: Context) -> None:
    print(sorted([data.filename async for data in context.iter_data()]))
    context.version


def fails(context: BlockingContext) -> None:
    raise ValueError("on purpose")
"""


def python(code: str) -> Program:
    """A program of some lines of Python."""
    return Program(command=[sys.executable, "-c", code])


async def register(lake: Path, name: str, program: Program | str, **more: Any) -> None:
    """Register a program in a lake's folder, as its owner may; what it runs in is the folder above."""
    if isinstance(program, str):
        program = replace(python(program), variables=more.pop("variables", []))
    parameters = more.pop("parameters", {})
    declared = [
        ParameterRecord(name=key) if value is ... else ParameterRecord(name=key, default=value)
        for key, value in parameters.items()
    ]
    async with await Platform.open(lake) as platform:
        await register_processing(
            platform.context, name, program, folder=lake.parent, parameters=declared, **more
        )
