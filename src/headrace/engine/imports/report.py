"""How an import is to be done, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct, field

from headrace.errors import ConservationError
from headrace.formats.findings.collect import Finding, OnError
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, ImportAnnotationMode


class ImportOptions(Struct, frozen=True, kw_only=True):
    """``key`` is what the source calls assets by, ``on_error`` the policy on bad records, ``read`` the reader's options.

    ``worker_id`` is whose the annotations become; the caller's where it is None.
    """

    mode: ImportAnnotationMode = ImportAnnotationMode.REPLACE
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    force_create_label: bool = True
    fail_on_asset_not_found: bool = True
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    on_error: OnError = "raise"
    read: dict[str, Any] = field(default_factory=dict)


class ImportReport(Struct, kw_only=True):
    """What came of an import of ``source`` into ``version``.

    Every image that the source holds was ``imported``, or ``kept`` because its asset is annotated already (KEEP), or
    is ``in_campaign`` and left to those who annotate it, or has no asset (``not_found``), or was dropped with a finding
    (``images_dropped``); every shape likewise. ``labels`` counts the shapes that were imported. ``resumed`` chunks had
    been written by an interrupted run.
    """

    version: str
    source: str
    format: str
    mode: ImportAnnotationMode
    images: int = 0
    images_imported: int = 0
    images_kept: int = 0
    images_in_campaign: int = 0
    images_not_found: int = 0
    images_dropped: int = 0
    shapes: int = 0
    shapes_imported: int = 0
    shapes_kept: int = 0
    shapes_in_campaign: int = 0
    shapes_not_found: int = 0
    shapes_dropped: int = 0
    annotations: int = 0
    labels: dict[str, int] = field(default_factory=dict)
    not_found: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    resumed: int = 0
    seconds: float = 0.0

    def check(self) -> None:
        """ConservationError unless everything that the source holds is accounted for."""
        for what in ("images", "shapes"):
            parts = [
                getattr(self, f"{what}_{part}")
                for part in ("imported", "kept", "in_campaign", "not_found", "dropped")
            ]
            whole = getattr(self, what)
            if whole != sum(parts):
                raise ConservationError(
                    f"{self.source}: {whole} {what} in, but {parts[0]} imported, {parts[1]} kept, "
                    f"{parts[2]} in a campaign, {parts[3]} without an asset and {parts[4]} dropped"
                )
