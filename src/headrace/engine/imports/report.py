"""Options and report of an import."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, field

from headrace.errors import ConservationError
from headrace.formats.findings.collect import Finding, OnError
from headrace.formats.options import ReadKeywords
from headrace.model.enums import AnnotationExportKey, AnnotationStatus, ImportAnnotationMode


class ImportOptions(Struct, frozen=True, kw_only=True):
    """Options of an import.

    Attributes:
        mode: What happens to assets that are annotated already.
        status: Status of the new annotations.
        worker_id: User that the annotations belong to. Default: the caller.
        force_create_label: Create labels that the version does not have.
        fail_on_asset_not_found: Raise if an image of the source has no asset.
        key: Which property of an asset the source's file names are.
        on_error: On a bad record: stop, skip it, or report every one and then fail.
        read: Keyword options of the reader.
    """

    mode: ImportAnnotationMode = ImportAnnotationMode.REPLACE
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    force_create_label: bool = True
    fail_on_asset_not_found: bool = True
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    on_error: OnError = "raise"
    read: ReadKeywords = field(default_factory=ReadKeywords)


class ImportReport(Struct, kw_only=True):
    """The outcome of an import of ``source`` into ``version``.

    ``images`` and ``shapes`` are what the source holds. Each of them is counted once more:

    - ``imported``;
    - ``kept``: the asset was annotated already, and the mode is KEEP;
    - ``in_campaign``: the asset is in an annotation campaign and was left alone;
    - ``not_found``: the image has no asset (the first names are in ``not_found``);
    - ``dropped``: left out with a finding.

    ``labels`` counts the imported shapes by label. ``resumed`` chunks were written by an interrupted run. ``seconds``
    is the duration.
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
        """Raise ConservationError unless everything that the source holds is accounted for."""
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
