"""URLs and forms by which clients reach objects on S3 themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from headrace.storage.objects.s3.location import S3Location
from headrace.storage.objects.s3.sigv4 import MAX_LIFE_SECONDS, Signer, quoted

INCOMING = ".incoming/"
"""Prefix of the objects that forms upload. S3 lets a form replace an object, so the upload is copied, create-only, to its name later."""


class S3DirectUrls:
    """Signs the URLs of one folder on S3; see :class:`~headrace.storage.objects.base.DirectUrls`."""

    put_headers: ClassVar[Mapping[str, str]] = {"If-None-Match": "*"}

    def __init__(self, location: S3Location, signer: Signer) -> None:
        self._location = location
        self._signer = signer
        self._base = location.base(location.public)

    def __repr__(self) -> str:
        return f"S3DirectUrls({self._location.name!r})"

    def downloads(self, life: int, /) -> Callable[[str], str]:
        """Return what signs URLs to download objects by name."""
        sign = self._signer.page("GET", self._base, _allowed(life))
        start = self._location.path(self._location.prefix or "x").removesuffix("x")
        return lambda name: sign(start + name)

    def put(self, name: str, life: int, /) -> str:
        """Sign a URL for a ``PUT`` of a new object, with the headers ``put_headers``."""
        return self._signer.url(
            "PUT", self._base, self._path(name), _allowed(life), headers=self.put_headers
        )

    def part(self, name: str, upload_id: str, number: int, life: int, /) -> str:
        """Sign a URL for a ``PUT`` of one part of an upload."""
        query = {"partNumber": str(number), "uploadId": upload_id}
        return self._signer.url("PUT", self._base, self._path(name), _allowed(life), query=query)

    def form(self, name: str, life: int, most: int, /) -> tuple[str, dict[str, str]]:
        """Sign a form to upload an object of at most ``most`` bytes; returns its URL and its fields."""
        key = f"{self._location.prefix}{INCOMING}{name}"
        fields = self._signer.form(self._location.bucket, key, _allowed(life), most=most)
        return self._base + quoted(self._location.path()), fields

    def _path(self, name: str) -> str:
        return self._location.path(self._location.prefix + name)


def _allowed(life: int) -> int:
    return min(life, MAX_LIFE_SECONDS)
