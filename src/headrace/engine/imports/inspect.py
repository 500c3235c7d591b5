"""Reading a source through once before anything is written: is it sound, are its images assets, which labels has it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

from msgspec import Struct, field

from headrace.engine.imports.match import Matcher
from headrace.engine.threads import iterate_in_thread
from headrace.formats.base import Reader
from headrace.model.sample import LabelInfo
from headrace.protocol.operations.listing import KEYS_PER_CALL


class Survey(Struct):
    """What a source holds: ``images``, and the ``labels`` that it declares or uses, in its order."""

    images: int = 0
    labels: list[LabelInfo] = field(default_factory=list)


async def survey(reader: Reader, matcher: Matcher, *, all_must_match: bool) -> Survey:
    """Read a source through.

    Raises ParseError at what the policy on errors does not let pass, NotFoundError and ConflictError where images
    cannot be matched.
    """
    found = Survey()
    used: dict[str, None] = {}

    def names() -> Iterator[list[str]]:
        for batch in reader.batches():
            found.images += len(batch)
            used.update((shape.label, None) for sample in batch for shape in sample.shapes)
            yield [sample.filename for sample in batch]
        found.labels = reader.labels()

    async with aclosing(_gathered(names)) as batches:
        await matcher.check(batches, all_must_match=all_must_match)
    declared = {info.name for info in found.labels}
    found.labels = found.labels + [LabelInfo(name=name) for name in used if name not in declared]
    reader.findings.check()
    return found


async def _gathered(names: Callable[[], Iterator[list[str]]]) -> AsyncGenerator[list[str], None]:
    """Names by the look-up: readers give fewer at a time than one call may ask for."""
    held: list[str] = []
    async with aclosing(iterate_in_thread(names)) as batches:
        async for batch in batches:
            held += batch
            if len(held) >= KEYS_PER_CALL:
                yield held[:KEYS_PER_CALL]
                held = held[KEYS_PER_CALL:]
    if held:
        yield held
