"""The command ``headrace``. Answers ``--version`` at once; imports everything else only when it is needed."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; return the exit status: 0 done, 1 failed, 2 usage, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if "--version" in given and set(given) <= {"--version", "--json"}:
        _print_version(as_json="--json" in given)
        return 0
    if given[:1] == ["__versions"]:
        from headrace.cli.names import print_versions

        return print_versions(given[1:])
    as_json = "--json" in given
    if arguments is None:
        _stop_at_once(as_json=as_json)
    try:
        from headrace.cli.run import run
    except KeyboardInterrupt:
        print(_stopped(as_json=as_json), file=sys.stdout if as_json else sys.stderr)
        return 130
    if arguments is None:
        return run(given)
    # ``run`` ignores Ctrl-C from the end of the command on, which is right only where the process ends then.
    handler = signal.getsignal(signal.SIGINT)
    try:
        return run(given)
    finally:
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, handler)


def _stop_at_once(*, as_json: bool) -> None:
    """End the process at Ctrl-C, until ``run`` has begun the command and stops it in its own way.

    Nothing has been done by then. A ``KeyboardInterrupt`` in an import could be caught by what is imported, or come out as a
    traceback.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return  # another program decides, such as nohup

    def stop(*_: object) -> None:
        # No print: what the signal has interrupted may be one.
        os.write(1 if as_json else 2, f"{_stopped(as_json=as_json)}\n".encode())
        os._exit(130)

    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, stop)


def _stopped(*, as_json: bool) -> str:
    """Return what is said of Ctrl-C before the command has begun, in the words of ``run``."""
    if as_json:
        return (
            '{"schema":"headrace.error/1","error":{"code":"interrupted","message":'
            '"stopped before anything was moved","hint":"run the same command to continue",'
            '"retryable":true}}'
        )
    return "interrupted: stopped before anything was moved. Run the same command to continue"


def _print_version(*, as_json: bool) -> None:
    from headrace._version import __version__

    # Written by hand: importing json alone would add a tenth to the time of this command.
    text = (
        f'{{"schema":"headrace.version/1","version":"{__version__}"}}' if as_json else __version__
    )
    print(text if as_json else f"headrace {text}")
