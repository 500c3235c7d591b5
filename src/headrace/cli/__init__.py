"""The command ``headrace``. Answers ``--version`` at once; imports everything else only when it is needed."""

from __future__ import annotations

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
    try:
        from headrace.cli.run import run
    except KeyboardInterrupt:
        return _stop_at_once(as_json="--json" in given)
    if arguments is None:
        return run(given)
    # ``run`` ignores Ctrl-C from the end of the command on, which is right only where the process ends then.
    handler = signal.getsignal(signal.SIGINT)
    try:
        return run(given)
    finally:
        with suppress(ValueError):  # not the main thread
            signal.signal(signal.SIGINT, handler)


def _stop_at_once(*, as_json: bool) -> int:
    """Report Ctrl-C while the command is still being imported, in the words of ``run``."""
    if as_json:
        print(
            '{"schema":"headrace.error/1","error":{"code":"interrupted","message":'
            '"stopped before anything was moved","hint":"run the same command to continue",'
            '"retryable":true}}'
        )
    else:
        text = "interrupted: stopped before anything was moved. Run the same command to continue"
        print(text, file=sys.stderr)
    return 130


def _print_version(*, as_json: bool) -> None:
    from headrace._version import __version__

    # Written by hand: importing json alone would add a tenth to the time of this command.
    text = (
        f'{{"schema":"headrace.version/1","version":"{__version__}"}}' if as_json else __version__
    )
    print(text if as_json else f"headrace {text}")
