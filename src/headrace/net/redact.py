"""What of a URL may be shown: never its query (signatures live there), never its user part."""

from __future__ import annotations

from yarl import URL


def redact(url: str | URL) -> str:
    """A URL without user, password, query and fragment; safe in logs, errors and reprs."""
    try:
        parsed = URL(url) if isinstance(url, str) else url
        return str(parsed.with_user(None).with_query(None).with_fragment(None))
    except ValueError:
        return "<unreadable URL>"


def origin(url: str | URL) -> str:
    """``scheme://host:port`` of a URL, the port only where it is not the scheme's own."""
    parsed = URL(url) if isinstance(url, str) else url
    return str(parsed.origin())
