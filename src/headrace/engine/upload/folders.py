"""Find the images and videos in folders."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Collection, Container, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from headrace.engine.name_filter import NameFilter, plain_name
from headrace.engine.paging import batched
from headrace.engine.upload.file import UploadFile, is_media, measure
from headrace.folders.lakes import is_lake
from headrace.threads import in_thread

BATCH_FILES = 1_000

_VOC_IMAGES, _VOC_MASKS = "JPEGImages", "Segmentation"
_PANOPTIC = "panoptic_"


class FileCounts(Struct):
    """Counts of files: ``media`` to push, ``masks`` left out, and ``others``, which are neither image nor video."""

    media: int = 0
    masks: int = 0
    others: int = 0


class FilesToPush(Struct, frozen=True):
    """The images and videos of files and folders, sorted by name within a folder.

    A file is named by its last part, a file of a folder by its path inside it. Left out are hidden files, a lake below a
    folder (its objects are copies), and folders of masks, since masks are annotations: those of Pascal VOC
    (``Segmentation…`` beside ``JPEGImages``) and panoptic COCO (``panoptic_…`` beside a JSON file of the same name). A
    folder of masks that is given by itself is read.

    Attributes:
        paths: The files and folders.
        chosen: Chooses files by name. Where it has a list of names, these are looked up in the folders, and no others.
        only: Limits them to these names too.
    """

    paths: Sequence[Path]
    chosen: NameFilter = NameFilter()
    only: Container[str] | None = None

    def count(self) -> FileCounts:
        """Count the files that :meth:`media` yields, and those that it leaves out.

        Raises FileNotFoundError if a path does not exist.
        """
        counts = FileCounts()
        for file, is_mask in self._files():
            if not is_media(file.filename):
                counts.others += 1
            elif is_mask:
                counts.masks += 1
            elif self.only is None or file.filename in self.only:
                counts.media += 1
        return counts

    def media(self) -> Iterator[UploadFile]:
        """Yield the images and videos."""
        for file, is_mask in self._files():
            if (
                not is_mask
                and is_media(file.filename)
                and (self.only is None or file.filename in self.only)
            ):
                yield file

    async def batches(self) -> AsyncIterator[list[UploadFile]]:
        """Yield the images and videos in batches, with the sizes of the files in bytes."""
        batches = batched(self.media(), BATCH_FILES)
        while batch := await in_thread(next, batches, None):
            await in_thread(measure, batch)
            yield batch

    def _files(self) -> Iterator[tuple[UploadFile, bool]]:
        """Yield all chosen files, each with whether it lies in a folder of masks."""
        for file, is_mask in self._all_files():
            if self.chosen.chooses(file.filename, str(file.path)):
                yield file, is_mask

    def _all_files(self) -> Iterator[tuple[UploadFile, bool]]:
        for path in self.paths:
            if path.is_dir():
                if self.chosen.names is not None:
                    yield from ((file, False) for file in _listed(path, self.chosen.names))
                    continue
                for file, is_mask in _walk(path):
                    yield UploadFile(path=file, filename=file.relative_to(path).as_posix()), is_mask
            elif path.is_file():
                yield UploadFile(path=path, filename=path.name), False
            else:
                raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))


def _listed(folder: Path, names: Collection[str]) -> Iterator[UploadFile]:
    """Yield the files of a folder that a list names. A file outside is named by its last part."""
    for name in names:
        path = folder / plain_name(name)
        if path.is_file():
            inside = not Path(name).is_absolute() and ".." not in path.parts
            yield UploadFile(path=path, filename=plain_name(name) if inside else path.name)


def _walk(folder: Path) -> Iterator[tuple[Path, bool]]:
    masks: set[str] = set()
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not is_lake(Path(root, name))
        )
        if root in masks:
            masks.update(os.path.join(root, name) for name in folders)
        else:
            masks.update(os.path.join(root, name) for name in _mask_folders(folders, files))
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(root, name), root in masks


def _mask_folders(folders: Sequence[str], files: Sequence[str]) -> list[str]:
    return [
        name
        for name in folders
        if (name.startswith(_VOC_MASKS) and _VOC_IMAGES in folders)
        or (name.startswith(_PANOPTIC) and f"{name}.json" in files)
    ]
