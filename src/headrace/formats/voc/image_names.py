"""The image of an XML file: its name, its path and, where the file says none, its size."""

from __future__ import annotations

import re

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.io.image_size import read_size
from headrace.formats.io.walk import stem_of
from headrace.formats.voc.media import has_image_suffix
from headrace.formats.voc.walk import VocFile, VocWalk
from headrace.model.sample import Sample

_USUAL_ENDINGS = frozenset({".jpg", ".png", ".jpeg", ".JPG", ".bmp", ".tif"})
_NUMBERED = re.compile(r"-[0-9]+")


class ImageNames:
    """Finds the images of XML files in the media folders of a walk."""

    def __init__(self, files: VocWalk) -> None:
        self._files = files

    def name(self, filename: str, file: VocFile, found: Pass) -> tuple[str, str | None]:
        """Return the name of the image below the folder of the file, as given, else that of the file; and its path."""
        stem, media = file.stem, file.media
        ending = filename[len(stem) :]
        if filename.startswith(stem) and ending in _USUAL_ENDINGS:
            if media is None:
                return f"{file.prefix}{filename}", None
            if ending == media.ending:
                return f"{file.prefix}{filename}", f"{media.prefix}{filename}"
        name = filename.strip().replace("\\", "/")
        if name.startswith("/") or name[1:3] == ":/":
            name = name.rpartition("/")[2]
        base = name.rpartition("/")[2]
        if stem_of(base) != file.stem or not has_image_suffix(base):
            name = self._matching_name(name, base, file, found)
        elif media is not None and (there := self._other_suffix(base, file, found)):
            name = there
        path = None
        if media is not None:
            path = self._path_of(name.rpartition("/")[2], file)
        return (name if "/" in name else f"{file.prefix}{name}"), path

    def _path_of(self, base: str, file: VocFile) -> str | None:
        """Return the path of an image below the folder of the source, or None where it is not found."""
        folders = self._files.media_folders(file.devkit, file.relative)
        found = folders.file(base)
        return None if found is None else folders.below_root(found)

    def _other_suffix(self, base: str, file: VocFile, found: Pass) -> str | None:
        """Return the name of the image where ``<filename>`` has another suffix than the file; None where it is right."""
        folders = self._files.media_folders(file.devkit, file.relative)
        there = None if folders.file(base) is not None else folders.name_with_stem(file.stem)
        if there is not None:
            found.add(
                "V10",
                "filename has another suffix than the image",
                path=file.path,
                detail=f"{base}; used: {there}",
            )
        return there

    def _matching_name(self, name: str, base: str, file: VocFile, found: Pass) -> str:
        """Return the name of the image where ``<filename>`` and the name of the file differ."""
        media = self._files.media_folders(file.devkit, file.relative)
        stem = stem_of(base) if has_image_suffix(base) else base
        if not base:
            found.add("V10", "no filename; the name of the XML file is used", path=file.path)
            return media.name_with_stem(file.stem) or file.stem
        if stem == file.stem or _NUMBERED.fullmatch(file.stem.removeprefix(stem)):
            # No suffix, or the later of two images whose names differ only in the suffix.
            return name if has_image_suffix(base) else media.name_with_stem(stem) or name
        there = None
        if media.file(base) is None:
            there = media.name_with_stem(file.stem) or media.name_with_stem(stem)
        found.add(
            "V10",
            "filename differs from the name of the XML file",
            path=file.path,
            detail=f"{base}; used: {there or base}",
        )
        return there or name

    def measure(self, sample: Sample, file: VocFile, found: Pass) -> None:
        """Give a sample the size of its image; none, with a finding, where there is no image."""
        media = self._files.media_folders(file.devkit, file.relative)
        path = media.file((sample.path or sample.filename).rpartition("/")[2])
        size = read_size(path) if path is not None else None
        if size is not None:
            sample.width, sample.height = size.width, size.height
            found.add(
                "V05", "no size; taken from the image", severity=Severity.NOTE, path=file.path
            )
        else:
            sample.width = sample.height = None
            found.add("V05", "no size, and no image to take it from", path=file.path)
