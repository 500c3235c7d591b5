"""Asking before something is deleted: a person types the name, a script passes ``--yes``."""

from __future__ import annotations

from headrace.cli.console.errors import FAILED, Failure, UsageError
from headrace.cli.console.terminal import can_ask, read_answer


class DeclinedError(UsageError):
    """The person at the terminal did not type the name."""

    def __init__(self) -> None:
        super().__init__("not confirmed, nothing was done")
        self.failure = Failure(
            code="declined", message="not confirmed, nothing was done", status=FAILED
        )


async def confirm(action: str, name: str, *, yes: bool) -> None:
    """Return if the deletion is wanted.

    Args:
        action: What would happen, with what is lost: ``delete a/b: 3 assets with 9 shapes``.
        name: What the person types to agree.
        yes: Agree without a question.

    Raises:
        DeclinedError: The person typed something else.
        UsageError: There is no terminal to ask at, and no ``--yes``.
    """
    if yes:
        return
    if not can_ask():
        raise UsageError(
            f"this would {action}",
            hint="pass --yes to do it, or --dry-run to only look",
            code="not-confirmed",
        )
    if await read_answer(f"This will {action}.\nType {name} to continue: ") != name:
        raise DeclinedError
