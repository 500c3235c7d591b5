"""Options and report of an import."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct, field

from headrace.engine.name_filter import NameFilter
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
        split_tags: Attach the tag of its split to each asset whose image has one.
        allow_empty: Do not raise if no image or no shape of a source that has some can be imported.
        on_error: On a bad record: stop, skip it, or report every one and then fail.
        undo: Replace nothing that cannot be brought back.
        chosen: The images of the source to import.
        read: Keyword options of the reader.
    """

    mode: ImportAnnotationMode = ImportAnnotationMode.REPLACE
    status: AnnotationStatus | None = None
    worker_id: UUID | None = None
    force_create_label: bool = True
    fail_on_asset_not_found: bool = True
    key: AnnotationExportKey = AnnotationExportKey.FILENAME
    split_tags: bool = True
    allow_empty: bool = False
    on_error: OnError = "raise"
    undo: bool = True
    chosen: NameFilter = NameFilter()
    read: ReadKeywords = field(default_factory=ReadKeywords)


class ImportReport(Struct, kw_only=True):
    """The outcome of an import of ``source`` into ``version``.

    ``images`` and ``shapes`` are what the source holds. Each of them is counted once more:

    - ``imported``;
    - ``kept``: the asset was annotated already, and the mode is KEEP;
    - ``in_campaign``: the asset is in an annotation campaign and was left alone;
    - ``not_found``: the image has no asset (the first names are in ``not_found``);
    - ``dropped``: left out with a finding.

    ``labels`` counts the imported shapes by label, ``labels_created`` names those that the version did not have.
    ``splits`` counts the assets that carry the tag of their split now, and ``splits_kept`` those that keep the tag of
    another split instead. ``images_by_ending`` counts the images whose assets are called differently, matched by the
    end of their names; ``example_by_ending`` is the first of them and the name of its asset.
    ``annotations_replaced`` and ``shapes_replaced`` were in the version before, and ``removal`` is the id of the removal
    that brings them back. ``resumed`` chunks were written by an interrupted run. ``seconds`` is the duration. After a
    ``dry_run`` nothing is written, and all counts are of what would be.
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
    images_by_ending: int = 0
    example_by_ending: tuple[str, str] | None = None
    annotations: int = 0
    annotations_replaced: int = 0
    shapes_replaced: int = 0
    removal: UUID | None = None
    labels: dict[str, int] = field(default_factory=dict)
    labels_created: list[str] = field(default_factory=list)
    splits: dict[str, int] = field(default_factory=dict)
    splits_kept: int = 0
    not_found: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    resumed: int = 0
    seconds: float = 0.0
    dry_run: bool = False

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
