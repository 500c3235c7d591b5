"""URLs of objects that clients reach at the storage itself, so that no file passes through a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from headrace.storage.objects.base import DirectUrls

MOST_BYTES = 5 * 1024**3
"""The largest object that S3 takes at once."""


class S3Urls:
    """Makes the signed URLs of S3; the ``ObjectUrls`` of every call over HTTP where objects are there.

    Args:
        direct: What signs URLs of the storage.
        life: How long a URL is valid, in seconds.
        most: The most bytes of an object that is sent at once.
    """

    client_type = "aws"
    put_type = "s3"

    def __init__(self, direct: DirectUrls, *, life: int, most: int = MOST_BYTES) -> None:
        self.put_headers: Mapping[str, str] = direct.put_headers
        self._direct = direct
        self._life = life
        self._most = min(most, MOST_BYTES)

    def download(self, organization: int, object_name: str) -> str:
        """Sign a URL to download an object."""
        return self._direct.downloads(self._life)(object_name)

    def downloads(self, organization: int) -> Callable[[str], str]:
        """Return what signs URLs to download objects."""
        return self._direct.downloads(self._life)

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """Sign a form to upload an object with; return its URL and its fields."""
        return self._direct.form(object_name, self._life, self._most)

    def put(self, organization: int, object_name: str) -> str:
        """Sign a URL to upload the bare bytes of a new object."""
        return self._direct.put(object_name, self._life)

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """Sign a URL to upload one part of an object."""
        return self._direct.part(object_name, upload_id, part_no, self._life)
