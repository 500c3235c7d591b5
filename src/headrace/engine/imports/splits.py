"""The splits of an import: each asset whose image belongs to a split gets the tag of that split.

An asset that carries the tag of another split keeps it and gets no second one, for a person may have put it there and
an export could not know which of the two counts. The report counts these assets.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import anyio

from headrace.backend.base import Backend
from headrace.engine.imports.packing import PackedImage
from headrace.engine.imports.report import ImportReport
from headrace.engine.versions.split_tags import SplitTags, canonical_split, read_split_tags
from headrace.formats.io.split_names import split_of_stem, split_of_word

Matched = Sequence[tuple[PackedImage, UUID]]
"""Images with the ids of their assets."""


class SplitTagger:
    """Attaches the tags of splits to the assets of one import, chunk by chunk, and counts them in its report.

    ``default`` is the split of images without one.
    """

    def __init__(
        self, backend: Backend, version_id: UUID, report: ImportReport, default: str | None
    ) -> None:
        self._backend = backend
        self._version_id = version_id
        self._report = report
        self._default = default
        self._tags: SplitTags | None = None
        self._names: list[str] = []  # before this import
        self._reading = anyio.Lock()

    async def tag(self, matched: Matched) -> None:
        """Attach tags to the assets of some images. Repeating this changes nothing, so a resumed import may."""
        splits: dict[str, list[UUID]] = {}
        for image, asset_id in matched:
            split = image.split or self._default
            if split:
                splits.setdefault(split, []).append(asset_id)
        for split, ids in splits.items():
            await self._tag(split, ids)

    async def _tag(self, split: str, ids: list[UUID]) -> None:
        tags = await self._known()
        meaning = canonical_split(split)
        others = [name for name in self._names if canonical_split(name) != meaning]
        taken = set(await tags.tagged(ids, others))
        free = [each for each in ids if each not in taken]
        if free and not self._report.dry_run:
            await tags.attach(split, free)
        self._report.splits_kept += len(taken)
        if free:
            self._report.splits[split] = self._report.splits.get(split, 0) + len(free)

    async def _known(self) -> SplitTags:
        async with self._reading:
            if self._tags is None:
                self._tags = await read_split_tags(self._backend, self._version_id)
                self._names = self._tags.names
        return self._tags


def split_of_file(path: Path) -> str | None:
    """Return the split that the name of a single file has in the convention of a tool, or None.

    COCO calls a file ``instances_train2017.json``, Roboflow puts ``_annotations.coco.json`` into a folder for each
    split. Any other file that is called ``test.json`` may be anything.
    """
    if path.name == "_annotations.coco.json":
        return split_of_word(path.absolute().parent.name)
    named = split_of_stem(path.name.partition(".")[0])
    return named.split if named.rest == "instances" and path.suffix == ".json" else None
