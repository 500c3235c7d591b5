"""Write docs/reference/cli.md from the help of every command.

python tools/make_cli_page.py            # write it
python tools/make_cli_page.py --check    # fail where it is not what would be written
"""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

from rich.console import Console

from headrace.cli.app import COMMANDS, FAMILIES, make_app

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "cli.md"

HEAD = """\
# The command line

What `--help` prints, made by `tools/make_cli_page.py`. TARGET is a lake's folder or a server's URL, VERSION is
`dataset/version`. Results go to stdout, progress and errors to stderr; `--json` puts one JSON object on stdout and
nothing else there, errors too. Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted. `HEADRACE_DEBUG=1`
adds a traceback to an error.

"""


def page() -> str:
    """The whole page."""
    commands = [[name] for name in COMMANDS]
    commands += [[family, name] for family, (*_, names) in FAMILIES.items() for name in names]
    parts = [f"## headrace {' '.join(one)}\n\n```\n{help_of(one)}\n```\n" for one in commands]
    return HEAD + f"```\n{help_of([])}\n```\n\n" + "\n".join(parts)


def help_of(command: list[str]) -> str:
    """The help of one command, as wide as the page."""
    text = io.StringIO()
    console = Console(file=text, width=100, color_system=None, force_terminal=False)
    with contextlib.redirect_stdout(text):
        make_app().help_print(command, console=console)
    return "\n".join(line.rstrip() for line in text.getvalue().strip().splitlines())


def main(arguments: list[str]) -> int:
    """Write the page, or compare; the exit status."""
    made = page()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
            print(f"{PAGE.name} is stale: run tools/python tools/make_cli_page.py", file=sys.stderr)
            return 1
        return 0
    if arguments:
        print("usage: make_cli_page.py [--check]", file=sys.stderr)
        return 2
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
