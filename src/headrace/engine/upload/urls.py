"""URLs among the files to push: which images they stand for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Container, Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import chain
from pathlib import PurePosixPath
from typing import NamedTuple

from msgspec import Struct
from yarl import URL

from headrace.engine.name_filter import NameFilter
from headrace.engine.paging import batched
from headrace.engine.upload.folders import BATCH_FILES
from headrace.errors import RefusedUrlError
from headrace.model.names import repair_file_name
from headrace.net.urls import redact
from headrace.threads import in_thread
from headrace.transfer.state.journal import MarkSet

MAX_BYTES = 100 * 1024 * 1024
MAX_PIXELS = 150_000_000


class UrlImage(NamedTuple):
    """A URL, and the file name of its data."""

    url: str
    filename: str

    @property
    def mark(self) -> int:
        """A number that stands for the URL."""
        return _mark(self.url)


def is_url(text: str) -> bool:
    """Return whether a text is a URL and no path."""
    return "://" in text


def named(urls: Iterable[str]) -> Iterator[UrlImage]:
    """Yield each URL once, with the last part of its path as the name; of equal names, the later ones get a number."""
    met, taken = MarkSet(), MarkSet()
    for url in urls:
        if not met.add(_mark(url)):
            continue
        try:
            last = URL(url).name
        except ValueError:
            last = ""
        name = repair_file_name(last) if last else "unnamed"
        if not taken.add(_mark(name)):
            path = PurePosixPath(name)
            name = f"{path.stem}-{_mark(url):016x}{path.suffix}"
        yield UrlImage(url, name)


class UrlList(Struct, frozen=True):
    """The images behind URLs, those given and those in the list of a filter, as far as they are chosen.

    Attributes:
        urls: URLs that were given.
        chosen: Chooses by the last part of a URL's path; the URLs in its list of names are read too.
        only: Limits them to these names too, as a report has them.
    """

    urls: Sequence[str]
    chosen: NameFilter
    only: Container[str] | None = None

    def __iter__(self) -> Iterator[UrlImage]:
        listed = (name for name in self.chosen.names or () if is_url(name))
        for image in named(chain(self.urls, listed)):
            if not self.chosen.chooses(image.filename, image.url):
                continue
            if self.only is None or redact(image.url) in self.only:
                yield image

    def count(self) -> int:
        """Return their number."""
        return sum(1 for _ in self)

    async def batches(self) -> AsyncIterator[list[UrlImage]]:
        """Yield them in batches."""
        batches = batched(self, BATCH_FILES)
        while images := await in_thread(next, batches, None):
            yield images

    def refuse(self, count: int) -> None:
        """Raise RefusedUrlError, since nobody asked to fetch them."""
        first = next(iter(self))
        raise RefusedUrlError(
            f"{count:,} of the images are URLs, which are not fetched unasked; first {redact(first.url)}",
            hint="pass fetch_urls=True if you trust the list",
        )


def _mark(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) or 1
