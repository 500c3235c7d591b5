"""The conformance suite of annotation formats, to be run with pytest.

Subclass ``FormatConformance`` in a test module and name the format, which must be installed or built in::

    from headrace.testing.formats import FormatConformance

    class TestLabelme(FormatConformance):
        format = "labelme"

The suite writes and reads samples that it makes from what the format says it can represent, so a format that promises
more is tested for more.
"""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Final

from headrace import formats
from headrace.engine.convert.run import convert_blocking
from headrace.errors import LossyWriteError, MissingExtraError, ParseError, SourceNotFoundError
from headrace.formats import Capability, Findings, FormatInfo, Severity
from headrace.formats.info import FIELDS, SHAPE_KINDS, WHOLE
from headrace.model.sample import LabelInfo, Sample
from headrace.testing import _format_samples as made

__all__ = ["FormatConformance"]

_MUTATIONS: Final = 60
_CUTS: Final = 12
_FILES: Final = 3
_BATCH: Final = 32


class FormatConformance:
    """What readers and writers of every format must do.

    Attributes:
        format: Name of the format.
        task: Task to read and write with, for formats with tasks.
        tolerance: How much a coordinate may change, in pixels, for formats that round.
        overlaps: Names of other formats whose files this one may be right to claim.
        bytes_per_image: How much memory may grow with each image of a source, in bytes: the format's indexes, and
            never its samples.
        images: Number of images of the small source of the memory test; the large one has four times as many. Raise it
            for a format whose buffers of bounded size are not full by then.
    """

    format: ClassVar[str]
    task: ClassVar[str | None] = None
    tolerance: ClassVar[float] = 0.0
    overlaps: ClassVar[frozenset[str]] = frozenset()
    bytes_per_image: ClassVar[int] = 500
    images: ClassVar[int] = 160

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if find_spec("pytest") is None:
            raise MissingExtraError("headrace.testing.formats needs pytest", install="pytest")

    # --- helpers ---------------------------------------------------------------------------------------------

    @property
    def info(self) -> FormatInfo:
        """The description of the format."""
        return formats.get(self.format).info

    @property
    def says(self) -> Capability:
        """What the format can represent, with the task."""
        return self.info.capability(self.task, folder=self.info.layout == "folder")

    def target(self, folder: Path, name: str = "data") -> Path:
        """Return a path that the format can be written to."""
        return folder / (name + self.info.suffixes[0] if self.info.layout == "file" else name)

    def samples(self, count: int) -> Iterator[Sample]:
        """Yield samples of which the format keeps everything."""
        return made.kept_samples(self.says, made.whole_kinds(self.says), count)

    def labels(self) -> list[LabelInfo]:
        """Return the labels of :meth:`samples`."""
        return [LabelInfo(name=name) for name in made.LABELS]

    def broken(self) -> Mapping[str, tuple[str, bytes]]:
        """Return files that must be refused with their place, by the name of the case.

        Each is the path of a file in a target of :meth:`samples` (empty where the target is a file) and the content
        that takes its place.
        """
        return {}

    def write(self, samples: Iterable[Sample], target: Path, **options: Any) -> Findings:
        """Write samples as this format."""
        options.setdefault("labels", self.labels())
        return formats.write(samples, target, self.format, task=self.task, **options)

    def read(self, path: Path, **options: Any) -> list[Sample]:
        """Read all samples of a source of this format."""
        with formats.read(path, self.format, task=self.task, **options) as source:
            return list(source)

    def refusal(self, path: Path, **options: Any) -> ParseError | None:
        """Return the ParseError that reading a source ends with, or None; any other error is raised."""
        try:
            self.read(path, **options)
        except ParseError as error:
            return error
        return None

    # --- what is written comes back ---------------------------------------------------------------------------

    def test_what_is_written_comes_back(self, tmp_path: Path) -> None:
        written = list(self.samples(20))
        findings = self.write(written, self.target(tmp_path), strict=True)
        serious = [each for each in findings if each.severity > Severity.NOTE]
        assert not serious, f"findings about samples of which everything is kept: {serious}"
        self.assert_equal(self.read(self.target(tmp_path)), written)

    def assert_equal(self, found: Iterable[Sample], written: Iterable[Sample]) -> None:
        """Fail unless two sources have the same images, with all that the format keeps of them."""
        come = {each.filename: made.comparable(each, self.says) for each in found}
        gone = {each.filename: made.comparable(each, self.says) for each in written}
        assert come.keys() == gone.keys(), f"{sorted(come)} came back for {sorted(gone)}"
        for name, expected in gone.items():
            assert made.contains(come[name], expected, self.tolerance), (
                f"{name}: {come[name]} came back for {expected}"
            )

    def test_labels_come_back_in_their_order(self, tmp_path: Path) -> None:
        self.write(self.samples(3), self.target(tmp_path))
        with formats.read(self.target(tmp_path), self.format, task=self.task) as source:
            used = {shape.label for sample in source for shape in sample.shapes}
            found = [label.name for label in source.labels]
        if "unused_labels" in self.says.fields:
            assert found == list(made.LABELS)
        else:
            assert sorted(found) == sorted(used)

    def test_passes_are_equal_and_names_need_no_shapes(self, tmp_path: Path) -> None:
        self.write(self.samples(10), self.target(tmp_path))
        entry = formats.get(self.format)
        options = formats.ReadOptions(task=self.task, batch=4)
        with entry.open(self.target(tmp_path), options=options, findings=Findings()) as reader:
            first, second = (
                [each.filename for batch in reader.batches() for each in batch] for _ in "12"
            )
            names = [name for batch in reader.filenames() for name in batch]
            sizes = [len(batch) for batch in reader.batches()]
        assert first == second, f"{second} in the second pass after {first}"
        assert first == names, f"{names} without shapes, {first} with them"
        assert max(sizes) <= 4, f"batches of {sizes} images, not of 4"

    def test_names_and_labels_of_any_language_come_back(self, tmp_path: Path) -> None:
        kind = made.whole_kinds(self.says)[0]
        written = []
        for name, label in zip(made.UNICODE_NAMES, made.UNICODE_LABELS, strict=True):
            sample = made.make_sample(0, [made.make_shape(kind, 0, label=label)])
            sample.filename = name if kind != "track" else f"{name}.mp4"
            written.append(sample)
        labels = [LabelInfo(name=name) for name in made.UNICODE_LABELS]
        self.write(written, self.target(tmp_path), labels=labels)
        found = self.read(self.target(tmp_path))
        assert {each.filename: [s.label for s in each.shapes] for each in found} == {
            each.filename: [s.label for s in each.shapes] for each in written
        }

    def test_no_name_leads_out_of_the_target(self, tmp_path: Path) -> None:
        inside = tmp_path / "inside"
        inside.mkdir()
        bad = [made.make_sample(0, []), made.make_sample(1, [])]
        bad[0].filename, bad[1].filename = "../../escaped.jpg", "/escaped.jpg"
        self.write([*self.samples(2), *bad], self.target(inside), on_error="skip")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["inside"]
        assert [path.name for path in inside.iterdir()] == [self.target(inside).name]
        assert not Path("/escaped.jpg").exists()

    def test_several_processes_write_the_same(self, tmp_path: Path) -> None:
        source = self.target(tmp_path)
        self.write(self.samples(40), source)
        written = []
        for workers in (1, 2):
            target = self.target(tmp_path, f"by-{workers}")
            report = convert_blocking(
                source,
                target,
                from_=self.format,
                to=self.format,
                workers=workers,
                task=self.task,
                batch=8,
            )
            written.append((report.images_out, report.shapes_out, report.labels, _contents(target)))
        assert written[0] == written[1]
        assert written[0][0] == 40

    # --- memory ----------------------------------------------------------------------------------------------

    def test_memory_does_not_grow_with_the_source(self, tmp_path: Path) -> None:
        self._peaks(self.target(tmp_path, "first"), _BATCH)  # imports and caches count for neither
        growths = self._growths(tmp_path, "once")
        if max(growths) > self.bytes_per_image:
            # A table of the interpreter, such as that of its interned texts, doubles at times. A leak stays.
            growths = tuple(map(min, growths, self._growths(tmp_path, "again")))
        for done, growth in zip(("writing", "reading"), growths, strict=True):
            assert growth <= self.bytes_per_image, f"{done}: {growth:.0f} bytes for each image"

    def _growths(self, folder: Path, name: str) -> tuple[float, ...]:
        """Return the growth of the peaks of writing and of reading, in bytes for each image."""
        small = self._peaks(self.target(folder, f"{name}-small"), self.images)
        large = self._peaks(self.target(folder, f"{name}-large"), 4 * self.images)
        return tuple(
            (four - one) / (3 * self.images) for one, four in zip(small, large, strict=True)
        )

    def _peaks(self, target: Path, count: int) -> tuple[int, int]:
        """Return the peaks of the memory for writing and for reading."""
        entry = formats.get(self.format)

        def write() -> None:
            options = formats.WriteOptions(task=self.task)
            samples = self.samples(count)
            with entry.create(
                target, self.labels(), options=options, findings=Findings()
            ) as writer:
                while batch := list(islice(samples, _BATCH)):
                    writer.write(batch)

        def read() -> None:
            options = formats.ReadOptions(task=self.task, batch=_BATCH)
            with entry.open(target, options=options, findings=Findings()) as reader:
                assert sum(len(batch) for batch in reader.batches()) == count

        return _peak(write), _peak(read)

    # --- bad input -------------------------------------------------------------------------------------------

    def test_a_cut_file_is_read_or_refused(self, tmp_path: Path) -> None:
        target = self.target(tmp_path)
        self.write(self.samples(6), target)
        for file, content in _largest(target):
            for cut in sorted({len(content) * each // _CUTS for each in range(_CUTS)}):
                file.write_bytes(content[:cut])
                self._assert_refused_well(target)
            file.write_bytes(content)

    def test_a_changed_file_is_read_or_refused(self, tmp_path: Path) -> None:
        target = self.target(tmp_path)
        self.write(self.samples(6), target)
        chosen = random.Random(7)
        for file, content in _largest(target):
            for _ in range(_MUTATIONS // _FILES):
                at = chosen.randrange(len(content))
                changed = bytearray(content)
                changed[at : at + chosen.choice((0, 1, 4))] = chosen.choice(_INSERTED)
                file.write_bytes(changed)
                self._assert_refused_well(target)
            file.write_bytes(content)

    def _assert_refused_well(self, target: Path) -> None:
        """Fail where reading ends with another error than a ParseError that names a file of the source."""
        error = self.refusal(target)
        if error is not None:
            assert error.path is not None, error
            assert Path(error.path).is_relative_to(target), error
        self.refusal(target, on_error="skip")

    def test_broken_files_are_refused_with_their_place(self, tmp_path: Path) -> None:
        for name, (path, content) in self.broken().items():
            target = self.target(tmp_path, f"broken-{name.replace(' ', '-')}")
            self.write(self.samples(2), target)
            file = target / path if path else target
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            error = self.refusal(target)
            assert error is not None, f"{name}: it was read"
            assert error.path == str(file), f"{name}: {error}"
            has_place = error.line is not None or error.offset is not None or "`$" in error.message
            assert has_place, f"{name}: no line, byte or JSON path: {error}"

    def test_a_missing_source_is_a_missing_file(self, tmp_path: Path) -> None:
        try:
            self.read(self.target(tmp_path, "missing"))
        except SourceNotFoundError:
            return
        raise AssertionError("nothing was read without an error")

    # --- losses ----------------------------------------------------------------------------------------------

    def test_kinds_are_lost_as_declared(self, tmp_path: Path) -> None:
        for kind in SHAPE_KINDS:
            if kind == "track" and "track" not in self.says.kinds:
                continue  # of images no format has tracks
            target = self.target(tmp_path, kind)
            sample = made.make_sample(
                0, [made.make_shape(kind, 0)], ".mp4" if kind == "track" else ".jpg"
            )
            findings = self.write([sample], target)
            lost = [each for each in findings if each.severity >= Severity.LOSS]
            found = [shape for each in self.read(target) for shape in each.shapes]
            kept = self.says.kinds.get(kind)
            if kept is None:
                assert found == [], f"{kind} is not declared, but came back"
                assert sum(each.dropped_shapes for each in lost) == 1, f"{kind}: no finding"
                self._assert_strict_refuses(sample, self.target(tmp_path, f"{kind}-strict"))
            elif kept == WHOLE:
                assert not lost, f"{kind} is declared whole, but {lost}"
                assert [type(each).__name__.lower() for each in found] == [kind]
            else:
                assert lost, f"{kind} becomes {kept} without a finding"
                assert [each.label for each in found] == [sample.shapes[0].label]
                self._assert_strict_refuses(sample, self.target(tmp_path, f"{kind}-strict"))

    def test_fields_are_lost_as_declared(self, tmp_path: Path) -> None:
        kind = made.whole_kinds(self.says)[0]
        for field in sorted((made.OF_SHAPES.keys() | made.OF_IMAGES.keys()) - _UNCOUNTED):
            sample = self._sample_with(field)
            findings = self.write([sample], self.target(tmp_path, f"{kind}-{field}"))
            words = {each.message for each in findings if each.code == "LOSS"}
            is_lost = f"not written: {FIELDS[field]}" in words
            assert is_lost == (field not in self.says.fields), (
                f"{field} is {'not ' * (not is_lost)}reported as lost, but declared as "
                f"{'kept' if field in self.says.fields else 'lost'}"
            )

    def _sample_with(self, field: str) -> Sample:
        """Return a sample of which one field is set."""
        kind = made.whole_kinds(self.says)[0]
        suffix = ".mp4" if kind == "track" else ".jpg"
        image = _values(made.OF_IMAGES, field)
        return made.make_sample(
            0, [made.make_shape(kind, 0, **_values(made.OF_SHAPES, field))], suffix, **image
        )

    def _assert_strict_refuses(self, sample: Sample, target: Path) -> None:
        try:
            self.write([sample], target, strict=True)
        except (LossyWriteError, ParseError):
            assert not target.exists()
            return
        raise AssertionError(f"with strict, {sample.shapes} was written")

    # --- detection -------------------------------------------------------------------------------------------

    def test_its_files_are_detected(self, tmp_path: Path) -> None:
        target = self.target(tmp_path)
        self.write(self.samples(5), target)
        assert formats.detect(target).format == self.format

    def test_files_of_other_formats_are_left_to_them(self, tmp_path: Path) -> None:
        for name in set(_OWN) - {self.format} - self.overlaps:
            other = formats.get(name).info
            suffix = other.suffixes[0] if other.layout == "file" else ""
            target = tmp_path / name / f"data{suffix}"
            target.parent.mkdir()
            labels = [LabelInfo(name=each) for each in made.LABELS]
            samples = made.kept_samples(other.says, made.whole_kinds(other.says)[:1], 3)
            formats.write(samples, target, name, labels=labels)
            self.assert_not_claimed(target)
            self.assert_not_claimed(target.parent)
            assert formats.detect(target).format == name

    def test_foreign_files_are_not_claimed(self, tmp_path: Path) -> None:
        for name, content in _STRAY.items():
            (tmp_path / name).write_bytes(content)
            self.assert_not_claimed(tmp_path / name)
        self.assert_not_claimed(tmp_path)

    def assert_not_claimed(self, path: Path) -> None:
        """Fail where the format takes a file or folder for its own."""
        guess = formats.get(self.format).guess(path)
        assert guess is None or guess.confidence == "possible", f"{path.name}: {guess}"

    # --- interrupted writing ---------------------------------------------------------------------------------

    def test_an_interrupted_target_leaves_nothing(self, tmp_path: Path) -> None:
        for error in (RuntimeError, KeyboardInterrupt):
            try:
                self.write(_until(self.samples(900), error), self.target(tmp_path))
            except error:
                pass
            else:
                raise AssertionError("the error of the samples did not come through")
            assert list(tmp_path.iterdir()) == []

    def test_an_interrupted_target_leaves_what_was_there(self, tmp_path: Path) -> None:
        target = self.target(tmp_path)
        self.write(self.samples(4), target)
        before = _contents(target)
        with suppress(RuntimeError):
            self.write(_until(self.samples(900), RuntimeError), target, overwrite=True)
        assert _contents(target) == before
        assert [path.name for path in tmp_path.iterdir()] == [target.name]

    def test_writing_twice_gives_the_same_bytes(self, tmp_path: Path) -> None:
        one, two = self.target(tmp_path, "one"), self.target(tmp_path, "two")
        self.write(self.samples(30), one)
        self.write(self.samples(30), two)
        assert _contents(one) == _contents(two)


_OWN: Final = ("coco", "coco-video", "yolo", "voc")
_UNCOUNTED: Final = {"iscrowd"}
_INSERTED: Final = (b"", b"\0", b"\xff", b'"', b"}", b"<", b"[" * 200, b"-1e999", b"null", b"\n")
_STRAY: Final = {
    "README.md": b"# A data set\n",
    "notes.txt": b"seen on Monday\n",
    "settings.json": b'{"theme": "dark", "shapes": 3}\n',
    "list.json": b"[1, 2, 3]\n",
    "empty.json": b"",
    "page.xml": b"<html><body/></html>\n",
    "conf.yaml": b"lr: 0.01\n",
    "photo.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF",
}


def _values(values: Mapping[str, Any], field: str) -> dict[str, Any]:
    attribute = {"shape_id": "id", "image_id": "id", "image_attributes": "attributes"}
    return {attribute.get(field, field): values[field]} if field in values else {}


def _until(samples: Iterator[Sample], error: type[BaseException]) -> Iterator[Sample]:
    """Yield some samples, several batches of a writer, and then raise."""
    yield from islice(samples, 700)
    raise error


def _peak(work: Any) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _largest(target: Path) -> list[tuple[Path, bytes]]:
    """Return the largest files of a target, of different suffixes first, with their content."""
    files = [target] if target.is_file() else [p for p in target.rglob("*") if p.is_file()]
    files.sort(key=lambda path: (-path.stat().st_size, str(path)))
    first = {path.suffix: path for path in reversed(files)}
    chosen = list(dict.fromkeys([*first.values(), *files]))[:_FILES]
    return [(path, path.read_bytes()) for path in chosen if path.stat().st_size]


def _contents(target: Path) -> dict[str, bytes]:
    if target.is_file():
        return {"": target.read_bytes()}
    return {str(p.relative_to(target)): p.read_bytes() for p in target.rglob("*") if p.is_file()}
