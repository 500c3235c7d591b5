"""All formats: look one up by name, or detect the format of a file or folder.

Formats of other packages (:mod:`headrace.plugins`) stand beside headrace's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from headrace.errors import UnknownFormatError, did_you_mean
from headrace.folders.usable import check_source
from headrace.formats import coco, coco_video, voc, yolo
from headrace.formats.findings.collect import Findings, Severity
from headrace.formats.format import MOST_COUNTED, Format
from headrace.formats.info import BuiltInFormat, FormatName, Guess
from headrace.formats.io.look import list_folder
from headrace.formats.packages import formats_of_packages, plugged
from headrace.plugins import format_names

__all__ = ["MOST_COUNTED", "Format", "all_formats", "detect", "get", "names", "report_others"]

# In the order of the help.
_FORMATS: Final[Mapping[BuiltInFormat, Format]] = {
    "coco": Format(
        info=coco.INFO,
        reader="headrace.formats.coco.reader:CocoReader",
        writer="headrace.formats.coco.folder_writer:create_writer",
        probe="headrace.formats.coco.probe:probe",
        counter="headrace.formats.coco.probe:count_images",
        passthrough="headrace.formats.coco.same_format:pass_through",
    ),
    "coco-video": Format(
        info=coco_video.INFO,
        reader="headrace.formats.coco_video.reader:CocoVideoReader",
        writer="headrace.formats.coco_video.writer:CocoVideoWriter",
        probe="headrace.formats.coco_video.detect:detect",
        counter="headrace.formats.coco_video.detect:count_images",
    ),
    "yolo": Format(
        info=yolo.INFO,
        reader="headrace.formats.yolo.reader:YoloReader",
        writer="headrace.formats.yolo.writing.writer:YoloWriter",
        probe="headrace.formats.yolo.detect:probe",
        counter="headrace.formats.yolo.detect:count_images",
    ),
    "voc": Format(
        info=voc.INFO,
        reader="headrace.formats.voc.reader:VocReader",
        writer="headrace.formats.voc.writer:VocWriter",
        probe="headrace.formats.voc.detect:probe",
        counter="headrace.formats.voc.detect:count_images",
    ),
}
# Which format is read where a folder describes as many images in several; those of other packages come last.
PREFERENCE: Final[Sequence[BuiltInFormat]] = ("coco", "coco-video", "voc", "yolo")
# How many folders, how deep, are searched for data sets of their own, and how many are named.
_FOLDERS: Final = 20
_LEVELS: Final = 2
_NAMED: Final = 5
_CONFIDENCE_ORDER: Final = {"certain": 0, "likely": 1, "possible": 2}


def names() -> tuple[str, ...]:
    """Return the names of all formats: headrace's own in the order of the help, then those of other packages.

    The packages are not imported.
    """
    return format_names()


def built_in() -> list[Format]:
    """Return headrace's own formats, in the order of the help."""
    return list(_FORMATS.values())


def all_formats() -> list[Format]:
    """Return every format, in the order of :func:`names`.

    The format of a broken package is left out with a :class:`~headrace.errors.FormatPackageWarning`.
    """
    return [*built_in(), *formats_of_packages()]


def get(name: FormatName) -> Format:
    """Return the format with this name (letter case does not matter).

    Raises:
        UnknownFormatError: No format has this name; the hint suggests the nearest one.
        FormatPackageError: The package that declares it is broken, or two packages declare it.
    """
    wanted = name.lower()
    for own, each in _FORMATS.items():
        if own == wanted:
            return each
    found = plugged(wanted)
    if found is None:
        known = names()
        hint = f"{did_you_mean(wanted, known)}formats: {' '.join(known)}"
        raise UnknownFormatError(f"no format {name!r}", hint=hint)
    return found


def detect(path: str | Path) -> Guess:
    """Detect the format of a file or folder.

    Args:
        path: The annotation file, or the folder of a dataset.

    Returns:
        The format's name, the confidence, and the reason in one line. Where a folder holds several formats, the one
        with most images, or the first in the order COCO, video COCO, VOC, YOLO; ``others`` names the rest.

    Raises:
        UnknownFormatError: No format fits, or folders below this one hold data sets of several formats.
        ParseError: No format fits, and the file is broken JSON.
        SourceNotFoundError: The path does not exist.
        UnusableFileError: It is a pipe, a device, or a pointer of git-lfs.
    """
    path = Path(path)
    check_source(path)
    found = _guesses(path)
    if path.is_dir():
        _refuse_several(path, found)
    if not found:
        if path.is_dir() and not any(path.iterdir()):
            raise UnknownFormatError(f"the folder {path} is empty", hint="check the path")
        raise _unknown(path)
    if len(found) == 1:
        return found[0]
    return _best_of(path, found)


