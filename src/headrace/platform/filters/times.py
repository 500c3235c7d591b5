"""Times as queries write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_DAY_MS = 86_400_000


class TimeSpan(NamedTuple):
    """Milliseconds since 1970 (UTC), the end exclusive."""

    start: int
    end: int


def parse_span(text: str) -> TimeSpan:
    """What an ISO 8601 text covers: a whole day where it names only one, else a millisecond.

    Without an offset the text is UTC. ``ValueError`` where it is no time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    start = (moment - _EPOCH) // _MILLISECOND
    return TimeSpan(start, start + (_DAY_MS if _is_day(text) else 1))


def _is_day(text: str) -> bool:
    return "T" not in text and " " not in text and ":" not in text
