"""Join several COCO files to one source: labels by name, and names of images that stay apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from msgspec.structs import replace

from headrace.formats.coco.file_reader import CocoFileReader
from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.seen_names import SeenNames
from headrace.model.sample import LabelInfo, Sample


def merged_labels(of_files: Sequence[Sequence[LabelInfo]]) -> list[LabelInfo]:
    """Return the labels of files, one for each name, in the order in which they appear.

    The first file that has a label decides its number; keypoints come from the first that has any. A number that two
    labels have is left out of the later one.
    """
    merged: dict[str, LabelInfo] = {}
    taken: set[int | str] = set()
    for labels in of_files:
        for label in labels:
            known = merged.get(label.name)
            if known is None:
                number = label.id if label.id not in taken else None
                merged[label.name] = label if number is not None else replace(label, id=None)
                if number is not None:
                    taken.add(number)
            elif label.keypoints and not known.keypoints:
                merged[label.name] = replace(
                    known, keypoints=label.keypoints, skeleton=label.skeleton
                )
    return list(merged.values())


class MergedNames:
    """Keeps the images of several files apart.

    An image that an earlier file has too is an error. Where only the names of two images are equal, and their folders
    differ, the later one is named with its folder.

    Args:
        files: The files, in the order in which they are read.
        found: Receives the findings.
    """

    def __init__(self, files: Sequence[CocoFileReader], found: Pass) -> None:
        self._found = found
        self._names = SeenNames()
        self._paths = SeenNames() if _may_share_images(files) else None

    def kept(self, batch: list[Sample]) -> list[Sample]:
        """Return the samples of a batch without images of earlier files, and with names that are new."""
        kept: list[Sample] = []
        for sample in batch:
            if self._paths is not None and not self._paths.is_new(sample.path or sample.filename):
                self._found.add(
                    "C31",
                    "an image stands in two files of the folder, the first one counts",
                    severity=Severity.ERROR,
                    detail=sample.path or sample.filename,
                    hint="name the file to read, or pass on_error='skip' to read each image once",
                    dropped=len(sample.shapes),
                    dropped_images=1,
                )
                continue
            if not self._names.is_new(sample.filename):
                self._rename(sample)
            kept.append(sample)
        return kept

    def _rename(self, sample: Sample) -> None:
        name = sample.path
        if name is None or name == sample.filename:
            name = f"{sample.split}/{sample.filename}"
        self._found.add(
            "C31",
            "images of two folders have one name; the later one is named with its folder",
            severity=Severity.NOTE,
            detail=f"{sample.filename}, now {name}",
        )
        sample.filename = name
        self._names.is_new(name)


def _may_share_images(files: Sequence[CocoFileReader]) -> bool:
    """Return whether two files may describe one image: not where their images lie in folders apart."""
    places: list[str] = []
    for file in files:
        folder = file.image_folder
        # Without images on the disk they are taken to lie beside their file.
        places.append(f"{file.part.path.parent}/" if folder is None else folder.prefix)
    return any(a.startswith(b) or b.startswith(a) for a, b in combinations(places, 2))
