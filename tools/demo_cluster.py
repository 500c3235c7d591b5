"""Run headrace beyond one machine, from nothing: PostgreSQL, S3, two servers, the main job, and the way back to a lake.

`tools/demo --cluster` starts it. It prints each command and what came of it, and ends with everything that it started.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from examples.make_sample import draw_dataset
from tests.support.postgres_server import private_server
from tests.support.s3_server import private_s3_server

NAME = "demo/v1"
DATABASE = "postgresql://"
"""Stands for the address in `HEADRACE_DATABASE`, so that no password is in a command line."""
STOP_SECONDS = 30


class CommandError(Exception):
    """A command of the demo failed."""


def run_cluster() -> int:
    """Run the demo; returns the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="headrace-cluster-"))
    try:
        with ExitStack() as stack:
            _job(stack, folder)
    except (CommandError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _job(stack: ExitStack, folder: Path) -> None:
    images, annotations = draw_dataset(folder / "sample")
    database = stack.enter_context(private_server())
    store = stack.enter_context(private_s3_server())
    print(f"started     PostgreSQL on port {database.port}, S3 at {store.endpoint}")
    owner = {
        "HEADRACE_DATABASE": stack.enter_context(database.fresh_database()),
        "HEADRACE_OBJECTS": store.fresh_prefix(),
        "HEADRACE_SCRATCH": str(folder / "scratch"),
        **store.environment(),
    }
    _headrace("init", DATABASE, more=owner)
    first, second = (stack.enter_context(_serving(folder, owner, number)) for number in (1, 2))
    user = {
        "HEADRACE_TOKEN": _headrace("token", "create", DATABASE, more=owner, quiet=True).strip()
    }
    _headrace("push", first, NAME, images, more=user)
    _headrace("import", second, NAME, annotations, more=user)
    _headrace("stats", first, NAME, more=user)
    _headrace("export", second, NAME, folder / "coco.json", "--to", "coco", more=user)
    served = [_digest(each, user) for each in (first, second)]
    lake = folder / "lake"
    _headrace("migrate", DATABASE, lake, more=owner)
    _headrace("check", lake, "--read-data")
    found = _digest(lake, {})
    if {*served} != {found}:
        raise CommandError(f"the lake differs: {found}, and the servers have {', '.join(served)}")
    print(f"equal       {found} on both servers and in the lake {lake}")
    print(f"everything is in {folder}; delete that folder when you are done")


@contextmanager
def _serving(folder: Path, more: Mapping[str, str], number: int) -> Iterator[str]:
    """Run a server of the platform inside the block; yields its address."""
    arguments = ("serve", DATABASE, "--port", "0", "--json")
    print(f"$ headrace {shlex.join(arguments)}")
    with (folder / f"server-{number}.log").open("wb") as log:
        server = subprocess.Popen(
            _command(*arguments), env=_variables(more), stdout=subprocess.PIPE, stderr=log
        )
        try:
            assert server.stdout is not None
            line = server.stdout.readline()
            if not line:
                raise CommandError(f"the server did not start: see {log.name}")
            address: str = json.loads(line)["url"]
            print(f"serving     {address}")
            yield address
        finally:
            server.terminate()
            try:
                server.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.communicate()


def _digest(target: str | Path, more: Mapping[str, str]) -> str:
    printed = _headrace("version", "digest", target, NAME, "--json", more=more, quiet=True)
    return str(json.loads(printed)["digest"])


def _headrace(
    *arguments: str | Path, more: Mapping[str, str] | None = None, quiet: bool = False
) -> str:
    """Run a command to its end; prints it, and unless ``quiet`` what it prints. Returns its output."""
    words = [*map(str, arguments)]
    print(f"$ headrace {shlex.join(words)}", flush=True)
    done = subprocess.run(
        _command(*words), env=_variables(more or {}), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CommandError(
            f"headrace {words[0]} failed: {done.stderr.strip() or done.stdout.strip()}"
        )
    if not quiet:
        print("".join(f"  {line}\n" for line in done.stdout.splitlines()), end="", flush=True)
    return done.stdout


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "headrace.cli", *arguments]


def _variables(more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a command: this one, without what would tell it where to go."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("HEADRACE_", "AWS_", "PG"))
    }
    return kept | dict(more)
