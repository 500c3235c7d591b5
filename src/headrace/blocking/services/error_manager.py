"""The module of the official client for the errors of an upload."""

from __future__ import annotations

import threading


class ErrorManager:
    """Collects the errors of files that ``upload_data`` could not upload."""

    def __init__(self) -> None:
        self._errors: list[Exception] = []
        self._lock = threading.Lock()

    @property
    def errors(self) -> list[Exception]:
        """The errors so far."""
        with self._lock:
            return list(self._errors)

    def has_errors(self) -> bool:
        """Return whether there are errors."""
        return bool(self.errors)

    def clear(self) -> None:
        """Forget the errors."""
        with self._lock:
            self._errors.clear()

    def append(self, error: Exception) -> None:
        """Add an error.

        Args:
            error: The error of a file.
        """
        with self._lock:
            self._errors.append(error)

    def __repr__(self) -> str:
        return f"ErrorManager({len(self.errors)} errors)"


__all__ = ["ErrorManager"]
