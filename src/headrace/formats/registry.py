"""All formats: look one up by name, or detect the format of a file or folder."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from headrace.errors import SourceNotFoundError, UnknownFormatError, did_you_mean
from headrace.formats import coco, coco_video, voc, yolo
from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.findings.collect import Findings, Severity
from headrace.formats.info import FormatInfo, FormatName, Guess
from headrace.formats.io.look import list_folder
from headrace.formats.options import ReadOptions, WriteOptions
from headrace.model.sample import LabelInfo


class Format(Struct, frozen=True, kw_only=True):
    """A format's entry in the registry; its reader, writer and probe are imported when first used.

    ``reader``, ``writer`` and ``probe`` are references of the form ``module:name``. A probe has the signature
    ``(path: Path) -> Guess | None``; it reads little and raises nothing but :class:`OSError`. ``passthrough`` is such
    a reference too, or empty: see :meth:`pass_through`. ``counter`` is that of :meth:`count_images`.
    """

    info: FormatInfo
    reader: str
    writer: str
    probe: str
    counter: str
    passthrough: str = ""

    def open(self, path: Path, *, options: ReadOptions, findings: Findings) -> Reader:
        """Open a source.

        Args:
            path: The annotation file or the dataset's folder.
            options: How to read.
            findings: Collects findings and decides whether they raise.

        Returns:
            A reader; enter it before use.
        """
        reader: Reader = _load(self.reader)(path, options=options, findings=findings)
        return reader

    def create(
        self,
        target: Path,
        labels: Sequence[LabelInfo],
        *,
        options: WriteOptions,
        findings: Findings,
    ) -> Writer:
        """Create a target.

        Args:
            target: The file or folder to create.
            labels: Labels in order; may be incomplete.
            options: How to write.
            findings: Collects findings and decides whether they raise.

        Returns:
            A writer; enter it before use.
        """
        writer: Writer = _load(self.writer)(target, labels, options=options, findings=findings)
        return writer

    def pass_through(
        self, reader: Reader, writer: Writer
    ) -> Generator[ConversionStep, None, None] | None:
        """Copy records from a reader of this format to a writer of it without making samples.

        Open the reader with ``gather=False``. Exhausting the generator writes everything. Returns None where the
        format has no such copy, or none for this source.
        """
        if not self.passthrough:
            return None
        steps: Generator[ConversionStep, None, None] | None
        steps = _load(self.passthrough)(reader, writer)
        return steps

    def guess(self, path: Path) -> Guess | None:
        """Return a guess where ``path`` looks like this format, else None."""
        guess: Guess | None = _load(self.probe)(path)
        return guess

    def count_images(self, folder: Path) -> int:
        """Return the number of images that annotations of this format in a folder describe.

        A rough count, up to 1000, that only tells a data set from a stray file.
        """
        count: int = _load(self.counter)(folder, MOST_COUNTED)
        return count


# In the order of the help.
_FORMATS: Final[Mapping[str, Format]] = {
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
# Which format is read where a folder describes as many images in several.
PREFERENCE: Final[Sequence[FormatName]] = ("coco", "coco-video", "voc", "yolo")
MOST_COUNTED: Final = 1000
# How many folders, how deep, are searched for data sets of their own, and how many are named.
_FOLDERS: Final = 20
_LEVELS: Final = 2
_NAMED: Final = 5
_CONFIDENCE_ORDER: Final = {"certain": 0, "likely": 1, "possible": 2}


def names() -> tuple[str, ...]:
    """Return the names of all formats, in the order of the help."""
    return tuple(_FORMATS)


def all_formats() -> list[Format]:
    """Return every format, in the order of :func:`names`."""
    return list(_FORMATS.values())


def get(name: str) -> Format:
    """Return the format with this name (letter case does not matter).

    Raises:
        UnknownFormatError: No format has this name; the hint suggests the nearest one.
    """
    found = _FORMATS.get(name.lower())
    if found is None:
        hint = f"{did_you_mean(name.lower(), _FORMATS)}formats: {' '.join(_FORMATS)}"
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
        SourceNotFoundError: The path does not exist.
    """
    path = Path(path)
    if not path.exists():
        raise SourceNotFoundError("no such file or folder", path=path, hint="check the path")
    found = _guesses(path)
    if path.is_dir():
        _refuse_several(path, found)
    if not found:
        raise UnknownFormatError(
            f"cannot detect the format of {path}",
            hint=f"pass format=, one of: {' '.join(names())}",
        )
    if len(found) == 1:
        return found[0]
    return _best_of(path, found)


def _guesses(path: Path) -> list[Guess]:
    """Return the guesses of all formats, in the order of preference."""
    guesses = {each.info.name: each.guess(path) for each in all_formats()}
    return [guess for name in PREFERENCE if (guess := guesses[name]) is not None]


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


def _load(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)
