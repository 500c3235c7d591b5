"""Servers that are no part of headrace, each kept by a program of `tools/servers` that ends with this process."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.scenario import RunError
from tools.servers.keepers import ServerStartError, start_keeper
from tools.servers.keeping import READY


@contextmanager
def kept(program: str, folder: Path, arguments: Sequence[str], *, keep: bool) -> Iterator[Any]:
    """Run a server in a folder inside the block; yields what its keeper says when it accepts connections.

    With `keep` the files of the server stay in the folder.

    Raises RunError if it does not start.
    """
    (folder / READY).unlink(missing_ok=True)
    try:
        keeper = start_keeper(program, folder, "stdin", *arguments, keep=keep)
    except ServerStartError as error:
        raise RunError(str(error)) from None
    try:
        yield json.loads((folder / READY).read_text(encoding="utf-8"))
    finally:
        # The keeper ends its server when its standard input is closed.
        keeper.communicate()
