"""Files and folders that are made once, by whichever process needs them first."""

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """Return a path; `make` creates it under another name if it is missing, so one that exists is complete.

    Two processes that need it at once: the second one waits for the first.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            make(partial)
            partial.replace(path)
    return path
