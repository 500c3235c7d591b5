"""Errors of transfers: of hosts, of URLs and of the bytes that arrive."""

from __future__ import annotations

from typing import Any, Self

from headrace.errors.base import HeadraceError


class TransferError(HeadraceError):
    """Files could not be transferred. Base of the errors of transfers."""

    code = "transfer"

    def after(self, attempts: int, seconds: float) -> Self:
        """Record how often the request was sent, in the message too, and return the error.

        Args:
            attempts: How often the request was sent.
            seconds: The time from the first attempt to the end of the last.
        """
        if attempts > 1 and self.attempts == 1:
            self.attempts = attempts
            self.message += f", {attempts} tries in {seconds:.1f} s"
        return self


class ConnectError(TransferError, ConnectionError):
    """The host cannot be reached: check address and network. Also a ``ConnectionError``."""

    code = "connect"
    retryable = True


class TransferTimeoutError(TransferError, TimeoutError):
    """The server stopped answering: try again later. Also a ``TimeoutError``."""

    code = "timeout"
    retryable = True


class RefusedUrlError(TransferError):
    """A URL may not be fetched: it leads to an inner address, is no http, or holds a password."""

    code = "refused-url"


class ChecksumError(TransferError):
    """The received bytes do not match the expected size or checksum, even after retries: try again."""

    code = "checksum"
    retryable = True


class PartialTransferError(TransferError):
    """Some files were transferred and some failed. The same call continues.

    Args:
        message: How many files failed.
        report: The report of the transfer; its ``failed`` lists what failed and why.
        hint: What to do about it.
    """

    code = "partial-transfer"

    def __init__(self, message: str, *, report: Any, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report
