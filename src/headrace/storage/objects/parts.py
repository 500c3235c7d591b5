"""Uploads in parts: each is a folder that holds its parts until they are joined, then only a note that they were."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from headrace.errors import BadRequestError, NotFoundError
from headrace.storage.objects.base import ObjectInfo
from headrace.storage.objects.files import Incoming, move_into_place, open_object

MAX_PARTS = 10_000

_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = "name"
_DONE = "done"


def begin(folder: Path, name: str) -> str:
    """Make the folder of an upload; its id."""
    upload_id = secrets.token_hex(16)
    place = folder / upload_id
    place.mkdir(mode=0o700)
    (place / _NAME).write_text(name, encoding="utf-8")
    return upload_id


def place_of(folder: Path, name: str, upload_id: str) -> Path:
    """The folder of an upload; 404 where there is no such upload of this object."""
    place = folder / upload_id
    if not _ID.fullmatch(upload_id) or _text(place / _NAME) != name:
        raise NotFoundError(f"no upload {upload_id!r} of {name}", hint="begin the upload again")
    return place


def check_number(number: int) -> None:
    """400 for a part number out of range."""
    if not 1 <= number <= MAX_PARTS:
        raise BadRequestError(f"no part {number}", hint=f"parts count from 1 to {MAX_PARTS}")


def keep_part(place: Path, number: int, incoming: Incoming, *, sync: bool) -> str:
    """Put a written part into its upload, in the place of an earlier one; its ETag."""
    # The whole SHA-256: 32 digits would be taken for an MD5.
    etag = f'"{incoming.digest.hex()}"'
    target = place / f"{number:05d}.{etag.strip(chr(34))}"
    incoming.publish(target, sync=sync)
    for other in place.glob(f"{number:05d}.*"):
        if other != target:
            other.unlink(missing_ok=True)
    return etag


def join(place: Path, name: str, parts: list[tuple[int, str]], incoming: Incoming) -> None:
    """Write the parts in order into ``incoming``; 400 where one is missing or is another than named."""
    numbers = [number for number, _ in parts]
    if not parts or numbers != sorted(set(numbers)):
        raise BadRequestError(f"the parts of {name} are not in order", hint="list each part once")
    for number, etag in parts:
        check_number(number)
        try:
            opened = open_object(place / f"{number:05d}.{_plain(etag)}")
        except FileNotFoundError:
            raise BadRequestError(
                f"part {number} of {name} is not there as named", hint="send the part again"
            ) from None
        try:
            incoming.copy(opened)
        finally:
            os.close(opened)


def conclude(place: Path, stored: ObjectInfo) -> None:
    """Leave a note of what was stored and drop the parts."""
    note = place / f"{_DONE}.new"
    note.write_text(f"{stored.size} {stored.sha256.hex()}", encoding="utf-8")
    move_into_place(note, place / _DONE, sync=False)
    for part in place.iterdir():
        if part.name not in (_NAME, _DONE):
            part.unlink(missing_ok=True)


def concluded(place: Path, name: str) -> ObjectInfo | None:
    """What an earlier completion stored."""
    note = _text(place / _DONE)
    if note is None:
        return None
    size, digest = note.split()
    return ObjectInfo(name, int(size), bytes.fromhex(digest))


def _plain(etag: str) -> str:
    text = etag.strip('"')
    return text if _DIGEST.fullmatch(text) else "-"


def _text(path: Path) -> str | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return path.read_text(encoding="utf-8")
    return None
