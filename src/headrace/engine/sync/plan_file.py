"""A plan of a synchronization as a file: JSON lines, to be read by people, and applied later if nothing has changed.

The first line says what was compared and how, each further line is one step. Steps may be deleted from the file; they are
not done then. All functions block.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct, field

from headrace.engine.sync.plan import Action, Direction, Side, SyncOptions
from headrace.engine.sync.report import SyncReport, SyncStep
from headrace.engine.sync.sides import Sides, content_of
from headrace.errors import ConfigurationError, ConflictError

SCHEMA = "headrace.sync-plan/1"
_HINT = "make a plan with plan=, and give that file"
_CHANGED = "make a new plan, and review it"


class PlanHeader(Struct, kw_only=True):
    """The first line of a plan.

    Attributes:
        schema: ``headrace.sync-plan/1``.
        version: Id of the version.
        folder: Absolute path of the folder.
        listing: Digest of what was compared: both listings, and the state of the last synchronization.
        direction: Which side may change.
        delete: Whether files are deleted.
        prefer: Which side wins a conflict.
    """

    schema: str = SCHEMA
    version: UUID
    folder: str
    listing: str
    direction: Direction
    delete: bool
    prefer: Side | None = None


class SyncPlan(Struct):
    """A plan that was read from a file."""

    path: Path
    header: PlanHeader
    steps: dict[str, Action] = field(default_factory=dict)

    def options(self, options: SyncOptions) -> SyncOptions:
        """Return options as they were when the plan was made; ``undo`` is that of the call."""
        header = self.header
        return SyncOptions(
            direction=header.direction,
            delete=header.delete,
            prefer=header.prefer,
            undo=options.undo,
        )

    def check(self, sides: Sides, listing: str) -> None:
        """Check that the plan is of these two sides, and that neither has changed.

        Raises:
            ConfigurationError: It is a plan for another folder or version.
            ConflictError: The folder, the version or the state of the synchronization has changed.
        """
        folder = os.path.abspath(sides.folder)
        if self.header.version != sides.state.version or self.header.folder != folder:
            raise ConfigurationError(
                f"{self.path} is a plan for another version or folder: {self.header.folder}",
                hint=_HINT,
            )
        if self.header.listing != listing:
            raise ConflictError(
                f"the folder or the version has changed since {self.path} was made; nothing was done",
                hint=_CHANGED,
            )

    def select(self, report: SyncReport) -> None:
        """Leave only the steps of the plan in a report.

        Raises:
            ConflictError: The plan has a step that would not be planned now.
        """
        planned = {step.name: step.action for step in report.steps}
        for name, action in self.steps.items():
            if planned.get(name) is not action:
                raise ConflictError(
                    f"{self.path}: {action} {name!r} is no step for these files; nothing was done",
                    hint=_CHANGED,
                )
        report.steps = [step for step in report.steps if step.name in self.steps]


def listing_digest(sides: Sides) -> str:
    """Return a digest of both sides and of their last common state."""
    digest = hashlib.sha256()
    for line in _lines(sides):
        digest.update(
            msgspec.json.encode([part.encode("utf-8", "surrogateescape").hex() for part in line])
        )
    return f"sha256:{digest.hexdigest()}"


def _lines(sides: Sides) -> Iterator[tuple[str, ...]]:
    for name, local in sorted(sides.local.items()):
        yield "local", name, str(local.size), local.sha256 or str(local.changed)
    for name, remote in sorted(sides.remote.items()):
        yield "remote", name, str(remote.id), content_of(remote.data)
    for name, entry in sorted(sides.state.files.items()):
        yield "state", name, str(entry.asset), entry.local, entry.remote


def write_plan(
    path: Path, sides: Sides, listing: str, options: SyncOptions, report: SyncReport
) -> None:
    """Write the steps of a report.

    Raises:
        ConfigurationError: There is a file that is no plan.
    """
    if path.exists() and not _is_plan(path):
        raise ConfigurationError(f"{path} exists and is no plan", hint="choose another file")
    header = PlanHeader(
        version=sides.state.version,
        folder=os.path.abspath(sides.folder),
        listing=listing,
        direction=options.direction,
        delete=options.delete,
        prefer=options.prefer,
    )
    temporary = path.with_name(f".{path.name}.headrace-part")
    with temporary.open("wb") as file:
        file.write(msgspec.json.encode(header) + b"\n")
        for step in report.steps:
            if step.name in sides.unnamed:
                continue
            file.write(msgspec.json.encode(step) + b"\n")
    temporary.replace(path)


def read_plan(path: Path) -> SyncPlan:
    """Read a plan.

    Raises:
        ConfigurationError: The file cannot be read, or is no plan.
    """
    try:
        with path.open("rb") as file:
            header = msgspec.json.decode(file.readline(), type=PlanHeader)
            if header.schema != SCHEMA:
                raise ConfigurationError(f"{path} is no plan that this version reads", hint=_HINT)
            plan = SyncPlan(path, header)
            for line in file:
                if line.strip():
                    step = msgspec.json.decode(line, type=SyncStep)
                    plan.steps[step.name] = step.action
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ConfigurationError(f"{path}: {why}", hint=_HINT) from None
    except msgspec.MsgspecError as error:
        raise ConfigurationError(f"{path} is no plan: {error}", hint=_HINT) from None
    return plan


def _is_plan(path: Path) -> bool:
    try:
        read_plan(path)
    except ConfigurationError:
        return False
    return True
