"""How files are named in process: no address is needed, both sides share the store."""

from __future__ import annotations

SCHEME = "lake:"


class LakeUrls:
    """URLs that only this process' own client can follow: it goes to the object store directly."""

    client_type = "lake"
    put_type = "lake"

    def download(self, organization: int, object_name: str) -> str:
        """The object itself."""
        return SCHEME + object_name

    def upload(
        self, organization: int, object_name: str, content_type: str
    ) -> tuple[str, dict[str, str]]:
        """The object itself; no fields."""
        return SCHEME + object_name, {}

    def put(self, organization: int, object_name: str) -> str:
        """The object itself."""
        return SCHEME + object_name

    def upload_part(self, organization: int, object_name: str, upload_id: str, part_no: int) -> str:
        """A part of an upload."""
        return f"{SCHEME}{object_name}#{upload_id}/{part_no}"
