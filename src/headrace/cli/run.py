"""Run one command line: parse it, run the command, print the result or the error, return the exit status."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import partial
from typing import Any, TextIO

import anyio

from headrace.cli.console.errors import DEBUG, DONE, INTERRUPTED, RUN_AGAIN, Failure, explain
from headrace.cli.console.logs import start_log
from headrace.cli.console.options import Output, wanted_color
from headrace.cli.console.progress import TICK_SECONDS, Reporter
from headrace.cli.console.result import (
    Form,
    Result,
    print_failure,
    print_result,
    print_warning,
)
from headrace.cli.console.terminal import choose_color
from headrace.cli.parse import parse
from headrace.client_name import name_command
from headrace.errors import HeadraceWarning

Command = Callable[[], Coroutine[Any, Any, Result | None]]


class InterruptedByUserError(Exception):
    """Ctrl-C or SIGTERM; work in progress has been completed or undone."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line and return the exit status."""
    prepare_streams()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", HeadraceWarning)
            warnings.showwarning = partial(_show_warning, Reporter("none"))
            return _run(arguments)
    except BrokenPipeError:
        # The reader of our output has closed it. Python flushes stdout at exit, which must not fail either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def _show_warning(
    reporter: Reporter,
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of headrace as one line; those of other packages mean nothing to the person."""
    if issubclass(category, HeadraceWarning):
        _warn(reporter, str(message))


def _warn(reporter: Reporter, message: str) -> None:
    reporter.warn(message)
    if not reporter.owns_stderr:
        print_warning(message)


def prepare_streams() -> None:
    """Open the standard streams that are closed, and let them print any name.

    Without this, a file that the command opens could become stdout or stderr, and a name that is no valid text would
    raise while it is printed.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The system assigns the lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  open until exit
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: Sequence[str]) -> int:
    form = Form.JSON if {"--json", "--jsonl"} & {*arguments} else Form.TEXT
    output = Output()
    try:
        choose_color(wanted_color(arguments))
        parsed = parse(arguments)
        if parsed.command is None:
            return DONE
        output = parsed.output
        form = output.form
        start_log(
            output.verbose,
            output.log_file,
            output.log_format,
            show=partial(_warn, output.reporter),
        )
        output.reporter.start(parsed.name)
        name_command(parsed.name.replace(".", " "))
        logging.getLogger("headrace.cli").debug("%s started", parsed.name)
        warnings.showwarning = partial(_show_warning, output.reporter)
        result = _run_async(parsed.command, output.reporter)
    except (InterruptedByUserError, KeyboardInterrupt):
        failure = _interrupted(output.reporter)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001  every error of a command is reported here
        failure = explain(error)
        if os.environ.get(DEBUG, "0") not in ("", "0"):
            traceback.print_exception(error)
            failure = failure.with_request()
    else:
        if result is None:
            return DONE
        output.reporter.finish(result)
        print_result(result, form)
        return result.status
    output.reporter.clear()
    output.reporter.fail(failure)
    if form in (Form.JSON, Form.JSONL) or not output.reporter.owns_stderr:
        print_failure(failure, form)
    return failure.status


def _run_async(command: Command, reporter: Reporter) -> Result | None:
    if sys.platform == "win32":
        # The runner turns Ctrl-C into a cancellation only where no other handler is set.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_supervised(command, reporter))
    finally:
        # The closed loop leaves the system's handler, which would kill a command that has ended, before it says how.
        with contextlib.suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, signal.SIG_IGN)


async def _supervised(command: Command, reporter: Reporter) -> Result | None:
    """Run a command; the first signal cancels it cleanly, the second ends the process."""
    loop = asyncio.get_running_loop()
    # A cancel scope respects shields, so that files and transactions are completed first; cancelling the task does not.
    with anyio.CancelScope() as scope:

        def stop() -> None:
            if scope.cancel_called:
                os._exit(INTERRUPTED)
            reporter.say("stopping (Ctrl-C again to stop at once) …")
            scope.cancel()

        # Windows has no such handlers; there the runner turns Ctrl-C into a cancellation.
        with contextlib.suppress(NotImplementedError):
            for name in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(name, stop)

        with _ticking(loop, reporter):
            return await command()
    raise InterruptedByUserError


@contextlib.contextmanager
def _ticking(loop: asyncio.AbstractEventLoop, reporter: Reporter) -> Iterator[None]:
    """Call the reporter once a second."""
    timers: list[asyncio.TimerHandle] = []

    def tick() -> None:
        reporter.tick()
        timers[:] = [loop.call_later(TICK_SECONDS, tick)]

    timers.append(loop.call_later(TICK_SECONDS, tick))
    try:
        yield
    finally:
        timers[0].cancel()


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
        hint=RUN_AGAIN,
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
