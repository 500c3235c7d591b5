"""Find the images and videos in folders."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Collection, Container, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from headrace.engine.name_filter import NameFilter, plain_name
from headrace.engine.paging import batched
from headrace.engine.upload.file import UploadFile, is_media
from headrace.errors import HeadraceError, UnusableFileError
from headrace.folders.lakes import is_kept
from headrace.folders.usable import check_upload, leads_out
from headrace.threads import in_thread

BATCH_FILES = 1_000

_VOC_IMAGES, _VOC_MASKS = "JPEGImages", "Segmentation"
_PANOPTIC = "panoptic_"


class FileCounts(Struct):
    """Counts of files.

    Attributes:
        media: Images and videos to push.
        masks: Images in folders of masks.
        others: Files that are neither image nor video.
        links: Links to folders outside, which are not searched.
    """

    media: int = 0
    masks: int = 0
    others: int = 0
    links: int = 0


class FileBatch(NamedTuple):
    """Files to push, and those that cannot be pushed, each with the reason."""

    files: list[UploadFile]
    unusable: list[tuple[UploadFile, HeadraceError]]

    def __len__(self) -> int:
        return len(self.files) + len(self.unusable)


class _Found(NamedTuple):
    """A file; texts as far as possible, since a ``Path`` costs as much as a look at the file.

    Attributes:
        folder: Folder of the file.
        base: Name of the file in its folder.
        name: Name that the file gets.
        root: The folder that it was found in, which a link must not lead out of; None if it may.
        is_mask: Whether it lies in a folder of masks.
        is_given: Whether it is pushed whatever its name.
    """

    folder: Path
    base: str
    name: str
    root: Path | None = None
    is_mask: bool = False
    is_given: bool = False

    def upload_file(self) -> UploadFile:
        return UploadFile(path=self.folder / self.base, filename=self.name, root=self.root)


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
        follow_links: Whether links that lead out of a folder are read.
        skip: Whether a path that cannot be read is one of the unusable files instead of an error.
    """

    paths: Sequence[Path]
    chosen: NameFilter = NameFilter()
    only: Container[str] | None = None
    follow_links: bool = False
    skip: bool = False

    def count(self) -> FileCounts:
        """Count the files that :meth:`batches` yields, and those that it leaves out.

        Raises:
            FileNotFoundError: A path does not exist.
            UnusableFileError: A path cannot be read.
        """
        counts = FileCounts()
        for found in self._files(counts):
            if not (found.is_given or is_media(found.name)):
                counts.others += 1
            elif found.is_mask:
                counts.masks += 1
            elif self.only is None or found.name in self.only:
                counts.media += 1
        return counts

    def media(self) -> Iterator[UploadFile]:
        """Yield the images and videos."""
        for found in self._files(FileCounts()):
            if (
                not found.is_mask
                and (found.is_given or is_media(found.name))
                and (self.only is None or found.name in self.only)
            ):
                yield found.upload_file()

    async def batches(self) -> AsyncIterator[FileBatch]:
        """Yield the images and videos in batches, with the sizes of the files in bytes."""
        batches = map(_checked, batched(self.media(), BATCH_FILES))
        while batch := await in_thread(next, batches, None):
            yield batch

    def _files(self, counts: FileCounts) -> Iterator[_Found]:
        """Yield all chosen files."""
        found = self._all_files(counts)
        if not self.chosen:
            return found
        chooses = self.chosen.chooses
        return (each for each in found if chooses(each.name, str(each.folder / each.base)))

    def _all_files(self, counts: FileCounts) -> Iterator[_Found]:
        for path in self.paths:
            root = None if self.follow_links else path
            if path.is_dir():
                if self.chosen.names is not None:
                    yield from _listed(path, self.chosen.names, root)
                    continue
                above = str(path / "_")[:-1]  # empty for the working folder
                for parent, names, is_mask in _walk(path, self.follow_links, counts):
                    inside = str(parent / "_")[:-1].removeprefix(above).replace(os.sep, "/")
                    for name in names:
                        yield _Found(parent, name, inside + name, root, is_mask)
            elif path.is_file() or self.skip:
                yield _Found(path.parent, path.name, path.name, is_given=not path.is_file())
            elif path.exists() or path.is_symlink():
                check_upload(path, None)
            else:
                raise FileNotFoundError(errno.ENOENT, "no such file or folder", str(path))


def _checked(files: Sequence[UploadFile]) -> FileBatch:
    batch = FileBatch([], [])
    for file in files:
        try:
            file.size = check_upload(file.path, file.root)
        except UnusableFileError as error:
            batch.unusable.append((file, error))
        except OSError as error:
            why = UnusableFileError(f"{file.path}: {(error.strerror or str(error)).lower()}")
            batch.unusable.append((file, why))
        else:
            batch.files.append(file)
    return batch


def _listed(folder: Path, names: Collection[str], root: Path | None) -> Iterator[_Found]:
    """Yield the files of a folder that a list names. A file outside is named by its last part."""
    for name in names:
        if "://" in name:
            continue  # it is fetched
        path = folder / plain_name(name)
        if os.path.lexists(path):
            is_inside = not Path(name).is_absolute() and ".." not in path.parts
            filename = plain_name(name) if is_inside else path.name
            yield _Found(path.parent, path.name, filename, root if is_inside else None)


def _walk(
    folder: Path, follow_links: bool, counts: FileCounts
) -> Iterator[tuple[Path, list[str], bool]]:
    """Yield each folder from a folder on, with the names of its files, and whether it is one of masks."""
    masks: set[str] = set()
    linked: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=follow_links):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and not is_kept(Path(root, name))
        )
        for name in folders[:]:
            path = Path(root, name)
            if path.is_symlink():
                if not leads_out(path, folder):
                    folders.remove(
                        name
                    )  # its files are found where they lie; it may lead in circles
                elif not follow_links:
                    counts.links += 1
                elif (real := os.path.realpath(path)) in linked or _contains(real, folder):
                    folders.remove(name)
                else:
                    linked.add(real)
        if root in masks:
            masks.update(os.path.join(root, name) for name in folders)
        else:
            masks.update(os.path.join(root, name) for name in _mask_folders(folders, files))
        yield Path(root), sorted(name for name in files if name[0] != "."), root in masks


def _contains(folder: str, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(folder)


def _mask_folders(folders: Sequence[str], files: Sequence[str]) -> list[str]:
    return [
        name
        for name in folders
        if (name.startswith(_VOC_MASKS) and _VOC_IMAGES in folders)
        or (name.startswith(_PANOPTIC) and f"{name}.json" in files)
    ]
