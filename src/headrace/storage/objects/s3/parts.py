"""Multipart uploads on S3: its own upload ids and ETags, so that clients send the parts to S3 itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from lxml import etree

from headrace.errors import BadRequestError, ConflictError, HeadraceError, NotFoundError
from headrace.storage.objects.names import check_part_number
from headrace.storage.objects.s3.requests import Answer, S3Requests, parse_xml

LEAST_PART = 5 * 1024 * 1024
"""The least bytes of a part that is not the last, as S3 demands."""

_NO_UPLOAD = frozenset({"NoSuchUpload"})
_BAD_PART = frozenset({"InvalidPart", "InvalidPartOrder", "MalformedXML"})
_UPLOAD_ID = re.compile(r"[^\x00-\x20\x7f/\\]{1,1024}")
_HEX_MD5 = re.compile(r'"?([0-9a-f]{32})"?')


class StartedUpload(NamedTuple):
    """An upload that has not ended; ``started`` is in milliseconds since 1970."""

    key: str
    id: str
    started: int


class PartInfo(NamedTuple):
    """A part that S3 has; ``stored`` is in milliseconds since 1970."""

    number: int
    etag: str
    size: int
    stored: int


class S3Parts:
    """The multipart uploads of one bucket."""

    def __init__(self, requests: S3Requests) -> None:
        self._requests = requests

    async def begin(self, key: str, headers: dict[str, str]) -> str:
        """Begin an upload whose object gets these headers; returns its id."""
        answer = await self._requests.send("POST", key, query={"uploads": ""}, headers=headers)
        self._requests.check(answer, "begin an upload")
        return parse_xml(answer.body).findtext("UploadId") or ""

    async def put(self, key: str, name: str, upload_id: str, number: int, content: bytes) -> str:
        """Store a part; returns its ETag."""
        check_part_number(number)
        answer = await self._requests.send(
            "PUT", key, query=_query(name, upload_id, partNumber=str(number)), body=content
        )
        self._check_upload(answer, name, upload_id, "store a part")
        return answer.etag

    async def complete(
        self, key: str, name: str, upload_id: str, parts: list[tuple[int, str]], *, new: bool
    ) -> Answer:
        """Join parts; with ``new``, only where the key is free. Returns the answer where that is 412, or has no such upload.

        Raises:
            BadRequestError: A part is missing, has another ETag, is too small, or they are not in order.
        """
        numbers = [number for number, _ in parts]
        if not parts or numbers != sorted(set(numbers)):
            raise BadRequestError(
                f"the parts of {name} are not in order", hint="list each part once"
            )
        for number in numbers:
            check_part_number(number)
        query = _query(name, upload_id)
        root = etree.Element("CompleteMultipartUpload")
        for number, etag in parts:
            part = etree.SubElement(root, "Part")
            etree.SubElement(part, "PartNumber").text = str(number)
            etree.SubElement(part, "ETag").text = _xml_text(etag)
        answer = await self._requests.send(
            "POST",
            key,
            query=query,
            headers={"Content-Type": "application/xml"} | ({"If-None-Match": "*"} if new else {}),
            body=etree.tostring(root),
        )
        if answer.code in _BAD_PART:
            raise await self._bad_part(key, name, upload_id, parts)
        if answer.code == "EntityTooSmall":
            raise BadRequestError(
                f"a part of {name} is too small",
                hint=f"parts have at least {LEAST_PART:,} bytes, except the last",
            )
        if answer.status == 409:
            raise ConflictError(f"{name} is being stored by two uploads", hint="run the same again")
        if answer.status != 412 and not _has_no_upload(answer):
            self._requests.check(answer, "complete an upload")
        return answer

    async def abort(self, key: str, upload_id: str) -> None:
        """End an upload and delete its parts; one that is not there is ignored."""
        answer = await self._requests.send("DELETE", key, query={"uploadId": upload_id})
        if not _has_no_upload(answer):
            self._requests.check(answer, "end an upload")

    async def abort_quietly(self, key: str, upload_id: str) -> None:
        """As :meth:`abort`, without an error where S3 refuses or is away."""
        with suppress(HeadraceError):
            await self.abort(key, upload_id)

    async def started(self, prefix: str) -> AsyncGenerator[StartedUpload, None]:
        """List the uploads of keys with a prefix that have not ended."""
        marker: dict[str, str] = {}
        while True:
            query = {"uploads": "", "prefix": prefix, **marker}
            answer = self._requests.check(
                await self._requests.send("GET", "", query=query), "list uploads"
            )
            root = parse_xml(answer.body)
            for each in root.iterfind("Upload"):
                key, upload_id = each.findtext("Key") or "", each.findtext("UploadId") or ""
                if key.startswith(prefix):
                    yield StartedUpload(key, upload_id, milliseconds(each.findtext("Initiated")))
            following = {
                "key-marker": root.findtext("NextKeyMarker") or "",
                "upload-id-marker": root.findtext("NextUploadIdMarker") or "",
            }
            if root.findtext("IsTruncated") != "true" or following == marker:
                return
            marker = following

    async def parts(self, key: str, upload_id: str) -> list[PartInfo]:
        """List the parts of an upload; none where it has ended."""
        found: list[PartInfo] = []
        marker = "0"
        while True:
            answer = await self._requests.send(
                "GET", key, query={"uploadId": upload_id, "part-number-marker": marker}
            )
            if _has_no_upload(answer):
                return found
            root = parse_xml(self._requests.check(answer, "list parts").body)
            found += [
                PartInfo(
                    int(each.findtext("PartNumber") or 0),
                    each.findtext("ETag") or "",
                    int(each.findtext("Size") or 0),
                    milliseconds(each.findtext("LastModified")),
                )
                for each in root.iterfind("Part")
            ]
            following = root.findtext("NextPartNumberMarker") or ""
            if root.findtext("IsTruncated") != "true" or following in ("", marker):
                return found
            marker = following

    async def _bad_part(
        self, key: str, name: str, upload_id: str, parts: list[tuple[int, str]]
    ) -> BadRequestError:
        """Find the part that S3 did not accept."""
        stored = {(each.number, _plain(each.etag)) for each in await self.parts(key, upload_id)}
        missing = (number for number, etag in parts if (number, _plain(etag)) not in stored)
        return BadRequestError(
            f"part {next(missing, parts[0][0])} of {name} is missing or has another ETag",
            hint="send the part again",
        )

    def _check_upload(self, answer: Answer, name: str, upload_id: str, doing: str) -> None:
        if _has_no_upload(answer):
            raise no_upload(name, upload_id)
        self._requests.check(answer, doing)


def no_upload(name: str, upload_id: str) -> NotFoundError:
    """The error for an upload that does not exist."""
    return NotFoundError(f"no upload {upload_id!r} of {name}", hint="begin the upload again")


def joined_etag(parts: list[tuple[int, str]]) -> str | None:
    """Return the ETag of the object that parts make, without quotes; None where their ETags are no MD5."""
    digests = []
    for _, etag in parts:
        found = _HEX_MD5.fullmatch(etag)
        if found is None:
            return None
        digests.append(bytes.fromhex(found[1]))
    whole = hashlib.md5(b"".join(digests), usedforsecurity=False).hexdigest()
    return f"{whole}-{len(digests)}"


def milliseconds(text: str | None) -> int:
    """Return a time of S3 in milliseconds since 1970; 0 where it is unknown."""
    try:
        return int(datetime.fromisoformat(text or "").timestamp() * 1000)
    except ValueError:
        return 0


def _query(name: str, upload_id: str, **more: str) -> dict[str, str]:
    if not _UPLOAD_ID.fullmatch(upload_id):
        raise no_upload(name, upload_id)
    return {"uploadId": upload_id, **more}


def _has_no_upload(answer: Answer) -> bool:
    return answer.status in (400, 404) and answer.code in _NO_UPLOAD


def _plain(etag: str) -> str:
    return etag.strip('"')


def _xml_text(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:200]
