"""One command line from its words to its exit status."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import anyio

from headrace.cli.app import parse
from headrace.cli.console.errors import AGAIN, DEBUG, DONE, INTERRUPTED, Failure, explain
from headrace.cli.console.options import Output
from headrace.cli.console.progress import Reporter
from headrace.cli.console.result import Result, print_failure, print_result
from headrace.cli.console.streams import settle_streams

Command = Callable[[], Coroutine[Any, Any, Result | None]]


class InterruptedByUserError(Exception):
    """Ctrl-C or a polite kill; what was under way has been undone or completed."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line; the exit status."""
    settle_streams()
    try:
        return _run(arguments)
    except BrokenPipeError:
        # Whoever read our output has seen enough; Python's own flush at exit must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def _run(arguments: Sequence[str]) -> int:
    output = Output(json="--json" in arguments)
    try:
        parsed = parse(arguments)
        if parsed.command is None:
            return DONE
        output = parsed.output
        result = _run_async(parsed.command, output.reporter)
    except (InterruptedByUserError, KeyboardInterrupt):
        failure = _interrupted(output.reporter)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  this is where every error of a command ends
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            traceback.print_exception(error)
        failure = explain(error)
    else:
        if result is None:
            return DONE
        print_result(result, as_json=output.json)
        return result.status
    output.reporter.clear()
    print_failure(failure, as_json=output.json)
    return failure.status


def _run_async(command: Command, reporter: Reporter) -> Result | None:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_supervised(command, reporter))


async def _supervised(command: Command, reporter: Reporter) -> Result | None:
    """Run a command so that the first signal cancels it cleanly and the second one ends the process."""
    loop = asyncio.get_running_loop()
    # A scope and not the task: shields hold its cancellation off until files and transactions are in order.
    with anyio.CancelScope() as scope:

        def stop() -> None:
            if scope.cancel_called:
                os._exit(INTERRUPTED)
            reporter.say("stopping (Ctrl-C again to stop at once) …")
            scope.cancel()

        # Windows has no such handlers; there the runner turns Ctrl-C into a cancellation by itself.
        with contextlib.suppress(NotImplementedError):
            for name in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(name, stop)
        return await command()
    raise InterruptedByUserError


def _interrupted(reporter: Reporter) -> Failure:
    event = reporter.last
    if event is None:
        message = "stopped before anything was moved"
    else:
        of = f" of {event.total:,}" if event.total is not None else ""
        message = f"{event.done:,}{of} {event.unit} done"
    return Failure(
        code="interrupted",
        message=message,
        hint=AGAIN,
        retryable=True,
        status=INTERRUPTED,
        word="interrupted",
    )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
