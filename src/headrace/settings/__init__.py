"""Settings from arguments, environment variables, the project's file and the user's file, in this order of precedence.

The project's file is ``headrace.toml`` in the working folder or a folder above it, or the table ``[tool.headrace]`` of a
``pyproject.toml`` there; the nearest folder that has either is used. That file may come from a cloned repository, so the
settings in :data:`PERSONAL` have no effect in it. The user's file is ``config.toml`` in the configuration folder
(:mod:`headrace.app_folders`).

The environment variable of a setting is its name in upper case after ``HEADRACE_``. Settings are read when a connection
is opened, never at import. Tokens are no settings: see :mod:`headrace.credentials`.
"""

from __future__ import annotations

from headrace.settings.load import OPTION_PREFIXES, PERSONAL, TOKEN_VARIABLE, load_settings
from headrace.settings.values import AuditPolicy, Settings, SettingsKeywords, UndoPolicy

__all__ = [
    "OPTION_PREFIXES",
    "PERSONAL",
    "TOKEN_VARIABLE",
    "AuditPolicy",
    "Settings",
    "SettingsKeywords",
    "UndoPolicy",
    "load_settings",
]
