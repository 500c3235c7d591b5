"""Decodes rows into shapes. The meaning of a row depends on its length, the task and ``kpt_shape``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import mul
from typing import Final

from headrace.formats.findings.collect import Pass, Severity
from headrace.formats.geometry.box_table import BoxTable
from headrace.formats.yolo.tokenize import Row, column_of_fault
from headrace.model.geometry import cxcywh_normalised_to_xywh
from headrace.model.shapes import AnyShape, Box, Classification, Keypoints, Polygon, Rectangle

# Ultralytics tolerates rounding errors up to this fraction outside the image and rejects the file beyond.
TOLERANCE: Final = 0.01
_MAX_CLASS = 100_000


class RowReporter:
    """Adds findings with the location of the current row."""

    __slots__ = ("found", "line", "path", "text")

    def __init__(self, found: Pass, path: str, text: bytes = b"") -> None:
        self.found = found
        self.path = path
        self.text = text
        self.line = 0

    def note(self, code: str, message: str, severity: Severity = Severity.WARNING) -> None:
        """Add a finding about a row that is kept."""
        self.found.add(code, message, severity=severity, path=self.path, line=self.line)

    def leave_out(self, code: str, message: str, detail: str) -> None:
        """Add a finding about a row that is left out."""
        self.found.add(
            code,
            message,
            severity=Severity.ERROR,
            path=self.path,
            line=self.line,
            column=column_of_fault(code, message, self.text, self.line),
            detail=detail,
            dropped=1,
        )


class _RowError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RowDecoder:
    """Decodes the rows of one dataset.

    Args:
        names: Labels by class number.
        open_names: Give unknown numbers a generated name (``class_7``).
        task: The task, or None if unknown; then rows with four coordinates are boxes and longer ones polygons. With
            ``classify`` only the class of a row counts.
        kpt_shape: Number of keypoints and of values per keypoint (2 or 3).
        predictions: Accept a confidence at the end of a row.
    """

    def __init__(
        self,
        names: Mapping[int, str],
        *,
        open_names: bool,
        task: str | None,
        kpt_shape: tuple[int, int] | None,
        predictions: bool,
    ) -> None:
        # 2 and 2.0 are the same key.
        self._names: dict[float, str] = {float(number): name for number, name in names.items()}
        self._open = open_names
        self._task = task
        self._points = kpt_shape if task in (None, "pose") else None
        self._predictions = predictions

    @property
    def names(self) -> dict[int, str]:
        """Labels by class number, generated ones included."""
        return {int(number): name for number, name in sorted(self._names.items())}

    @property
    def boxes_only(self) -> bool:
        """Whether rows of five numbers are boxes and may become a table."""
        return not self._points and self._task in (None, "detect")

    def table(
        self, columns: Sequence[Row], widths: Sequence[int], heights: Sequence[int]
    ) -> BoxTable | None:
        """Decode boxes, given as columns of fractions, with the sizes of their images in pixels.

        Returns None where a box is not inside its image or its class is unknown.
        """
        numbers, xs, ys, ws, hs = columns
        on_image = all(
            min(values, default=0) >= 0 and max(values, default=0) <= 1
            for values in (xs, ys, ws, hs)
        )
        if not on_image or not self._names.keys() >= {*numbers}:
            return None
        # As cxcywh_normalised_to_xywh, without a call per box.
        return BoxTable(
            list(map(self._names.__getitem__, numbers)),
            [(x - w / 2) * width for x, w, width in zip(xs, ws, widths, strict=True)],
            [(y - h / 2) * height for y, h, height in zip(ys, hs, heights, strict=True)],
            list(map(mul, ws, widths)),
            list(map(mul, hs, heights)),
        )

    def shapes(
        self, rows: Iterable[tuple[int, Row]], width: int, height: int, reporter: RowReporter
    ) -> list[AnyShape]:
        """Decode rows with line numbers into pixels; bad rows are reported and left out."""
        shapes: list[AnyShape] = []
        for line, row in rows:
            reporter.line = line
            try:
                shapes.append(self._shape(row, width, height, reporter))
            except _RowError as fault:
                reporter.leave_out(fault.code, fault.message, _preview(row))
        if len(set(map(type, shapes))) > 1:
            reporter.note("Y15", "boxes and polygons in one file", Severity.NOTE)
        return shapes

    def _shape(self, row: Row, width: int, height: int, reporter: RowReporter) -> AnyShape:
        label = self._label(row[0])
        if self._task == "classify":
            return Classification(label=label)
        values = row[1:]
        score = self._score(values)
        shape: AnyShape
        if self._points:
            shape = self._pose(label, values, width, height, reporter)
        elif len(values) == 4 and self._task != "obb":
            box = _box(_inside(values, reporter), width, height)
            shape = Rectangle(label=label, x=box[0], y=box[1], w=box[2], h=box[3])
        else:
            shape = Polygon(label=label, rings=[self._ring(values, width, height, reporter)])
        shape.score = score
        return shape

    def _label(self, number: float) -> str:
        label = self._names.get(number)
        if label is not None:
            return label
        if not 0 <= number < _MAX_CLASS or number != int(number):
            raise _RowError("Y10", "the class is not a whole number of at least 0")
        if not self._open:
            raise _RowError("Y10", "the class number has no name")
        label = self._names[int(number)] = f"class_{int(number)}"
        return label

    def _score(self, values: Row) -> float | None:
        """Remove and return the confidence of a prediction."""
        count = len(values)
        if self._points:
            scored = count == 5 + self._points[0] * self._points[1]
        else:
            scored = count == 5 or (self._predictions and count > 5 and count % 2 == 1)
        if not scored:
            return None
        if not self._predictions:
            raise _RowError("Y16", "one number too many; enable predictions to read confidences")
        return values.pop()

    def _pose(
        self, label: str, values: Row, width: int, height: int, reporter: RowReporter
    ) -> Keypoints:
        count, size = self._points or (0, 3)
        if len(values) != 4 + count * size:
            raise _RowError("Y14", "the number of values does not match kpt_shape")
        box = _box(_inside(values[:4], reporter), width, height)
        points: list[float] = []
        for i in range(4, len(values), size):
            x, y = values[i], values[i + 1]
            visible = values[i + 2] if size == 3 else (2 if x >= 0 and y >= 0 else 0)
            if visible not in (0, 1, 2):
                raise _RowError("Y14", "the visibility of a keypoint is not 0, 1 or 2")
            if visible:
                x, y = _inside([x, y], reporter)
                points += (x * width, y * height, int(visible))
            else:
                points += (0.0, 0.0, 0)
        return Keypoints(label=label, points=points, bbox=box)

    def _ring(self, values: Row, width: int, height: int, reporter: RowReporter) -> list[float]:
        if self._task == "obb" and len(values) != 8:
            raise _RowError("Y13", "an oriented box needs four corners")
        if len(values) < 6:
            raise _RowError("Y10", "a box needs a class and four numbers")
        if len(values) % 2:
            raise _RowError("Y12", "a polygon needs a class and pairs of numbers")
        if len(values) == 8 and self._task is None:
            reporter.note("Y13", "four corners may be an oriented box or a polygon; give the task")
        if len(values) == 8 and self._task != "segment":
            _check_near(values, reporter)
        else:
            values = _inside(values, reporter)
        ring = [0.0] * len(values)
        ring[0::2] = [x * width for x in values[0::2]]
        ring[1::2] = [y * height for y in values[1::2]]
        return ring


def _box(values: Row, width: int, height: int) -> Box:
    cx, cy, w, h = values
    return cxcywh_normalised_to_xywh(cx, cy, w, h, width, height)


def _inside(values: Row, reporter: RowReporter) -> Row:
    """Return values between 0 and 1; values slightly outside are clamped and reported."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return values
    if not (low >= -TOLERANCE and high <= 1 + TOLERANCE):
        raise _outside_error(high)
    reporter.note("Y11", "outside the image by less than 0.01; moved to its edge")
    return [min(max(value, 0.0), 1.0) for value in values]


def _check_near(values: Row, reporter: RowReporter) -> None:
    """Check corners of an oriented box, which may lie outside: clamping would distort it."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1:
        return
    if not (low >= -1 and high <= 2):
        raise _outside_error(high)
    reporter.note("Y11", "a corner outside the image; kept")


def _outside_error(high: float) -> _RowError:
    if high > 2:
        return _RowError("Y11", "coordinates are pixels, not fractions of the image")
    return _RowError("Y11", "coordinates outside the image")


def _preview(row: Row) -> str:
    return " ".join(f"{value:g}" for value in row[:10]) + (" …" if len(row) > 10 else "")
