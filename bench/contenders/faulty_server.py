"""The command line of headrace with an object storage of which a share of the calls fails.

faulty_server.py 0.05 serve LAKE --port 0
"""

import random
import sys
from collections.abc import Callable
from typing import Any

import headrace.server.files
from headrace.cli import main
from headrace.errors import StorageError
from headrace.storage.objects.local.store import LocalObjectStore

# With the first look at a file that is sent, these are the calls that touch the disk.
CALLS = ("put", "put_part", "complete_parts", "heads")


def failing(call: Callable[..., Any], share: float, draw: random.Random) -> Callable[..., Any]:
    """Return a call that raises in a share of its uses."""

    def fails(*arguments: Any, **options: Any) -> Any:
        if draw.random() < share:
            raise StorageError("the storage failed")
        return call(*arguments, **options)

    return fails


if __name__ == "__main__":
    share = float(sys.argv.pop(1))
    for name in CALLS:
        method = getattr(LocalObjectStore, name)
        setattr(LocalObjectStore, name, failing(method, share, random.Random(name)))
    look_up = headrace.server.files._look_up  # noqa: SLF001 - it reads the files that are sent
    headrace.server.files._look_up = failing(look_up, share, random.Random("look up"))  # noqa: SLF001
    sys.exit(main())
