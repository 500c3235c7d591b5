"""The JSON objects that the commands print, by the groups of commands.

``tools/make_json_page.py`` has those of the commands that move and show data, and writes the page.
"""

from __future__ import annotations

from msgspec import Struct

from tools.documents.accounts import ACCOUNTS
from tools.documents.campaigns import CAMPAIGNS
from tools.documents.jobs import JOBS
from tools.documents.labels import LABELS
from tools.documents.lakes import LAKES
from tools.documents.program import PROGRAM
from tools.documents.versions import VERSIONS

GROUPS: dict[str, type[Struct]] = {**VERSIONS, **LABELS, **JOBS, **CAMPAIGNS, **ACCOUNTS, **PROGRAM}
"""The class of each form, but those of commands that look after a lake or move and show data."""

__all__ = ["GROUPS", "LAKES"]
