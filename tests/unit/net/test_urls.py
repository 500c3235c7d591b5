"""What is shown of a URL."""

from __future__ import annotations

import pytest

from headrace.net.urls import origin, redact


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pass@host/a/b.png?X-Sig=s3cret#s3cret", "https://host/a/b.png"),
        ("http://host:8000/files/a%20b?signature=s3cret", "http://host:8000/files/a%20b"),
        ("http://[::1]:8/x?s3cret", "http://[::1]:8/x"),
        ("http://host:99999999/?s3cret", "<unreadable URL>"),
    ],
)
def test_no_secret_is_shown(url: str, shown: str) -> None:
    assert redact(url) == shown


def test_origins() -> None:
    assert origin("https://user:pass@Host:443/a?b") == "https://host"
    assert origin("http://host:8080/a") == "http://host:8080"
