"""The findings of one job, counted in bounded memory, and the check that no record is lost.

A :class:`Findings` belongs to one job (a conversion, an import, an export). Each walk over the records is a
:class:`Pass`: ``labels``, ``read``, ``write``. A repeated walk begins its pass again, so nothing counts twice.

    found = findings.begin("read")
    found.images_in += 1
    found.add("C09", "polygon with an odd number of coordinates", path=path, offset=812, dropped=1)

Nothing is dropped silently: the number of dropped records is the sum over the findings, and :meth:`Findings.check`
compares it with the counts of records in and out.
"""

from __future__ import annotations

from collections.abc import Iterator

from headrace.errors import ConservationError, FormatError, ParseError
from headrace.formats.findings.finding import Finding, Occurrence, OnFinding, Place, Severity
from headrace.formats.findings.passes import DeferredPass, ErrorPolicy, OnError, Pass, PassDelta

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


class Findings(ErrorPolicy):
    """All findings of one job, and the policy on errors.

    Args:
        on_error: On a bad record: ``raise`` stops at the first error; ``skip`` leaves bad records out and counts them;
            ``collect`` leaves them out, continues to the end and then fails naming them all (see :meth:`check`).
        strict: Warnings and losses fail too.
        on_finding: Receives every single finding once, the one that ends the job included.
        keep_all: A warning that leaves a record out is an error, for jobs that promise to lose none.

    Raises:
        ConfigurationError: The policy is unknown, or ``strict`` contradicts ``skip``.
    """

    def __init__(
        self,
        on_error: OnError = "raise",
        *,
        strict: bool = False,
        on_finding: OnFinding | None = None,
        keep_all: bool = False,
    ) -> None:
        super().__init__(on_error, strict=strict, on_finding=on_finding, keep_all=keep_all)
        self._passes: dict[str, Pass] = {}

    def begin(self, name: str) -> Pass:
        """Begin a new pass; it replaces an earlier pass of this name, whose findings are not reported again."""
        earlier = self._passes.get(name)
        self._passes[name] = Pass(self, name, known=0 if earlier is None else earlier.reported)
        return self._passes[name]

    def deferred(self, name: str, *, every: bool) -> DeferredPass:
        """Return a separate pass under the same policy, to be merged into another pass."""
        return DeferredPass(self, name, every=every)

    def get(self, name: str) -> Pass | None:
        """Return the pass of this name, or None before it began."""
        return self._passes.get(name)

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over all findings, the most severe and most frequent first."""
        kinds = [kind for each in self._passes.values() for kind in each.kinds]
        return iter(sorted(kinds, key=lambda kind: (-kind.severity, -kind.count, kind.code)))

    def __len__(self) -> int:
        return sum(len(each.kinds) for each in self._passes.values())

    def check(self) -> None:
        """Check that the result may be published.

        Raises:
            FormatError: The policy ``collect`` gathered errors; the message lists them.
            ConservationError: Records are unaccounted for inside a pass or between reading and writing.
        """
        fatal = [kind for kind in self if self.fatal(kind.severity)]
        if fatal:
            worst = max(kind.severity for kind in fatal)
            cures = [self.cure(worst)]
            if self.suggests_report and any(kind.count > len(kind.examples) for kind in fatal):
                cures.append("pass report='findings.jsonl' to list them all")
            self.ended_by = _collected(fatal, "; ".join(filter(None, cures)) or None)
            raise self.ended_by
        for each in self._passes.values():
            each.check()
        read, written = self._passes.get("read"), self._passes.get("write")
        if read is not None and written is not None:
            _check_joint(read, written)


def _collected(fatal: list[Finding], hint: str | None) -> FormatError:
    total = sum(kind.count for kind in fatal)
    lines = [
        f"  {kind.code}  {kind.count}  {kind.message}  {', '.join(str(place) for place in kind.examples)}"
        for kind in fatal
    ]
    verb = "record does" if total == 1 else "records do"
    return ParseError(
        "\n".join([f"{total} {verb} not conform to the format; nothing was written", *lines]),
        hint=hint,
    )


def _check_joint(read: Pass, written: Pass) -> None:
    if (read.images_out, read.shapes_out) != (written.images_in, written.shapes_in):
        raise ConservationError(
            f"read {read.images_out} images with {read.shapes_out} shapes, but {written.images_in} with "
            f"{written.shapes_in} reached the writer"
        )
