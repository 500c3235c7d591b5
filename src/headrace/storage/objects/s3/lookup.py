"""Look up objects on S3: one by one with all that is known of them, or many of a folder by a listing."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from itertools import groupby

from headrace.storage.objects.base import ObjectInfo, Stamp
from headrace.storage.objects.s3.parts import milliseconds
from headrace.storage.objects.s3.requests import CONNECTIONS, Answer, S3Requests, parse_xml
from headrace.tasks import map_bounded

DIGEST_HEADER = "x-amz-meta-headrace-sha256"
PUT_HEADER = "x-amz-meta-headrace-put"
"""A random text of each put, so that an object that is stored again is another one though its bytes are the same."""

_LIST_FROM = 4
_PAGES = 3
_MORE = 32
_DIGEST_BYTES = 32


class S3Lookup:
    """Looks up the objects of one folder on S3."""

    def __init__(self, requests: S3Requests) -> None:
        self._requests = requests
        self._prefix = requests.location.prefix

    async def head(self, name: str) -> tuple[ObjectInfo, Answer] | None:
        """Look up one object, with what S3 answered; None if it does not exist."""
        answer = await self._requests.send(
            "HEAD", self._prefix + name, headers={"x-amz-checksum-mode": "ENABLED"}
        )
        if answer.status == 404:
            return None
        self._requests.check(answer, "look up an object")
        found = answer.headers
        info = ObjectInfo(
            name,
            int(found.get("Content-Length", 0)),
            _digest(answer),
            _stored(found.get("Last-Modified")),
            _stamp(answer.etag, found.get(PUT_HEADER, "")),
        )
        return info, answer

    async def heads(self, names: Sequence[str]) -> list[ObjectInfo | None]:
        """Look up objects; None for each that does not exist.

        Those of one folder are looked up by a listing, which costs a thirtieth but does not say their digests.
        """
        found: dict[str, ObjectInfo] = {}
        folders = [[*group] for _, group in groupby(sorted(set(names)), _folder)]
        many = [group for group in folders if len(group) >= _LIST_FROM]
        for listed in await map_bounded(self._list, many, concurrency=CONNECTIONS):
            found |= listed
        rest = [name for name in dict.fromkeys(names) if name not in found]
        looked_up = await map_bounded(self.head, rest, concurrency=CONNECTIONS)
        found |= {each[0].name: each[0] for each in looked_up if each is not None}
        return [found.get(name) for name in names]

    async def unchanged(self, infos: Sequence[ObjectInfo]) -> list[bool]:
        """Whether each object is still the one that was looked up."""

        async def is_same(info: ObjectInfo) -> bool:
            found = await self.head(info.name)
            return found is not None and is_same_object(found[0], info)

        return await map_bounded(is_same, infos, concurrency=CONNECTIONS)

    async def _list(self, names: list[str]) -> dict[str, ObjectInfo]:
        """Look up names of one folder, which are sorted, by listing what is between the first and the last."""
        wanted, found = set(names), dict[str, ObjectInfo]()
        query = {
            "list-type": "2",
            "delimiter": "/",
            "prefix": f"{self._prefix}{_folder(names[0])}",
            "max-keys": str(min(1000, len(names) + _MORE)),
            "start-after": (self._prefix + names[0])[:-1],
        }
        for _ in range(_PAGES):
            answer = await self._requests.send("GET", "", query=query)
            root = parse_xml(self._requests.check(answer, "list objects").body)
            last = ""
            for each in root.iterfind("Contents"):
                last = each.findtext("Key") or ""
                name = last[len(self._prefix) :]
                if name in wanted:
                    found[name] = ObjectInfo(
                        name,
                        int(each.findtext("Size") or 0),
                        b"",
                        milliseconds(each.findtext("LastModified")),
                        _stamp(each.findtext("ETag") or "", ""),
                    )
            token = root.findtext("NextContinuationToken")
            is_past = last[len(self._prefix) :] >= names[-1]
            if root.findtext("IsTruncated") != "true" or not token or is_past:
                break
            query["continuation-token"] = token
        return found


def is_same_object(now: ObjectInfo, before: ObjectInfo) -> bool:
    """Whether two looks have seen the same object. A listing does not say what put it was stored by."""
    (etag, put), (earlier_etag, earlier_put) = now.stamp, before.stamp
    same_put = put == earlier_put or 0 in (put, earlier_put)
    return now.size == before.size and etag == earlier_etag and same_put


def _folder(name: str) -> str:
    return name[: name.rfind("/") + 1]


def _digest(answer: Answer) -> bytes:
    """Return the SHA-256 that S3 has checked or that was stored beside the object, empty where there is none."""
    found = answer.headers
    for text, decode in (
        (found.get("x-amz-checksum-sha256", ""), base64.b64decode),
        (found.get(DIGEST_HEADER, ""), bytes.fromhex),
    ):
        # The checksum of an object in parts is another one, which ends with their number.
        with suppress(binascii.Error, ValueError):
            digest = decode(text)
            if len(digest) == _DIGEST_BYTES:
                return digest
    return b""


def _stored(text: str | None) -> int | None:
    try:
        return int(parsedate_to_datetime(text or "").timestamp() * 1000)
    except ValueError:
        return None


def _stamp(etag: str, put: str) -> Stamp:
    return _number(etag.strip('"')), _number(put)


def _number(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) if text else 0
