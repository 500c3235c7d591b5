"""What a synchronization did, or would do."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, field

from headrace.engine.sync.plan import Action
from headrace.transfer.report import TransferReport


class SyncStep(Struct, frozen=True):
    """What is done with a file, and why if nothing is.

    ``shapes`` is the number of shapes that the version loses with the asset.
    """

    name: str
    action: Action
    why: str = ""
    shapes: int = 0


class SyncReport(Struct, kw_only=True):
    """The outcome of a synchronization, or what it would do (``dry_run``).

    Attributes:
        steps: One entry for each file that differs.
        same: Number of the other files.
        dry_run: True if nothing was done.
        refusal: Why a run without ``dry_run`` is refused, if it is: too much would be deleted.
        cure: What to do about that.
        removal: Id of the removal that brings back the assets that left the version, if they are recorded.
        transfer: The uploads and downloads.
    """

    steps: list[SyncStep] = field(default_factory=list)
    same: int = 0
    dry_run: bool = False
    refusal: str = ""
    cure: str = ""
    removal: UUID | None = None
    transfer: TransferReport = field(default_factory=TransferReport)

    def of(self, *actions: Action) -> list[SyncStep]:
        """Return the steps with one of these actions."""
        return [step for step in self.steps if step.action in actions]

    @property
    def conflicts(self) -> list[SyncStep]:
        """Files that both sides changed; neither was touched."""
        return self.of(Action.CONFLICT)

    @property
    def deleted_files(self) -> int:
        """Number of files that are deleted in the folder."""
        return len(self.of(Action.DELETE_LOCAL))

    @property
    def removed_assets(self) -> int:
        """Number of assets that leave the version, or are replaced without the shapes that they have."""
        return sum(
            step.action is Action.DELETE_REMOTE
            or (step.action is Action.REPLACE and step.shapes > 0)
            for step in self.steps
        )

    @property
    def removed_shapes(self) -> int:
        """Number of shapes that leave the version with their assets."""
        return sum(step.shapes for step in self.steps)
