"""What several commands share: the options of output and of the target."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from headrace.cli.console.progress import Reporter

Flag = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option that is there or not."""

Status = Literal["pending", "accepted", "refused", "skipped"]
OnError = Literal["raise", "skip", "collect"]
VocOrigin = Literal["zero", "one_inclusive"]
VersionType = Literal[
    "not_configured",
    "classification",
    "object_detection",
    "segmentation",
    "point",
    "keypoint",
    "line",
    "mask",
    "multi",
]

GENERAL = Group("Output", sort_key=8)
TARGET = Group("Server", sort_key=9)


@Parameter(name="*", group=GENERAL)
@dataclass
class Output:
    """How a command tells what it does."""

    json: Flag = False
    """Print one JSON object on stdout and nothing else there, errors too."""

    progress: bool | None = None
    """Show progress on stderr (by default only on a terminal)."""

    @cached_property
    def reporter(self) -> Reporter:
        """The callback for progress."""
        return Reporter(show=sys.stderr.isatty() if self.progress is None else self.progress)


@Parameter(name="*", group=TARGET)
@dataclass(frozen=True)
class Account:
    """Who calls a server; lakes in folders ask for neither."""

    token: Annotated[str | None, Parameter(env_var="HEADRACE_TOKEN", show_env_var=True)] = None
    """The server's token. Better given by the environment: other users can read a command line."""

    organization: Annotated[str | None, Parameter(env_var="HEADRACE_ORGANIZATION")] = None
    """The organization's name, where the token is good for several."""


PLAIN = Output()
"""The output of a command that was given none of the options."""

ANYONE = Account()
