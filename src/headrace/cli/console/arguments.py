"""Arguments of Python in error messages, replaced by the options of the command line.

Errors and findings below the command line name an argument with an equals sign: ``api_token=``, ``overwrite=True``,
``on_error='skip'``. Here people use ``--token``, ``--overwrite`` and ``--on-error skip``.
"""

from __future__ import annotations

import re

OPTIONS = {
    "allow_empty": "--allow-empty",
    "apply": "--apply",
    "api_token": "--token -",
    "class_order": "--class-order",
    "cpu": "--cpu",
    "delete": "--delete",
    "exclude": "--exclude",
    "fetch_urls": "--fetch-urls",
    "follow_links": "--follow-links",
    "force": "--force",
    "force_replace": "--force",
    "format": "--format",
    "from_": "--from",
    "from_profile": "--from-profile",
    "gpu": "--gpu",
    "host": "--host",
    "include": "--include",
    "images": "--images",
    "labels_map": "--labels",
    "max_bytes": "--max-bytes",
    "max_delete": "--max-delete",
    "max_pixels": "--max-pixels",
    "max_workers": "--workers",
    "media": "--media",
    "mode": "--mode",
    "names": "--files-from",
    "older_than_hours": "--older-than",
    "objects": "--objects",
    "on_error": "--on-error",
    "organization_name": "--organization",
    "overwrite": "--overwrite",
    "parameters": "--parameter",
    "plan": "--plan",
    "port": "--port",
    "profile": "--profile",
    "report": "--report",
    "retry_failed": "--retry-failed",
    "split": "--split",
    "split_by": "--split-by",
    "status": "--status",
    "strict": "--strict",
    "task": "--task",
    "to": "--to",
    "to_profile": "--to-profile",
    "unix_socket": "--unix-socket",
    "use_id": "--use-id",
    "voc_origin": "--voc-origin",
    "workers": "--workers",
}
"""The option for each argument. A value follows the option, except True, which the option alone means."""

OPPOSITES = {
    "fail_on_asset_not_found": "--allow-missing",
    "force_create_label": "--known-labels",
    "split_tags": "--no-split-tags",
    "undo": "--no-undo",
}
"""The option that means False for an argument that is True by default."""

VALUES = {"direction": {"down": "--down", "up": "--up"}}
"""Arguments whose values are options of their own."""

# Only after white space or a parenthesis, so that file names and values in quotes are left alone.
_ARGUMENT = re.compile(
    r"(?<![^\s(])(?P<name>" + "|".join([*OPTIONS, *OPPOSITES, *VALUES]) + r")="
    r"(?!=)(?:(?P<quote>['\"])(?P<quoted>.*?)(?P=quote)|(?P<bare>[^\s,;:.()]+))?"
)


def with_options(text: str) -> str:
    """Return a message with the options of the command line in place of the arguments of Python."""
    return _ARGUMENT.sub(_option, text) if "=" in text else text


def _option(match: re.Match[str]) -> str:
    name, value = match["name"], match["quoted"] or match["bare"]
    if name in VALUES:
        return VALUES[name].get(value or "", match[0])
    if name in OPPOSITES:
        return OPPOSITES[name] if value == "False" else match[0]
    return OPTIONS[name] if value in (None, "True") else f"{OPTIONS[name]} {value}"
