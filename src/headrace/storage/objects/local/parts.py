"""Multipart uploads: each is a folder with its parts; once they are joined, the folder only records the result."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from headrace.errors import BadRequestError, NotFoundError
from headrace.newfile import write_private_file
from headrace.storage.objects.base import ObjectInfo
from headrace.storage.objects.local.files import ObjectWriter, open_object
from headrace.storage.objects.local.moves import move_into_place
from headrace.storage.objects.names import check_part_number

_ID = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = "name"
_DONE = "done"


def begin_upload(uploads: Path, name: str) -> str:
    """Create the folder of an upload; returns the upload's id."""
    upload_id = secrets.token_hex(16)
    folder = uploads / upload_id
    folder.mkdir(mode=0o700)
    write_private_file(folder / _NAME, name)
    return upload_id


def upload_folder(uploads: Path, name: str, upload_id: str) -> Path:
    """Return the folder of an upload; 404 if the object has no such upload."""
    folder = uploads / upload_id
    if not _ID.fullmatch(upload_id) or _text(folder / _NAME) != name:
        raise NotFoundError(f"no upload {upload_id!r} of {name}", hint="begin the upload again")
    return folder


def store_part(folder: Path, number: int, writer: ObjectWriter, *, sync: bool) -> str:
    """Store a written part, replacing an earlier one; returns its ETag."""
    # The whole SHA-256: clients take an ETag of 32 digits for an MD5.
    etag = f'"{writer.digest.hex()}"'
    target = folder / f"{number:05d}.{etag.strip(chr(34))}"
    writer.publish(target, sync=sync)
    for other in folder.glob(f"{number:05d}.*"):
        if other != target:
            other.unlink(missing_ok=True)
    return etag


def join_parts(folder: Path, name: str, parts: list[tuple[int, str]], writer: ObjectWriter) -> None:
    """Write the parts in order into ``writer``; 400 if one is missing or has another ETag."""
    numbers = [number for number, _ in parts]
    if not parts or numbers != sorted(set(numbers)):
        raise BadRequestError(f"the parts of {name} are not in order", hint="list each part once")
    for number, etag in parts:
        check_part_number(number)
        try:
            opened = open_object(folder / f"{number:05d}.{_plain(etag)}")
        except FileNotFoundError:
            raise BadRequestError(
                f"part {number} of {name} is missing or has another ETag",
                hint="send the part again",
            ) from None
        try:
            writer.copy(opened)
        finally:
            os.close(opened)


def mark_completed(folder: Path, stored: ObjectInfo) -> None:
    """Record what was stored and delete the parts."""
    note = folder / f"{_DONE}.new"
    write_private_file(note, f"{stored.size} {stored.sha256.hex()}")
    move_into_place(note, folder / _DONE, sync=False)
    for part in folder.iterdir():
        if part.name not in (_NAME, _DONE):
            part.unlink(missing_ok=True)


def abort_upload(uploads: Path, name: str, upload_id: str) -> None:
    """Delete the folder of an upload; one that is not there is ignored."""
    with suppress(NotFoundError):
        shutil.rmtree(upload_folder(uploads, name, upload_id), ignore_errors=True)


def completed_object(folder: Path, name: str) -> ObjectInfo | None:
    """Return what an earlier completion stored; None if the upload is not completed."""
    note = _text(folder / _DONE)
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
