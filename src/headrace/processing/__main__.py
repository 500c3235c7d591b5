"""``python -m headrace.processing MODULE:FUNCTION FOLDER``: run a registered callable as the program of a job."""

from __future__ import annotations

import asyncio
import inspect
import signal
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

from headrace.errors import ConfigurationError, HeadraceError
from headrace.processing import blocking_context_of_job, context_of_job


def main(name: str, folder: str = "") -> int:
    """Run the callable in the context that the environment names; return 1 where it fails, with the reason in the log."""
    # SIGTERM raises KeyboardInterrupt, so that open clients and files are closed on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        function = callable_of(name, folder)
        if inspect.iscoroutinefunction(function):
            asyncio.run(_run(function))
        else:
            with blocking_context_of_job() as context:
                function(context)
    except HeadraceError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    except Exception:  # noqa: BLE001  any error of the callable fails its job
        traceback.print_exc()
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGTERM
    return 0


def callable_of(name: str, folder: str) -> Callable[[Any], Any]:
    """Import ``module:function``; a ``folder`` is added to the module search path."""
    if folder:
        sys.path.append(folder)
    module, _, attribute = name.partition(":")
    try:
        found: Callable[[Any], Any] = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(
            f"cannot import {name}: {error}",
            hint="register it with the folder that holds its module",
        ) from None
    return found


async def _run(function: Callable[[Any], Any]) -> None:
    async with context_of_job() as context:
        await function(context)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
