"""When a signed URL ends, read from the URL itself in the spellings of the storages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit


def expires_at(url: str) -> float | None:
    """Seconds since 1970 at which a URL ends; None where it does not say, or says it in no known way."""
    try:
        query = {name.lower(): value for name, value in parse_qsl(urlsplit(url).query)}
        for prefix in ("x-amz-", "x-goog-"):
            if f"{prefix}date" in query and f"{prefix}expires" in query:
                start = datetime.strptime(query[f"{prefix}date"], "%Y%m%dT%H%M%S%z")
                life = timedelta(seconds=int(query[f"{prefix}expires"]))
                return (start + life).timestamp()
        if "expires" in query:
            return float(int(query["expires"]))
        if "se" in query and "sig" in query:
            return datetime.fromisoformat(query["se"]).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    return None
