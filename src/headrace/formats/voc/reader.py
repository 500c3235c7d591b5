"""Reads Pascal VOC datasets, one XML file per image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import cast

from headrace.errors import ParseError
from headrace.formats.chunked_reader import ChunkedReader
from headrace.formats.findings.collect import Findings, Pass, Severity
from headrace.formats.geometry.box_table import BoxView
from headrace.formats.io.image_size import read_size
from headrace.formats.io.openat import Opener
from headrace.formats.options import ReadOptions
from headrace.formats.voc import INFO, xml_parser
from headrace.formats.voc.decode import ObjectDecoder, OriginSigns
from headrace.formats.voc.encode import follows_from_name
from headrace.formats.voc.image_names import ImageNames
from headrace.formats.voc.labels import declared_labels, has_map, met_labels
from headrace.formats.voc.record import VocAnnotation
from headrace.formats.voc.regex_parser import ParsedFile, RegexParser
from headrace.formats.voc.walk import VocFile, VocWalk, read_file
from headrace.model.sample import LabelInfo, Sample
from headrace.model.shapes import AnyShape

# Number of files that are parsed together, and their maximum size in bytes.
_TOGETHER = 32
_MAX_SIZE = 1024 * 1024
# Approximate number of boxes that become columns at a time.
_MAX_ROWS = 10_000


class VocReader(ChunkedReader):
    """Reads a devkit, a folder of XML files, or one XML file.

    ``options.voc_origin`` decides how corners count. The name of a sample is the ``<filename>`` below the folder of its
    XML file. The reader opens no path named in a file, except images of that name to read their size.
    """

    info = INFO
    labels_first = False

    def __init__(self, path: Path, *, options: ReadOptions, findings: Findings) -> None:
        super().__init__(path, options=options, findings=findings)
        self._parser = RegexParser()
        self._files = VocWalk(path, options)
        self._images = ImageNames(self._files)
        self._opener = Opener()
        self._read_labels: dict[str, None] | None = None

    def _open(self) -> None:
        self.labels_first = has_map(self._files.devkits)

    def progress(self) -> float:
        """Return the fraction of finished files in the current folder."""
        return self._files.progress

    def _close(self) -> None:
        self._opener.close()

    def _labels(self, found: Pass) -> list[LabelInfo]:
        names = declared_labels(self._files.devkits)
        if not names:
            names = self._read_labels or met_labels(self._files.walk(None))
        return [LabelInfo(name=name) for name in names]

    def _filenames(self) -> Iterator[list[str]]:
        quiet = Findings("skip").begin("filenames")
        names = self._names(quiet)
        while batch := list(islice(names, self.options.batch)):
            yield batch

    def _names(self, quiet: Pass) -> Iterator[str]:
        for file in self._files.walk(None):
            if file.image is not None:
                yield f"{file.prefix}{file.image.rpartition('/')[2]}"
                continue
            content = read_file(file.path, self._opener)
            record = self._parser.parse(content) or self._record(content, file, quiet)
            if record is not None:
                yield self._images.name(record.filename, file, quiet)[0]

    def begin_parsing(self, found: Pass) -> None:
        """Reset the state of an earlier pass."""
        self._decoder = ObjectDecoder(
            found, one_inclusive=self.options.voc_origin == "one_inclusive"
        )
        self._plain_labels: dict[str, None] = {}
        self._other_labels: dict[str, None] = {}
        self._reported_labels = 0

    def chunks(self, found: Pass) -> Iterator[list[VocFile]]:
        """Yield the XML files in the order of the walk."""
        files = self._files.walk(found)
        while chunk := list(islice(files, self.options.batch)):
            yield chunk

    def parse(self, chunk: list[VocFile], found: Pass) -> list[Sample]:
        """Return a sample for each file that is an annotation."""
        samples: list[Sample] = []
        # Consecutive files of plain boxes become columns together.
        plain: list[tuple[VocFile, ParsedFile]] = []
        rows = 0
        for files, contents, error in self._contents(chunk):
            for file, content, parsed in zip(
                files, contents, self._parser.parse_all(contents), strict=True
            ):
                if parsed is not None and not parsed.polygon_texts:
                    plain.append((file, parsed))
                    rows += len(parsed.objects)
                    if rows < _MAX_ROWS:
                        continue
                samples += self._boxes(plain, found)
                plain, rows = [], 0
                if parsed is None or parsed.polygon_texts:
                    samples += self._other(file, content, parsed, found)
            if error is not None:
                self._boxes(plain, found)
                raise error
        return samples + self._boxes(plain, found)

    def _contents(
        self, chunk: list[VocFile]
    ) -> Iterator[tuple[list[VocFile], list[bytes], OSError | None]]:
        """Yield groups of files with their content, up to the first unreadable file and its error."""
        files: list[VocFile] = []
        contents: list[bytes] = []
        size = 0
        for file in chunk:
            try:
                content = b"" if file.image else read_file(file.path, self._opener)
            except OSError as error:
                yield files, contents, error
                return
            files.append(file)
            contents.append(content)
            size += len(content)
            if len(files) >= _TOGETHER or size > _MAX_SIZE:
                yield files, contents, None
                files, contents, size = [], [], 0
        if files:
            yield files, contents, None

    def take_learned(self) -> tuple[list[str], list[str], OriginSigns]:
        """Return new labels in plain files and in others, and the signs of an origin."""
        plain, others = (
            list(self._parser.labels.values())[self._reported_labels :],
            list(self._other_labels),
        )
        self._reported_labels += len(plain)
        self._other_labels.clear()
        return plain, others, self._decoder.signs

    def merge_learned(self, learned: tuple[list[str], list[str], OriginSigns]) -> None:
        """Merge the labels and signs of another reader."""
        plain, others, signs = learned
        self._plain_labels.update(dict.fromkeys(plain))
        self._other_labels.update(dict.fromkeys(others))
        self._decoder.join(signs)

    def end_parsing(self, found: Pass) -> None:
        """Report signs of another origin; raises ParseError where no file was an annotation."""
        if not found.images_in:
            raise ParseError("the folder contains no VOC annotation", path=self.path)
        self._decoder.finish()
        plain = dict.fromkeys(self._parser.labels.values()) | self._plain_labels
        self._read_labels = plain | self._other_labels

    def _boxes(self, files: list[tuple[VocFile, ParsedFile]], found: Pass) -> list[Sample]:
        """Return the samples of files without polygons."""
        if not files:
            return []
        made = self._decoder.table([(file.path, parsed) for file, parsed in files], self._parser)
        if made is None:
            if len(files) > 1:
                # Some file is unusual: halve until it is alone, so that findings keep the order of files.
                half = len(files) // 2
                return self._boxes(files[:half], found) + self._boxes(files[half:], found)
            file = files[0][0]
            return self._other(file, read_file(file.path), None, found)
        table, empty = made
        samples: list[Sample] = []
        stop = 0
        empty.reverse()
        for file, parsed in files:
            start, stop = stop, stop + len(parsed.objects)
            while empty and empty[-1] < stop:
                self._decoder.empty(file.path, empty[-1] - start + 1)
                empty.pop()
            found.images_in += 1
            found.shapes_in += stop - start
            boxes = BoxView(table, start, stop)
            samples.append(self._new_sample(parsed, boxes, file, found))
        return samples

    def _other(
        self, file: VocFile, content: bytes, parsed: ParsedFile | None, found: Pass
    ) -> list[Sample]:
        """Return the sample of any file, or an empty list where it is not an annotation."""
        if file.image is not None:
            found.images_in += 1
            return [self._not_annotated(file, file.image)]
        decoder = self._decoder
        if parsed is not None:
            shapes = decoder.polygons_of(parsed, self._parser, file.path)
            if shapes is not None:
                found.images_in += 1
                found.shapes_in += len(shapes)
                return [self._new_sample(parsed, shapes, file, found)]
        record = self._record(content, file, found)
        if record is None:
            return []
        found.images_in += 1
        found.shapes_in += len(record.objects)
        decoder.watch(record, file.path)
        sample = self._new_sample(record, decoder.shapes(record, file.path), file, found)
        sample.attributes = record.attributes
        self._other_labels.update(dict.fromkeys([shape.label for shape in sample.shapes]))
        return [sample]

    def _not_annotated(self, file: VocFile, image: str) -> Sample:
        """Return the sample of an image without an XML file."""
        root = self.path.parent if self.path.is_file() else self.path
        size = read_size(root / image)
        return Sample(
            filename=f"{file.prefix}{image.rpartition('/')[2]}",
            width=None if size is None else size.width,
            height=None if size is None else size.height,
            annotated=False,
            split=file.splits[0],
            path=image,
        )

    def _record(self, content: bytes, file: VocFile, found: Pass) -> VocAnnotation | None:
        """Parse a file with the XML parser; None, with a finding, where it is rejected."""
        try:
            return xml_parser.parse(content)
        except xml_parser.NotAnAnnotationError as error:
            if self.path.is_file():
                raise ParseError(f"not a VOC annotation: {error}", path=self.path) from None
            found.add(
                "V11",
                "an XML file that is not an annotation; skipped",
                severity=Severity.NOTE,
                path=file.path,
                detail=str(error),
            )
        except xml_parser.RefusedError as error:
            found.images_in += 1
            found.add(
                error.code,
                str(error),
                severity=Severity.ERROR,
                path=file.path,
                line=error.line,
                column=error.column,
                detail=error.detail,
                dropped_images=1,
            )
        return None

    def _new_sample(
        self,
        parsed: ParsedFile | VocAnnotation,
        shapes: Sequence[AnyShape],
        file: VocFile,
        found: Pass,
    ) -> Sample:
        name, path = self._images.name(parsed.filename, file, found)
        sample = Sample(
            filename=name,
            width=parsed.width,
            height=parsed.height,
            shapes=cast("list[AnyShape]", shapes),
            split=file.splits[0] if file.splits else None,
            path=path,
        )
        if (
            parsed.extra
            and self.options.keep_extra
            and not follows_from_name(parsed.extra, parsed.filename)
        ):
            sample.extra = {"voc": parsed.extra}
        if parsed.width is None or parsed.height is None:
            self._images.measure(sample, file, found)
        if len(file.splits) > 1:
            found.add("V15", "the image is in several splits; the first is used", path=file.path)
        return sample
