"""Errors are caught by the builtin classes that they are, and all carry the same facts."""

from __future__ import annotations

from pathlib import Path

import pytest

import headrace
from headrace import errors
from headrace.errors import MissingExtraError

KINDS = {
    "ConnectError": ConnectionError,
    "TransferTimeoutError": TimeoutError,
    "WaitTimeoutError": TimeoutError,
    "AuthenticationError": PermissionError,
    "PermissionDeniedError": PermissionError,
    "SourceNotFoundError": FileNotFoundError,
    "ObjectNotFoundError": FileNotFoundError,
    "NotALakeError": FileNotFoundError,
    "NotFoundError": LookupError,
    "ParseError": ValueError,
    "EventLoopError": RuntimeError,
}


@pytest.mark.parametrize("name", KINDS)
def test_an_error_is_of_its_builtin_kind(name: str) -> None:
    assert issubclass(getattr(errors, name), KINDS[name])


def test_every_error_says_hint_request_retryable_and_attempts() -> None:
    raised = [errors.error_for_status(503, "x"), errors.ParseError("x"), errors.ConnectError("x")]
    for error in raised:
        assert (error.hint, error.request_id, error.attempts) == (None, None, 1)
    assert [error.retryable for error in raised] == [True, False, True]
    assert errors.ConnectError("x").after(3, 1.25).attempts == 3


async def test_open_and_python_agree_about_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="headrace init"):
        await headrace.connect(tmp_path / "none")
    with pytest.raises(ConnectionError):
        await headrace.connect("http://127.0.0.1:9", api_token="hr_x")


def test_a_missing_package_has_the_line_for_pip_and_for_uv() -> None:
    error = MissingExtraError("comparing images needs Pillow", install="headrace[images]")
    assert str(error) == (
        "comparing images needs Pillow"
        " (pip install 'headrace[images]', or: uv pip install 'headrace[images]')"
    )
