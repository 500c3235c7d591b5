"""What this program calls itself: to servers as ``User-Agent``, and in the audit log of a lake that it has open."""

from __future__ import annotations

from contextvars import ContextVar

from headrace._version import __version__

PRODUCT = f"headrace/{__version__}"

_command: ContextVar[str] = ContextVar("headrace_command", default="")


def name_command(command: str) -> None:
    """Set the command that runs, such as ``token create``; without it, a program uses headrace as a library."""
    _command.set(command)


def client_name() -> str:
    """Return the product and the command: ``headrace/0.1.0 (push)``."""
    command = _command.get()
    return f"{PRODUCT} ({command})" if command else PRODUCT
