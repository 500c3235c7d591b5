"""Which asset an image means, where their names differ: in folders above them, or in the suffix.

    image                asset                      related because
    train/a.jpg          images/train/a.jpg         the asset's name ends with the image's
    images/train/a.jpg   train/a.jpg                the image's name ends with the asset's
    train/a.png          images/train/a.jpg         the same without suffixes
    2017/a.jpg           raw/a.jpg                  only the base name is the same
    a.jpg                A.JPG                      the same but for the case of the letters

A related asset is chosen if there is one, and of several the one that shares most folders. Otherwise an asset of the
same base name is chosen if it is the only one. The case of letters in the base name is ignored only where nothing else
fits. Several that are equally near are an ambiguity, and never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from headrace.engine.versions.split_tags import SPLIT_TAGS, canonical_split
from headrace.formats.io.image_size import IMAGE_SUFFIXES
from headrace.model.records import AssetRecord


class NamedImage(Protocol):
    """An image of a source, usually a sample: its name, and the path of its file below the source where it is known."""

    @property
    def filename(self) -> str:
        """The name, with ``/`` between folders."""
        ...

    @property
    def path(self) -> str | None:
        """The path below the folder of the source."""
        ...


class ImageName(Struct, frozen=True, gc=False):
    """The names of an image, and the number of its shapes."""

    filename: str
    path: str | None = None
    shapes: int = 0


class AmbiguousNameError(Exception):
    """The image ``name`` may mean each of several assets; ``assets`` are some of them."""

    def __init__(self, image: NamedImage, candidates: Iterable[_Candidate]) -> None:
        self.name = image.path or image.filename
        self.assets = [each.asset for each in candidates]
        super().__init__(self.name, self.assets)


def names_of(image: NamedImage) -> list[str]:
    """Return the names of an image that an asset may have, the surest first."""
    names = [] if image.path is None else [image.path]
    names.append(image.filename)
    if "\\" in image.filename or image.filename.startswith(("./", "/")):
        names.append("/".join(parts_of(image.filename)))
    return list(dict.fromkeys(names))


def paths_of(image: NamedImage) -> list[str]:
    """Return the names of an image without those that are the end of another one, the surest first."""
    names = list(dict.fromkeys("/".join(parts_of(name)) for name in names_of(image)))
    return [name for name in names if name and not any(each.endswith(f"/{name}") for each in names)]


def parts_of(name: str) -> list[str]:
    """Return the folders and the base name of a path, with either kind of slash."""
    return [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]


def stems_of(base: str) -> list[str]:
    """Return a base name without its suffix; with it too if the suffix is no image's, for it may be a part of the name."""
    stem, dot, suffix = base.rpartition(".")
    if not dot or not stem:
        return [base]
    return [stem] if suffix.lower() in IMAGE_SUFFIXES else [base, stem]


class Question(Struct, frozen=True):
    """A name of an image, in parts. All assets that share at least ``complete_from`` last parts with it are known."""

    parts: list[str]
    complete_from: int


def nearest(
    image: NamedImage, questions: Sequence[Question], assets: Iterable[AssetRecord]
) -> AssetRecord | None:
    """Return the asset that an image means, or None.

    Args:
        image: The image.
        questions: The names of the image, the surest first.
        assets: The assets that may end like one of the names. Others are ignored.

    Raises:
        AmbiguousNameError: Several are equally near.
    """
    candidates = [_Candidate(asset, parts_of(asset.data.filename)) for asset in assets]
    candidates = [
        each
        for each in candidates
        if each.parts
        and any(_is_alike(ask.parts, each.parts) for ask in questions)
        and not any(_in_other_split(ask.parts, each.parts) for ask in questions)
    ]
    for same in (_same_base, _same_stem):
        tied: list[_Candidate] = []
        for ask in questions:
            related = _related(ask, [each for each in candidates if same(ask.parts, each.parts)])
            if len(related) == 1:
                return related[0].asset
            tied = tied or related
        if tied:
            raise AmbiguousNameError(image, tied)
    for same in (_same_base, _same_stem):
        for ask in questions:
            alike = [each for each in candidates if same(ask.parts, each.parts)]
            if len(alike) > 1 or (alike and ask.complete_from > 1):
                raise AmbiguousNameError(image, alike)
            if alike:
                return alike[0].asset
    return _nearest_folded(image, questions, candidates)


def _nearest_folded(
    image: NamedImage, questions: Sequence[Question], candidates: list[_Candidate]
) -> AssetRecord | None:
    """Return the asset whose base name differs in the case of its letters, none of which fits better."""
    for ask in questions:
        alike = [each for each in candidates if _same_folded(ask.parts, each.parts)]
        related = _related(ask, alike)
        if len(related) == 1:
            return related[0].asset
        if len(alike) > 1 or (alike and ask.complete_from > 1):
            raise AmbiguousNameError(image, related or alike)
        if alike:
            return alike[0].asset
    return None


class _Candidate(Struct, frozen=True):
    asset: AssetRecord
    parts: list[str]


def _related(ask: Question, alike: list[_Candidate]) -> list[_Candidate]:
    """Return the assets whose names continue the image's or the other way round: those that share most folders."""
    best: list[_Candidate] = []
    deepest = ask.complete_from
    for each in alike:
        shared = min(len(ask.parts), len(each.parts))
        if shared < deepest or ask.parts[-shared:-1] != each.parts[-shared:-1]:
            continue
        if shared > deepest:
            best, deepest = [], shared
        best.append(each)
    return best


def _is_alike(image: list[str], asset: list[str]) -> bool:
    return _same_base(image, asset) or _same_stem(image, asset) or _same_folded(image, asset)


def _same_base(image: list[str], asset: list[str]) -> bool:
    return image[-1] == asset[-1]


def _same_stem(image: list[str], asset: list[str]) -> bool:
    return image[-1] != asset[-1] and not set(stems_of(image[-1])).isdisjoint(stems_of(asset[-1]))


def _same_folded(image: list[str], asset: list[str]) -> bool:
    stems = [{stem.casefold() for stem in stems_of(parts[-1])} for parts in (image, asset)]
    return not stems[0].isdisjoint(stems[1])


def _in_other_split(image: list[str], asset: list[str]) -> bool:
    """Return whether the folders put the image and the asset into different splits."""
    splits = [
        {
            canonical_split(name)
            for folder in parts[:-1]
            if (name := folder.casefold().rstrip("0123456789")) in SPLIT_TAGS
        }
        for parts in (image, asset)
    ]
    return all(splits) and splits[0].isdisjoint(splits[1])
