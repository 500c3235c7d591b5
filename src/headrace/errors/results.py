"""Errors of what a call found or did: an empty listing, a version that differs, a job that failed."""

from __future__ import annotations

from typing import Any

from headrace.errors.base import HeadraceError


class DeleteLimitError(HeadraceError):
    """More would be deleted than is allowed. Nothing was changed.

    Args:
        message: What would be deleted.
        report: The report of the job as of a dry run.
        hint: How to allow it.
    """

    code = "delete-limit"

    def __init__(self, message: str, *, report: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class DigestMismatchError(HeadraceError):
    """A version has not the content that ``expected_digest`` names: it was changed, or another one is meant.

    Args:
        message: The version, and both digests.
        expected: The digest that was asked for, in hexadecimal.
        found: The digest of the version; empty if it was not computed again.
        hint: What to do about it.
    """

    code = "digest-mismatch"

    def __init__(self, message: str, *, expected: str, found: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.expected = expected
        self.found = found


class NoDataError(HeadraceError):
    """A listing is empty that must not be empty."""

    code = "no-data"


class JobFailedError(HeadraceError):
    """A job ended without success.

    Args:
        message: Why it failed.
        job: The record of the job.
        hint: What to do about it.
    """

    code = "job-failed"

    def __init__(self, message: str, *, job: Any = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.job = job


class WaitTimeoutError(HeadraceError, TimeoutError):
    """The job or upload is not done after the last attempt: wait again later. Also a ``TimeoutError``."""

    code = "wait-timeout"
    retryable = True
