"""A pass over the records: its findings and counts, and the policy that decides which findings raise."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from headrace.errors import (
    ConfigurationError,
    ConservationError,
    FormatError,
    LossyWriteError,
    ParseError,
)
from headrace.formats.findings.finding import Finding, Occurrence, OnFinding, Place, Severity

OnError = Literal["raise", "skip", "collect"]

MAX_EXAMPLES = 3
MAX_KINDS = 1_000
MAX_DETAIL = 160
# The counts of findings of one kind that are added up, with their defaults.
_ADDED: Final = {"count": 1, "dropped": 0, "dropped_images": 0}
_COUNTS: Final = ("images_in", "images_out", "shapes_in", "shapes_out", "merged", "added")


class ErrorPolicy:
    """Decides which findings raise.

    Attributes:
        on_error: ``raise``, ``skip`` or ``collect``.
        strict: Whether warnings and losses fail too.
        keep_all: Whether a warning that leaves a record out counts as an error.
        on_finding: Receives every finding once.
        ended_by: The error that a finding or the final check raised.
        suggests_report: Whether an error that names only examples suggests ``report=``; True in jobs that have this
            option and were not given it.
        suggests_skip: Whether errors suggest ``on_error='skip'``; False in jobs without this option.
    """

    def __init__(
        self, on_error: OnError, *, strict: bool, on_finding: OnFinding | None, keep_all: bool
    ) -> None:
        if on_error not in ("raise", "skip", "collect"):
            raise ConfigurationError(
                f"unknown error policy {on_error!r}", hint="use raise, skip or collect"
            )
        if strict and on_error == "skip":
            raise ConfigurationError(
                "strict=True and on_error='skip' contradict each other", hint="give one of them"
            )
        self.on_error = on_error
        self.strict = strict
        self.keep_all = keep_all
        self.on_finding = on_finding
        self.ended_by: FormatError | None = None
        self.suggests_skip = not strict
        self.suggests_report = False

    def weighed(self, severity: Severity, lost: int) -> Severity:
        """Return the severity of a finding that leaves ``lost`` records out."""
        if lost and self.keep_all and severity == Severity.WARNING:
            return Severity.ERROR
        return severity

    def fails(self, severity: Severity) -> bool:
        """Return whether a finding of this severity raises at once."""
        return self.on_error == "raise" and self.fatal(severity)

    def fatal(self, severity: Severity) -> bool:
        """Return whether a finding of this severity prevents publishing."""
        if severity == Severity.ERROR:
            return self.on_error != "skip"
        return self.strict and severity > Severity.NOTE

    def cure(self, severity: Severity) -> str | None:
        """Return the option that lets findings of this severity pass."""
        if severity < Severity.ERROR:
            return "omit strict=True to accept it"
        return "pass on_error='skip' to leave bad records out" if self.suggests_skip else None

    def failure(
        self, code: str, severity: Severity, message: str, place: Place, hint: str | None
    ) -> FormatError:
        """Return the error for a finding that must not pass, and remember it in ``ended_by``."""
        text = f"{code}  {message}: {place.detail}" if place.detail else f"{code}  {message}"
        if severity == Severity.LOSS:
            self.ended_by = LossyWriteError(
                text, hint=hint or "omit strict=True to accept the loss"
            )
        else:
            self.ended_by = ParseError(
                text,
                path=place.path,
                line=place.line,
                column=place.column,
                offset=place.offset,
                json_path=place.json_path,
                finding=code,
                hint=hint or self.cure(severity),
            )
        return self.ended_by


class Pass:
    """The findings and the counts of one pass over the records; made by ``Findings.begin``.

    Readers and writers increase the counts.

    Attributes:
        name: ``labels``, ``read`` or ``write``.
        images_in: Images received.
        shapes_in: Shapes received.
        images_out: Images passed on.
        shapes_out: Shapes passed on.
        merged: Records that became part of the shape of an earlier record (frames of a track).
        added: Shapes that a record produced beyond its first.
    """

    __slots__ = (
        "_added",
        "_kinds",
        "_known",
        "_policy",
        "added",
        "images_in",
        "images_out",
        "merged",
        "name",
        "shapes_in",
        "shapes_out",
    )

    def __init__(self, policy: ErrorPolicy, name: str, *, known: int = 0) -> None:
        self._policy = policy
        self._kinds: dict[tuple[str, str], Finding] = {}
        self._known = known
        self._added = 0
        self.name = name
        self.images_in = self.images_out = 0
        self.shapes_in = self.shapes_out = 0
        self.merged = self.added = 0

    @property
    def suggests_skip(self) -> bool:
        """Whether errors suggest ``on_error='skip'``."""
        return self._policy.suggests_skip

    def add(
        self,
        code: str,
        message: str,
        *,
        severity: Severity = Severity.WARNING,
        path: Path | str | None = None,
        line: int | None = None,
        column: int | None = None,
        offset: int | None = None,
        json_path: str | None = None,
        detail: str | None = None,
        hint: str | None = None,
        count: int = 1,
        dropped: int = 0,
        dropped_images: int = 0,
    ) -> None:
        """Record a finding, or raise it where the policy demands.

        Args:
            code: Row of the conformance table (``C09``).
            message: What is wrong; the same text for every occurrence.
            severity: How serious it is.
            path: The file.
            line: The line, counted from 1.
            column: The character in the line, counted from 1.
            offset: The byte, counted from 0.
            json_path: The value in a JSON file, such as ``$.annotations[12]``.
            detail: What differs between occurrences.
            hint: What to do about it; shown when it raises.
            count: Number of occurrences.
            dropped: Number of shapes left out because of it.
            dropped_images: Number of images left out because of it.

        Raises:
            ParseError: The policy does not let it pass.
            LossyWriteError: The same for a loss.
        """
        severity = self._policy.weighed(severity, dropped + dropped_images)
        fails, listener = self._policy.fails(severity), self._policy.on_finding
        kind = None
        if not fails:
            kind = self._kinds.get((code, message)) or self._new_kind(code, message, severity)
            kind.severity = max(kind.severity, severity)
            kind.count += count
            kind.dropped_shapes += dropped
            kind.dropped_images += dropped_images
            if len(kind.examples) >= MAX_EXAMPLES and listener is None:
                return
            if kind.message != message:
                detail = message if detail is None else f"{message}: {detail}"
                message = kind.message
        place = Place(
            None if path is None else str(path),
            line,
            offset,
            None if detail is None else _clip(detail),
            column,
            json_path,
        )
        if kind is not None and len(kind.examples) < MAX_EXAMPLES:
            kind.examples.append(place)
        if listener is not None:
            self._report(
                listener,
                Occurrence(code, severity, message, place, count, dropped_images, dropped),
            )
        if fails:
            raise self._policy.failure(code, severity, message, place, hint)

    def _report(self, listener: OnFinding, occurrence: Occurrence) -> None:
        # Every pass has the same findings in the same order, so an earlier pass reported the first ones.
        self._added += 1
        if self._added > self._known:
            listener(occurrence)

    @property
    def reported(self) -> int:
        """Number of findings that the listener has received from all passes of this name."""
        return max(self._added, self._known)

    def wants_location(self, code: str, message: str, severity: Severity) -> bool:
        """Return whether :meth:`add` would use the location, for readers where locating is expensive."""
        kind = self._kinds.get((code, message))
        return kind is None or len(kind.examples) < MAX_EXAMPLES or self._policy.fails(severity)

    def ends_with(self, severity: Severity, lost: int) -> bool:
        """Return whether a finding of this severity, which leaves ``lost`` records out, ends the pass with an error."""
        return self._policy.fails(self._policy.weighed(severity, lost))

    def _new_kind(self, code: str, message: str, severity: Severity) -> Finding:
        if len(self._kinds) >= MAX_KINDS:
            message = "more findings with this code"
        return self._kinds.setdefault(
            (code, message), Finding(code=code, severity=severity, message=message)
        )

    def merge(self, delta: PassDelta) -> None:
        """Add the findings and counts of a ``DeferredPass``."""
        for name, count in zip(_COUNTS, delta.counts, strict=True):
            setattr(self, name, getattr(self, name) + count)
        for code, message, arguments in delta.findings:
            self.add(code, message, **arguments)

    @property
    def kinds(self) -> list[Finding]:
        """The findings so far, in the order of their first occurrence."""
        return list(self._kinds.values())

    @property
    def images_dropped(self) -> int:
        """Number of images left out in this pass."""
        return sum(kind.dropped_images for kind in self._kinds.values())

    @property
    def shapes_dropped(self) -> int:
        """Number of shapes left out in this pass."""
        return sum(kind.dropped_shapes for kind in self._kinds.values())

    def check(self) -> None:
        """Check that in = out + dropped, for images and for shapes.

        Raises:
            ConservationError: A record is unaccounted for.
        """
        if self.images_in != self.images_out + self.images_dropped:
            raise ConservationError(
                f"{self.name}: {self.images_in} images in, but {self.images_out} out and {self.images_dropped} dropped"
            )
        if self.shapes_in + self.added != self.shapes_out + self.shapes_dropped + self.merged:
            raise ConservationError(
                f"{self.name}: {self.shapes_in} shapes in and {self.added} added, but {self.shapes_out} out, "
                f"{self.shapes_dropped} dropped and {self.merged} merged"
            )


class PassDelta(NamedTuple):
    """Findings and counts since the last :meth:`DeferredPass.take`; can be sent to another process."""

    counts: tuple[int, ...]
    findings: list[tuple[str, str, dict[str, Any]]]


class DeferredPass(Pass):
    """A pass that keeps its findings and counts for another pass to :meth:`~Pass.merge`, in the order of the records.

    A finding that must raise raises at once. With ``every`` each finding is kept, for a listener; otherwise those
    beyond the examples are counted together.
    """

    __slots__ = ("_counts_by_kind", "_every", "_latest", "_waiting")

    def __init__(self, policy: ErrorPolicy, name: str, *, every: bool) -> None:
        super().__init__(policy, name)
        self._every = every
        self._waiting: list[tuple[str, str, dict[str, Any]]] = []
        self._latest: dict[tuple[str, str, Severity], dict[str, Any]] = {}
        self._counts_by_kind = Counter[tuple[str, str, Severity]]()

    def add(
        self, code: str, message: str, *, severity: Severity = Severity.WARNING, **arguments: Any
    ) -> None:
        """Keep a finding, or raise it where the policy demands."""
        lost = arguments.get("dropped", 0) + arguments.get("dropped_images", 0)
        severity = self._policy.weighed(severity, lost)
        if self._policy.fails(severity):
            # Raised here to stop the work, and again when it is merged.
            self._waiting.append((code, message, arguments | {"severity": severity}))
            super().add(code, message, severity=severity, **arguments)
        kind = code, message, severity
        if not self._every and self._counts_by_kind[kind] >= MAX_EXAMPLES and kind in self._latest:
            latest = self._latest[kind]
            for name, least in _ADDED.items():
                latest[name] = latest.get(name, least) + arguments.get(name, least)
            return
        arguments["severity"] = severity
        self._waiting.append((code, message, arguments))
        self._latest[kind] = arguments
        if len(self._counts_by_kind) < MAX_KINDS or kind in self._counts_by_kind:
            self._counts_by_kind[kind] += 1

    def _report(self, listener: OnFinding, occurrence: Occurrence) -> None:
        """Do nothing: :meth:`~Pass.merge` reports it."""

    def wants_location(self, code: str, message: str, severity: Severity) -> bool:
        """Return True: the merging pass may need the location."""
        return True

    def take(self) -> PassDelta:
        """Return and reset everything since the last call."""
        counts = tuple(getattr(self, name) for name in _COUNTS)
        for name in _COUNTS:
            setattr(self, name, 0)
        waiting, self._waiting = self._waiting, []
        self._latest.clear()
        return PassDelta(counts, waiting)


def _clip(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
