"""A platform as rest-api.md describes it and nothing beyond: a test double that knows nothing of headrace.

It keeps everything in memory and refuses what the reference does not name: unknown keys, wrong types, pages over the
limit. One module a section of the reference; each has a list ``ROUTES``, and `app` serves them all.
"""

from tests.support.plain_platform.app import PlainPlatform, plain_platform
from tests.support.plain_platform.switches import Fault, Seen, Switches

__all__ = ["Fault", "PlainPlatform", "Seen", "Switches", "plain_platform"]
