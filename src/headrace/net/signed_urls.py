"""When a signed URL ends, read from the URL itself in the spellings of the storages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote_plus

_PARAMETER = re.compile(
    r"[?&](x-amz-date|x-amz-expires|x-goog-date|x-goog-expires|expires|se|sig)=([^&#]*)",
    re.IGNORECASE,
)


def expires_at(url: str) -> float | None:
    """Seconds since 1970 at which a URL ends; None where it does not say, or says it in no known way."""
    if "?" not in url:
        return None
    query = {name.lower(): unquote_plus(value) for name, value in _PARAMETER.findall(url)}
    try:
        for prefix in ("x-amz-", "x-goog-"):
            if f"{prefix}date" in query and f"{prefix}expires" in query:
                return _seconds(query[f"{prefix}date"]) + int(query[f"{prefix}expires"])
        if "expires" in query:
            return float(int(query["expires"]))
        if "se" in query and "sig" in query:
            return datetime.fromisoformat(query["se"]).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        pass
    return None


# Most URLs of a listing were signed in the same second.
@lru_cache(maxsize=64)
def _seconds(date: str) -> float:
    return datetime.strptime(date, "%Y%m%dT%H%M%S%z").timestamp()
