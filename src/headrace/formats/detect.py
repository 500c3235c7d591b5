"""Which format a file or a folder is in: every format has a look, the surest guess wins."""

from __future__ import annotations

from pathlib import Path

from headrace.errors import SourceNotFoundError, UnknownFormatError
from headrace.formats.info import Guess
from headrace.formats.registry import all_formats, names

_ORDER = {"certain": 0, "likely": 1, "possible": 2}


def guesses(path: Path) -> list[Guess]:
    """What ``path`` may be, the surest first."""
    found = [guess for each in all_formats() if (guess := each.guess(path)) is not None]
    return sorted(found, key=lambda guess: _ORDER[guess.confidence])


def detect(path: str | Path) -> Guess:
    """The format of ``path``, why, and how sure.

    Raises :class:`~headrace.errors.UnknownFormatError` where nothing fits or two formats fit equally well, and
    :class:`~headrace.errors.SourceNotFoundError` where there is no such path.
    """
    path = Path(path)
    if not path.exists():
        raise SourceNotFoundError("no such file or folder", path=path, hint="check the path")
    found = guesses(path)
    if not found:
        raise UnknownFormatError(
            f"{path} looks like no format that headrace reads",
            hint=f"name one with --from: {' '.join(names())}",
        )
    best = found[0]
    rivals = [guess for guess in found[1:] if guess.confidence == best.confidence]
    if rivals:
        both = "; ".join(f"{guess.format}: {guess.reason}" for guess in [best, *rivals])
        raise UnknownFormatError(
            f"{path} may be several formats ({both})", hint="name one with --from"
        )
    return best
