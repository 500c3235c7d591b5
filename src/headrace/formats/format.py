"""An entry of the registry of formats: what a format can represent, and where its reader, writer and probe are."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from headrace.errors import FormatError, FormatPackageError, FormatPackageWarning
from headrace.formats.base import ConversionStep, Reader, Writer
from headrace.formats.blame import blamed, returned
from headrace.formats.findings.collect import Findings
from headrace.formats.findings.explained import FindingText
from headrace.formats.info import FormatInfo, Guess
from headrace.formats.options import ReadOptions, WriteOptions
from headrace.model.sample import LabelInfo

MOST_COUNTED: Final = 1000


class Format(Struct, frozen=True, kw_only=True):
    """A format's entry in the registry; its reader, writer and probe are imported when first used.

    A package that adds a format makes one of these and names it as an entry point; see the guide "Write a format".

    Attributes:
        info: What the format is called and what it can represent.
        reader: Reference to the class of its readers, as ``module:name``; empty for a format that is only written.
        writer: Reference to the class of its writers; empty for a format that is only read.
        probe: Reference to a function ``(path: Path) -> Guess | None`` that reads little and raises only OSError. It
            is asked about every path whose format is detected. Empty for a format that is always named.
        counter: Reference to a function ``(folder: Path, most: int) -> int``, see :meth:`count_images`. A format
            without it is not chosen where a folder holds another format too.
        passthrough: Reference to a function, or empty; see :meth:`pass_through`.
        findings: Reference to a mapping of codes to :class:`~headrace.formats.FindingText`, which explains the findings
            of the format; empty for a format that has none of its own.
        package: Name and version of the package that declares it, empty for headrace's own formats. Set by the
            registry.
    """

    info: FormatInfo
    reader: str = ""
    writer: str = ""
    probe: str = ""
    counter: str = ""
    passthrough: str = ""
    findings: str = ""
    package: str = ""

    def open(self, path: Path, *, options: ReadOptions, findings: Findings) -> Reader:
        """Open a source.

        Args:
            path: The annotation file or the dataset's folder.
            options: How to read.
            findings: Collects findings and decides whether they raise.

        Returns:
            A reader; enter it before use.

        Raises:
            FormatError: The format can only be written.
            FormatPackageError: The package that adds the format is broken.
        """
        if not self.reader:
            raise FormatError(f"{self.info.title} can be written, but not read")
        with blamed(self.package, "open a reader"):
            made = self._load(self.reader)(path, options=options, findings=findings)
            reader = returned(made, Reader, self.reader)  # type: ignore[type-abstract]
            reader.package = self.package
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

        Raises:
            FormatError: The format can only be read.
            FormatPackageError: The package that adds the format is broken.
        """
        if not self.writer:
            raise FormatError(f"{self.info.title} can be read, but not written")
        with blamed(self.package, "open a writer"):
            made = self._load(self.writer)(target, labels, options=options, findings=findings)
            writer = returned(made, Writer, self.writer)  # type: ignore[type-abstract]
            writer.package = self.package
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
        steps = self._load(self.passthrough)(reader, writer)
        return steps

    def guess(self, path: Path) -> Guess | None:
        """Return a guess where ``path`` looks like this format, else None.

        A probe of another package that fails is left out with a :class:`~headrace.errors.FormatPackageWarning`.
        """
        if not self.probe:
            return None
        if not self.package:
            guess: Guess | None = self._load(self.probe)(path)
            return guess
        try:
            with blamed(self.package, f"say whether files are {self.info.title}"):
                guess = self._load(self.probe)(path)
                if guess is None:
                    return None
                return replace(returned(guess, Guess, self.probe), format=self.info.name)
        except FormatPackageError as error:
            warnings.warn(error.message, FormatPackageWarning, stacklevel=2)
            return None

    def count_images(self, folder: Path) -> int:
        """Return the number of images that annotations of this format in a folder describe.

        A rough count, up to 1000, that only tells a data set from a stray file. It is 0 where a counter of another
        package fails, with a :class:`~headrace.errors.FormatPackageWarning`.
        """
        if not self.counter:
            return 0
        try:
            with blamed(self.package, "count images"):
                return returned(self._load(self.counter)(folder, MOST_COUNTED), int, self.counter)
        except FormatPackageError as error:
            warnings.warn(error.message, FormatPackageWarning, stacklevel=2)
            return 0

    def texts(self) -> Mapping[str, FindingText]:
        """Return the explanations of the format's own findings, by code; of headrace's formats see the module ``explained``."""
        if not self.findings:
            return {}
        with blamed(self.package, "explain its findings"):
            texts: Mapping[str, FindingText] = self._load(self.findings)
        return texts

    def _load(self, reference: str) -> Any:
        module, _, name = reference.partition(":")
        return getattr(import_module(module), name)
