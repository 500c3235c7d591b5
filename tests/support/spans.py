"""A recorder of spans behind the API of OpenTelemetry, without its SDK."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TracerProvider,
)

_numbers = itertools.count(1)


class RecordedSpan(NonRecordingSpan):
    """A span that keeps what it is told."""

    def __init__(self, name: str, kind: SpanKind, parent: SpanContext) -> None:
        known = parent.trace_id if parent.is_valid else next(_numbers)
        sampled = TraceFlags(TraceFlags.SAMPLED)
        super().__init__(SpanContext(known, next(_numbers), is_remote=False, trace_flags=sampled))
        self.name = name
        self.kind = kind
        self.parent = parent
        self.attributes: dict[str, Any] = {}
        self.failure: str | None = None
        self.ended = False

    @property
    def ids(self) -> tuple[int, int]:
        """The trace and the span."""
        context = self.get_span_context()
        return context.trace_id, context.span_id

    def is_recording(self) -> bool:
        return not self.ended

    def set_attribute(self, key: str, value: Any) -> None:
        assert not self.ended
        self.attributes[key] = value

    def set_status(self, status: Any, description: str | None = None) -> None:
        assert status is StatusCode.ERROR
        self.failure = description

    def record_exception(self, *args: Any, **more: Any) -> None:
        raise AssertionError("the text of an error may name files")

    def end(self, end_time: int | None = None) -> None:
        assert not self.ended
        self.ended = True


class Recorder(TracerProvider, Tracer):
    """Records all spans, in the order of their starts."""

    def __init__(self) -> None:
        self.spans: list[RecordedSpan] = []

    def get_tracer(self, *args: Any, **more: Any) -> Tracer:
        return self

    def start_span(
        self, name: str, context: Context | None = None, kind: Any = SpanKind.INTERNAL, **more: Any
    ) -> Span:
        parent = trace.get_current_span(context).get_span_context()
        self.spans.append(RecordedSpan(name, kind, parent))
        return self.spans[-1]

    def start_as_current_span(self, *args: Any, **more: Any) -> Any:
        raise NotImplementedError

    def named(self, name: str) -> list[RecordedSpan]:
        return [each for each in self.spans if each.name == name]


@contextmanager
def recording() -> Iterator[Recorder]:
    """Record spans inside the block, as a program that has set up OpenTelemetry does."""
    recorder = Recorder()
    # A program can set a provider only once; tests take theirs back.
    before, trace._TRACER_PROVIDER = trace._TRACER_PROVIDER, recorder
    try:
        yield recorder
    finally:
        trace._TRACER_PROVIDER = before
