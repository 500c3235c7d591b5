"""Where the rooms above look for threads: see :mod:`headrace.threads`."""

from __future__ import annotations

from headrace.threads import in_thread, settled

__all__ = ["in_thread", "settled"]
