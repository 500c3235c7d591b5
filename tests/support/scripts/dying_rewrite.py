"""Writing a database again in a process of its own that kills itself at a step of it, as by ``kill -9``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from headrace.storage.database.sqlite import page_checksums


def work(database: str, step: int) -> None:
    """Rewrite a database; the process dies at the call or return number ``step`` in the module that does it."""
    page_checksums.available()
    count = 0

    def seen(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        if frame.f_code.co_filename == page_checksums.__file__:
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(seen)
    page_checksums.rewrite(Path(database))
    sys.setprofile(None)
