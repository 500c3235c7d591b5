"""Servers that are no part of headrace, each kept by a program of `tools/servers` that ends with this process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.environments import ROOT
from bench.scenario import RunError

PROGRAMS = ROOT / "tools" / "servers"
READY = "ready.json"
START_SECONDS = 90.0


@contextmanager
def kept(program: str, folder: Path, arguments: Sequence[str], *, keep: bool) -> Iterator[Any]:
    """Run a server in a folder inside the block; yields what its keeper says when it accepts connections.

    With `keep` the files of the server stay in the folder.

    Raises RunError if it does not start.
    """
    ready, log = folder / READY, folder / "keeper.log"
    ready.unlink(missing_ok=True)
    variables = dict(os.environ) | {"HEADRACE_SERVER_KEEP": "1" if keep else "0"}
    with log.open("wb") as err:
        # A session apart: Ctrl-C reaches the harness alone, which closes the standard input.
        keeper = subprocess.Popen(
            [sys.executable, "-S", str(PROGRAMS / program), str(folder), "stdin", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=variables,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_SECONDS
        while not ready.exists():
            if keeper.poll() is not None or time.monotonic() > until:
                output = log.read_text(errors="replace").strip()[-2000:] if log.exists() else ""
                raise RunError(f"{program} started no server: {output}")
            time.sleep(0.01)
        yield json.loads(ready.read_text(encoding="utf-8"))
    finally:
        # The keeper ends its server when its standard input is closed.
        keeper.communicate()
