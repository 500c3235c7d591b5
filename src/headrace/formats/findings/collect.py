"""What a reading or a writing found: bad, lossy or odd records, counted in bounded memory; and conservation.

A :class:`Findings` belongs to one job (a conversion, an import, an export). Each walk over the records is a
:class:`Pass` of it: ``labels``, ``read``, ``write``. Walking again begins the pass anew, so nothing counts twice.

    found = findings.begin("read")
    found.images_in += 1
    found.add("C09", "polygon with an odd number of coordinates", path=path, offset=812, dropped=1)

Nothing can be dropped in silence: the number of dropped records is nothing but the sum over the findings, and
:meth:`Findings.check` compares it with what went in and what came out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
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

__all__ = [
    "DeferredPass",
    "Finding",
    "Findings",
    "Occurrence",
    "OnError",
    "OnFinding",
    "Pass",
    "PassDelta",
    "Place",
    "Severity",
]

OnError = Literal["raise", "skip", "collect"]

MAX_EXAMPLES = 3
MAX_KINDS = 1_000
MAX_DETAIL = 160
# What findings of a kind add up, and what each of them counts where it does not say.
_ADDED: Final = {"count": 1, "dropped": 0, "dropped_images": 0}
_COUNTS: Final = ("images_in", "images_out", "shapes_in", "shapes_out", "merged", "added")


class Pass:
    """The findings and the counts of one walk over the records; made by :meth:`Findings.begin`.

    Readers and writers raise the counts as they go: ``images_in`` and ``shapes_in`` what they were given,
    ``images_out`` and ``shapes_out`` what they passed on, ``merged`` the records that became part of a shape that
    other records began (a track's frames), ``added`` the shapes that a record yielded beyond its first.
    """

    __slots__ = (
        "_added",
        "_kinds",
        "_known",
        "_owner",
        "added",
        "images_in",
        "images_out",
        "merged",
        "name",
        "shapes_in",
        "shapes_out",
    )

    def __init__(self, owner: Findings, name: str, *, known: int = 0) -> None:
        self._owner = owner
        self._kinds: dict[tuple[str, str], Finding] = {}
        self._known = known
        self._added = 0
        self.name = name
        self.images_in = self.images_out = 0
        self.shapes_in = self.shapes_out = 0
        self.merged = self.added = 0

    def add(
        self,
        code: str,
        message: str,
        *,
        severity: Severity = Severity.WARNING,
        path: Path | str | None = None,
        line: int | None = None,
        offset: int | None = None,
        detail: str | None = None,
        hint: str | None = None,
        count: int = 1,
        dropped: int = 0,
        dropped_images: int = 0,
    ) -> None:
        """Record a finding, or raise it where the policy says so.

        ``code`` is the row of the conformance table (``C09``); ``message`` the same text for every occurrence, and
        ``detail`` what differs; ``dropped`` how many shapes and ``dropped_images`` how many images it cost. Raises
        :class:`~headrace.errors.ParseError` (:class:`~headrace.errors.LossyWriteError` for a loss) naming the place.
        """
        fails, listener = self._owner.fails(severity), self._owner.on_finding
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
        )
        if kind is not None and len(kind.examples) < MAX_EXAMPLES:
            kind.examples.append(place)
        if listener is not None:
            self._report(
                listener,
                Occurrence(code, severity, message, place, count, dropped_images, dropped),
            )
        if fails:
            raise self._owner.end(code, severity, message, place, hint)

    def _report(self, listener: OnFinding, occurrence: Occurrence) -> None:
        # Every walk finds the same in the same order, so the first ones were heard in an earlier one.
        self._added += 1
        if self._added > self._known:
            listener(occurrence)

    @property
    def reported(self) -> int:
        """How many findings of the passes of this name the listener has heard."""
        return max(self._added, self._known)

    def wants_location(self, code: str, message: str, severity: Severity) -> bool:
        """Whether :meth:`add` would use the place of such a finding; for readers to whom finding it is dear."""
        kind = self._kinds.get((code, message))
        return kind is None or len(kind.examples) < MAX_EXAMPLES or self._owner.fails(severity)

    def _new_kind(self, code: str, message: str, severity: Severity) -> Finding:
        if len(self._kinds) >= MAX_KINDS:
            message = "further findings of this code"
        return self._kinds.setdefault(
            (code, message), Finding(code=code, severity=severity, message=message)
        )

    def merge(self, delta: PassDelta) -> None:
        """Add what was noted elsewhere, as if it were found now."""
        for name, count in zip(_COUNTS, delta.counts, strict=True):
            setattr(self, name, getattr(self, name) + count)
        for code, message, arguments in delta.findings:
            self.add(code, message, **arguments)

    @property
    def kinds(self) -> list[Finding]:
        """The findings so far, in the order they were first met."""
        return list(self._kinds.values())

    @property
    def images_dropped(self) -> int:
        """How many images the findings of this pass cost."""
        return sum(kind.dropped_images for kind in self._kinds.values())

    @property
    def shapes_dropped(self) -> int:
        """How many shapes the findings of this pass cost."""
        return sum(kind.dropped_shapes for kind in self._kinds.values())

    def check(self) -> None:
        """Raise :class:`~headrace.errors.ConservationError` unless in = out + dropped, for images and for shapes."""
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
    """What a pass found and counted since it was last asked, as it can go to another process."""

    counts: tuple[int, ...]
    findings: list[tuple[str, str, dict[str, Any]]]


class DeferredPass(Pass):
    """A pass whose findings and counts wait for another one to take them over, in its turn.

    What must raise raises at once. ``every``: somebody hears of every single finding; else those whose place nobody
    will ask for, since others of their kind came before, are counted together.
    """

    __slots__ = ("_counts_by_kind", "_every", "_latest", "_waiting")

    def __init__(self, owner: Findings, name: str, *, every: bool) -> None:
        super().__init__(owner, name)
        self._every = every
        self._waiting: list[tuple[str, str, dict[str, Any]]] = []
        self._latest: dict[tuple[str, str, Severity], dict[str, Any]] = {}
        self._counts_by_kind = Counter[tuple[str, str, Severity]]()

    def add(
        self, code: str, message: str, *, severity: Severity = Severity.WARNING, **arguments: Any
    ) -> None:
        """Note a finding, or raise it where the policy says so."""
        if self._owner.fails(severity):
            # Raised here to end the work, and again, in its turn, by who takes over.
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
        """Who takes over tells it."""

    def wants_location(self, code: str, message: str, severity: Severity) -> bool:
        """Always: who takes over may need it."""
        return True

    def take(self) -> PassDelta:
        """Everything since the last time."""
        counts = tuple(getattr(self, name) for name in _COUNTS)
        for name in _COUNTS:
            setattr(self, name, 0)
        waiting, self._waiting = self._waiting, []
        self._latest.clear()
        return PassDelta(counts, waiting)


class Findings:
    """All that one job found, with the policy on what may pass.

    ``on_error``: ``raise`` ends at the first error; ``skip`` leaves bad records out and counts them; ``collect``
    leaves them out, goes on to the end and then fails naming them all (see :meth:`check`). ``strict`` makes
    warnings and losses fail too. ``on_finding`` hears every single finding once, the one that ends the job too;
    ``ended_by`` is the error that it, or the final check, raised.
    """

    def __init__(
        self,
        on_error: OnError = "raise",
        *,
        strict: bool = False,
        on_finding: OnFinding | None = None,
    ) -> None:
        if on_error not in ("raise", "skip", "collect"):
            raise ConfigurationError(
                f"no error policy {on_error!r}", hint="one of raise, skip, collect"
            )
        if strict and on_error == "skip":
            raise ConfigurationError(
                "strict and on_error='skip' contradict each other", hint="give one of them"
            )
        self.on_error = on_error
        self.strict = strict
        self.on_finding = on_finding
        self.ended_by: FormatError | None = None
        self._passes: dict[str, Pass] = {}

    def begin(self, name: str) -> Pass:
        """A new pass of this name; what an earlier one of the same name found is forgotten, and not heard again."""
        earlier = self._passes.get(name)
        self._passes[name] = Pass(self, name, known=0 if earlier is None else earlier.reported)
        return self._passes[name]

    def deferred(self, name: str, *, every: bool) -> DeferredPass:
        """A pass under the same policy that is none of these, for another one to take over."""
        return DeferredPass(self, name, every=every)

    def get(self, name: str) -> Pass | None:
        """The pass of this name, if it was begun."""
        return self._passes.get(name)

    def fails(self, severity: Severity) -> bool:
        """Whether a finding of this severity raises at once."""
        return self.on_error == "raise" and self.fatal(severity)

    def fatal(self, severity: Severity) -> bool:
        """Whether a job with such a finding must not publish its result."""
        if severity == Severity.ERROR:
            return self.on_error != "skip"
        return self.strict and severity > Severity.NOTE

    def end(
        self, code: str, severity: Severity, message: str, place: Place, hint: str | None
    ) -> FormatError:
        """The error of a finding that may not pass."""
        text = (
            f"{code}  {message}" if place.detail is None else f"{code}  {message}: {place.detail}"
        )
        if severity == Severity.LOSS:
            self.ended_by = LossyWriteError(
                text, hint=hint or "convert without strict to accept the loss"
            )
        else:
            self.ended_by = ParseError(
                text,
                path=place.path,
                line=place.line,
                offset=place.offset,
                finding=code,
                hint=hint,
            )
        return self.ended_by

    def __iter__(self) -> Iterator[Finding]:
        """All findings, the gravest and most frequent first."""
        kinds = [kind for each in self._passes.values() for kind in each.kinds]
        return iter(sorted(kinds, key=lambda kind: (-kind.severity, -kind.count, kind.code)))

    def __len__(self) -> int:
        return sum(len(each.kinds) for each in self._passes.values())

    def check(self) -> None:
        """What must hold before a result is published.

        Raises :class:`~headrace.errors.FormatError` that counts what ``collect`` gathered, and
        :class:`~headrace.errors.ConservationError` where records vanished inside a pass or between two.
        """
        fatal = [kind for kind in self if self.fatal(kind.severity)]
        if fatal:
            self.ended_by = _collected(fatal)
            raise self.ended_by
        for each in self._passes.values():
            each.check()
        read, written = self._passes.get("read"), self._passes.get("write")
        if read is not None and written is not None:
            _check_joint(read, written)


def _collected(fatal: list[Finding]) -> FormatError:
    total = sum(kind.count for kind in fatal)
    lines = [
        f"  {kind.code}  {kind.count}  {kind.message}  {', '.join(str(place) for place in kind.examples)}"
        for kind in fatal
    ]
    noun = "record is" if total == 1 else "records are"
    return ParseError(
        "\n".join([f"{total} {noun} not as the format demands; nothing was written", *lines])
    )


def _check_joint(read: Pass, written: Pass) -> None:
    if (read.images_out, read.shapes_out) != (written.images_in, written.shapes_in):
        raise ConservationError(
            f"read {read.images_out} images with {read.shapes_out} shapes, but {written.images_in} with "
            f"{written.shapes_in} reached the writer"
        )


def _clip(text: str) -> str:
    return text if len(text) <= MAX_DETAIL else text[: MAX_DETAIL - 1] + "…"
