"""Compare a frame of a removal with the version: what can come back, and what is in the way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field

from headrace.model.blob.counts import unpack_counts
from headrace.model.ids import Kind
from headrace.model.records import UndoConflict
from headrace.platform.campaigns.transitions import assets_with_task
from headrace.platform.core.access import Access
from headrace.platform.core.listing import json_text
from headrace.platform.core.scopes import VersionScope
from headrace.platform.removals.frames import Frame, SavedAnnotation, SavedAsset, digest_of
from headrace.storage.database.base import Row, Statements


class FramePlan(Struct):
    """What a frame puts back.

    ``tags`` are pairs of tag and asset. ``annotations`` carry the asset to which they return. ``labels`` are the keys that
    changed. ``gives_way`` are the numbers of unchanged replacements that are removed. ``present`` counts what is there
    already.
    """

    assets: list[SavedAsset] = field(default_factory=list)
    tags: list[tuple[int, int]] = field(default_factory=list)
    annotations: list[SavedAnnotation] = field(default_factory=list)
    labels: dict[int, int] = field(default_factory=dict)
    gives_way: list[int] = field(default_factory=list)
    present: int = 0
    conflicts: list[UndoConflict] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.assets or self.annotations or self.tags)


async def plan_frame(
    statements: Statements, access: Access, scope: VersionScope, frame: Frame
) -> FramePlan:
    """Plan what a frame puts back, from the current rows of the version."""
    planner = _Planner(statements, access, scope, frame)
    await planner.plan_assets()
    await planner.plan_annotations()
    return planner.plan


class _Planner:
    def __init__(
        self, statements: Statements, access: Access, scope: VersionScope, frame: Frame
    ) -> None:
        self._statements = statements
        self._access = access
        self._scope = scope
        self._frame = frame
        self._names = {asset.seq: asset.filename for asset in frame.assets}
        # The assets to which annotations return, by the assets that had them; those in conflict are absent.
        self._targets: dict[int, int] = {}
        self._fresh: set[int] = set()
        self.plan = FramePlan()

    # --- assets -------------------------------------------------------------------------------------------

    async def plan_assets(self) -> None:
        assets, plan = self._frame.assets, self.plan
        if not assets:
            return
        keys = json_text([(asset.lake_bucket, asset.data) for asset in assets])
        rows = await self._statements.fetch(
            "assets.present", keys=keys, bucket=self._scope.bucket, version=self._scope.no
        )
        present = {(bucket, data): seq for bucket, data, seq in rows}
        rows = await self._statements.fetch(
            "assets.candidates", keys=keys, organization=self._access.organization
        )
        known = {(row[0], row[1]) for row in rows}
        again: list[SavedAsset] = []
        for asset in assets:
            key = (asset.lake_bucket, asset.data)
            if key in present:
                self._targets[asset.seq] = present[key]
                plan.present += 1
                if present[key] != asset.seq:
                    again.append(asset)
            elif key in known:
                self._targets[asset.seq] = asset.seq
                self._fresh.add(asset.seq)
                plan.assets.append(asset)
            else:
                self._conflict(asset.seq, "its file was deleted from the datalake")
        await self._plan_tags(again)

    async def _plan_tags(self, again: Sequence[SavedAsset]) -> None:
        """Plan the tags of assets that come back, and of those that were added again and have none."""
        rows = await self._statements.fetch("undo.tags", version=self._scope.no)
        current: dict[int, str] = dict(rows)
        by_name = {name: key for key, name in current.items()}
        targets = [self._targets[asset.seq] for asset in again]
        tagged = {row[0] for row in await self._rows("removals.tags", targets)} if targets else {0}
        for asset in [*self.plan.assets, *again]:
            target = self._targets[asset.seq]
            if target in tagged and asset.seq not in self._fresh:
                continue
            for tag in asset.tags:
                name = self._frame.tags.get(tag, "")
                key = tag if tag in current else by_name.get(name)
                if key is None:
                    self.plan.notes[f"the asset tag {name!r} was deleted since"] = None
                else:
                    self.plan.tags.append((key, target))

    # --- annotations --------------------------------------------------------------------------------------

    async def plan_annotations(self) -> None:
        annotations = self._frame.annotations
        if not annotations:
            return
        await self._find_assets(annotations)
        existing = [seq for seq in self._targets.values() if seq not in self._fresh]
        busy = await assets_with_task(self._statements, self._scope, existing)
        rows = await self._rows("undo.present_numbers", [each.no for each in annotations])
        present = {no for (no,) in rows}
        newer: dict[tuple[int, int], list[int]] = defaultdict(list)
        for asset, account, no in await self._rows("undo.annotations_of_assets", existing):
            if no >= self._frame.horizon:
                newer[asset, account].append(no)
        replacements, changed = await self._replacements()
        labels = await self._labels()
        for each in annotations:
            target = self._targets.get(each.asset)
            if target is None:
                continue
            if each.no in present:
                self.plan.present += 1
                continue
            give_way = replacements.get(each.asset, [])
            why = None
            if target in busy:
                why = "it is in an annotation campaign"
            elif each.asset in changed:
                why = "the annotation that replaced it was changed since"
            elif set(newer[target, each.account]) - set(give_way):
                why = "it has a newer annotation of the same user"
            else:
                why = self._unknown_label(each, labels)
            if why is not None:
                self._conflict(each.asset, why)
                continue
            self.plan.annotations.append(_at(each, target))
            self.plan.gives_way += [no for no in give_way if no not in self.plan.gives_way]
            self._note_labels(each, labels)
        self.plan.labels = {old: new for old, new in labels.items() if new is not None}

    async def _find_assets(self, annotations: Iterable[SavedAnnotation]) -> None:
        """Find the assets of annotations that were removed without their assets."""
        missing = {each.asset for each in annotations} - self._names.keys()
        for seq, name in await self._rows("undo.asset_names", sorted(missing)):
            self._names[seq] = name
            self._targets[seq] = seq
        for seq in sorted(missing - self._targets.keys()):
            self._conflict(seq, "the asset is no longer in the version")

    async def _replacements(self) -> tuple[dict[int, list[int]], set[int]]:
        """Return the unchanged replacements that are still there, by asset, and the assets with changed ones."""
        unchanged: dict[int, list[int]] = defaultdict(list)
        changed: set[int] = set()
        digests = {each.no: each for each in self._frame.replacements}
        if not digests:
            return unchanged, changed
        rows = await self._rows(
            "removals.annotations_of_numbers",
            list(digests),
            dataset=self._scope.dataset,
            dataset_bucket=self._scope.dataset_bucket,
        )
        for asset, no, account, status, _, duration, *shapes, _ in rows:
            if digest_of(account, status, duration, *shapes) == digests[no].digest:
                unchanged[asset].append(no)
            else:
                changed.add(asset)
        return unchanged, changed

    # --- labels -------------------------------------------------------------------------------------------

    async def _labels(self) -> dict[int, int | None]:
        """Return the current key of each label of the frame; None where it was deleted."""
        rows = await self._statements.fetch("labels.keys", version=self._scope.no)
        self._current: dict[int, str] = dict(rows)
        by_name = {name: key for key, name in self._current.items()}
        return {
            key: key if key in self._current else by_name.get(name)
            for key, name in self._frame.labels.items()
        }

    def _unknown_label(
        self, annotation: SavedAnnotation, labels: dict[int, int | None]
    ) -> str | None:
        for key in unpack_counts(annotation.counts):
            if labels.get(key) is None:
                name = self._frame.labels.get(key, "?")
                return f"the label {name!r} was deleted since; create it again and undo again"
        return None

    def _note_labels(self, annotation: SavedAnnotation, labels: dict[int, int | None]) -> None:
        for key in unpack_counts(annotation.counts):
            new = labels[key]
            assert new is not None
            old_name, name = self._frame.labels[key], self._current[new]
            if old_name != name:
                self.plan.notes[f"the label {old_name!r} is called {name!r} now"] = None

    # --- helpers ------------------------------------------------------------------------------------------

    def _conflict(self, seq: int, why: str) -> None:
        name = self._names.get(seq) or f"asset {self._scope.ids(Kind.ASSET).text(seq)}"
        self.plan.conflicts.append(UndoConflict(subject=name, why=why))

    async def _rows(self, statement: str, keys: Sequence[int], **more: Any) -> list[Row]:
        if not keys:
            return []
        return await self._statements.fetch(
            statement,
            keys=json_text(keys),
            bucket=self._scope.bucket,
            version=self._scope.no,
            **more,
        )


def _at(annotation: SavedAnnotation, asset: int) -> SavedAnnotation:
    if annotation.asset == asset:
        return annotation
    return SavedAnnotation(
        asset,
        *(getattr(annotation, name) for name in SavedAnnotation.__struct_fields__[1:]),
    )