def _unknown(path: Path) -> UnknownFormatError:
    """Return the error for a path that fits no format; raises ParseError for a broken JSON file."""
    # Only here: a detection that succeeds loads no reader.
    from headrace.formats.coco.folders import json_files
    from headrace.formats.io.json_check import check_json, find_broken

    hint: str | None = f"pass format=, one of: {' '.join(names())}"
    if not path.is_dir():
        check_json(path)
        return UnknownFormatError(f"cannot detect the format of {path}", hint=hint)
    broken = find_broken(json_files(path))
    if broken is None:
        return UnknownFormatError(f"cannot detect the format of {path}", hint=hint)
    hint, broken.hint = broken.hint, None
    return UnknownFormatError(
        f"cannot detect the format of {path}, and a file in it is broken: {broken}", hint=hint
    )


def _guesses(path: Path) -> list[Guess]:
    """Return the guesses of all formats, in the order of preference."""
    order = [*[_FORMATS[name] for name in PREFERENCE], *formats_of_packages()]
    return [guess for each in order if (guess := each.guess(path)) is not None]


def _refuse_several(path: Path, found: list[Guess]) -> None:
    """Raise if folders below a folder hold data sets that it cannot be read as.

    Only VOC is found anywhere below a folder: it would be read as if nothing else was there.
    """
    sure = {guess.format for guess in found if guess.confidence == "certain"}
    if (found and "voc" not in sure) or len(sure) > 1:
        return
    below: dict[str, Guess] = {}
    todo = [(f"{name}/", 1) for name in list_folder(path, ()).folders[:_FOLDERS]]
    while todo and len(below) <= _NAMED:
        name, level = todo.pop(0)
        guess = next((each for each in _guesses(path / name) if each.confidence == "certain"), None)
        if guess is not None and not (guess.format == "voc" and _is_deeper(guess)):
            below[name] = guess
        elif level < _LEVELS:
            inner = list_folder(path / name, ()).folders[:_FOLDERS]
            todo += [(f"{name}{each}/", level + 1) for each in inner]
    if all(guess.format == "voc" for guess in below.values()) or (found and len(below) == 1):
        return
    shown = ", ".join(f"{name} ({guess.format})" for name, guess in [*below.items()][:_NAMED])
    if len(below) == 1:
        raise UnknownFormatError(
            f"{path} is no data set itself, but holds one: {shown}", hint="name its folder"
        )
    raise UnknownFormatError(
        f"{path} is not one data set, but holds some: {shown}{' …' if len(below) > _NAMED else ''}",
        hint="name the folder of one of them",
    )


def _is_deeper(guess: Guess) -> bool:
    """Return whether the XML file that a guess names lies in a folder below the data set's own."""
    return "/" in guess.reason.removeprefix("Annotations/").partition(" has ")[0]


def _best_of(path: Path, found: list[Guess]) -> Guess:
    """Return the guess to follow where several formats fit; it names the others.

    A format that is only possible does not count beside others, nor does one with fewer than half the images of
    another: a stray file. Among the rest the order of preference decides, so that equal folders are read equally.
    """
    serious = [guess for guess in found if guess.confidence != "possible"] or found
    if path.is_dir() and len(serious) > 1:
        counts = [get(guess.format).count_images(path) for guess in serious]
        serious = [
            guess for guess, count in zip(serious, counts, strict=True) if 2 * count >= max(counts)
        ]
    elif not path.is_dir():
        serious = [min(serious, key=lambda guess: _CONFIDENCE_ORDER[guess.confidence])]
    best = serious[0]
    others = tuple(
        guess
        for guess in found
        # Folders of images are class folders only where nothing else describes the images.
        if guess is not best and (guess.format, guess.confidence) != ("yolo", "possible")
    )
    # Formats that fit as well make the choice less than certain.
    is_tie = len(serious) > 1 and best.confidence == "certain"
    return structs.replace(best, confidence="likely" if is_tie else best.confidence, others=others)


def report_others(guess: Guess, path: Path, findings: Findings) -> None:
    """Add a finding for each other format that a folder seems to have, and say how to read it instead."""
    if not guess.others:
        return
    found = findings.begin("detect")
    for other in guess.others:
        found.add(
            "S03",
            f"the folder holds another format too, which is not read; to read it instead, name the format {other.format}",
            severity=Severity.NOTE,
            path=path,
            detail=f"{other.format}: {other.reason}; read: {guess.format}: {guess.reason}",
        )
