"""Check and repair file names from untrusted sources.

The rules of POSIX **and** of Windows apply on every system, because lakes and exports are moved between systems. A name
is refused when it is absolute, contains a drive or a stream (``:``) or a ``..`` part, holds control characters, is a
Windows device (``CON``, ``nul.txt``) or ends in a dot or a blank.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from uuid import UUID

from headrace.errors import BadRequestError

MAX_PART_BYTES = 255
MAX_NAME_BYTES = 1024
STATE_FOLDER = ".headrace"
"""The folder in which headrace keeps the state of a target folder; it never holds files of users."""

_DEVICE = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
_PLAIN_PART = r"(?!con|prn|aux|nul|clock|com|lpt)[A-Za-z0-9_-](?:[A-Za-z0-9_. -]*[A-Za-z0-9_-])?"
_PLAIN = re.compile(rf"(?:{_PLAIN_PART}/)*{_PLAIN_PART}", re.IGNORECASE)
"""Matches nearly all names, so that one test shows that they are valid."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ACTING = re.compile(r"(?:^|(?<=[/\\]))(?=[.~]|-[A-Za-z-])")
"""The beginning of a part that means something to a shell, a program or a system."""
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,10}")


def safe_parts(name: str) -> list[str]:
    """Split a relative path at slashes and backslashes.

    Raises:
        BadRequestError: The name is unsafe; the message gives the reason.
    """
    if fault := _find_fault(name):
        raise BadRequestError(f"the name {_shown(name)} {fault}", hint="rename the file")
    return re.split(r"[/\\]", name)


def safe_join(folder: Path, name: str) -> Path:
    """Join ``name`` to ``folder``; raises :class:`BadRequestError` for a name that is unsafe on any system."""
    return folder.joinpath(*safe_parts(name))


def safe_name(name: str, what: str = "name") -> str:
    """Check a name that users choose (of a dataset, tag or label): :func:`safe_text` without control characters."""
    if _CONTROL.search(name, 0, MAX_NAME_BYTES):
        raise BadRequestError(f"the {what} {_shown(name)} holds control characters")
    return safe_text(name, what)


def safe_text(text: str, what: str) -> str:
    """Check that a text can be stored, such as a file name in its original form.

    Args:
        text: The text.
        what: What it is, for the error message.

    Raises:
        BadRequestError: The text is empty, too long, or not valid Unicode.
    """
    if not text[: MAX_NAME_BYTES + 1].strip():
        raise BadRequestError(f"the {what} is empty", hint="give at least one letter")
    # Its characters are counted first: all else would read every one of a million.
    if len(text) <= MAX_NAME_BYTES:
        if "\0" in text or _SURROGATE.search(text):
            raise BadRequestError(f"the {what} {_shown(text)} is not valid Unicode text")
        if len(text.encode()) <= MAX_NAME_BYTES:
            return text
    raise BadRequestError(
        f"the {what} {_shown(text)} is too long", hint=f"at most {MAX_NAME_BYTES} bytes"
    )


def safe_extension(filename: str) -> str:
    """Return the extension with its dot, in lower case, where it is 1 to 10 ASCII letters and digits, else ``""``."""
    stem, dot, extension = filename.rpartition(".")
    return f".{extension.lower()}" if dot and stem and _EXTENSION.fullmatch(extension) else ""


def repair_name(name: str) -> str:
    """Return ``name`` where it is safe, else a similar safe relative path; it may collide with another name."""
    if _find_fault(name) is None:
        return name
    parts = [_repair_part(part) for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    return "/".join(parts) or "_"


def repair_file_name(name: str) -> str:
    """Repair a name for a file in a target folder; it may collide with another name.

    No part of it is hidden, stands for a home or looks like an option: a person who downloads into a home or a working copy
    must not get a ``.ssh``, a ``.git/hooks`` or a ``-rf`` that nobody there chose. So the folder ``.headrace`` is safe too.
    """
    safe = repair_name(name)
    if _ACTING.search(safe) is None:
        return safe
    return repair_name(_ACTING.sub("_", safe))


def stem_fits(name: str, most: int) -> bool:
    """Return whether the last part of ``name``, without its suffix, has at most ``most`` bytes."""
    # Paths cost far more than the length of the whole name, which nearly always settles it.
    return (
        len(name.encode()) <= most
        or len(PurePosixPath(name.replace("\\", "/")).stem.encode()) <= most
    )


def with_id(name: str, id: UUID, *, most: int = MAX_PART_BYTES) -> str:
    """Insert an id: ``photos/a.jpg`` -> ``photos/a-<id>.jpg``; the stem is cut so that the last part has at most ``most`` bytes."""
    path = PurePosixPath(name.replace("\\", "/"))
    stem, suffix = path.stem, path.suffix
    if len(f"-{id}{suffix}".encode()) >= most:
        # A suffix that leaves no room is none: it would have to be cut too.
        stem, suffix = path.name, ""
    end = f"-{id}{suffix}"
    while len(f"{stem}{end}".encode()) > most:
        stem = stem[:-1]
    return str(path.with_name(stem + end))


def id_name(id: UUID, filename: str) -> str:
    """Return ``<id>.jpg``, the name of a file in downloads and annotation files that use ids."""
    suffix = PurePosixPath(repair_name(filename)).suffix
    name = f"{id}{suffix}"
    return name if len(name.encode()) <= MAX_PART_BYTES else str(id)


def _find_fault(name: str) -> str | None:
    """Return what is wrong with a relative path, None where it is safe."""
    if len(name) <= MAX_PART_BYTES and name.isascii() and _PLAIN.fullmatch(name):
        return None
    if not name:
        return "is empty"
    if _SURROGATE.search(name):
        return "is not valid Unicode"
    if name[0] in "/\\":
        return "is an absolute path"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    for part in re.split(r"[/\\]", name):
        if fault := _find_part_fault(part):
            return fault
    return None


def _find_part_fault(part: str) -> str | None:
    if part == "..":
        return "leaves its folder"
    if part in ("", "."):
        return "has an empty part"
    if _CONTROL.search(part):
        return "holds control characters"
    if ":" in part:
        return "contains a drive or a stream (':')"
    if part[-1] in ". ":
        return "ends in a dot or a blank"
    if _DEVICE.match(part):
        return "is the name of a device on Windows"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a part longer than {MAX_PART_BYTES} bytes"
    return None


def _repair_part(part: str) -> str:
    text = _SURROGATE.sub("_", _CONTROL.sub("_", part)).replace(":", "_")
    if text[-1] in ". ":
        text = text[:-1] + "_"
    if _DEVICE.match(text):
        text = "_" + text
    while len(text.encode()) > MAX_PART_BYTES:
        stem, dot, extension = text.rpartition(".")
        text = f"{stem[:-1]}{dot}{extension}" if len(stem) > 1 else text[:-1]
    return text


def _shown(name: str) -> str:
    # A name may have millions of characters.
    text = ascii(name if len(name) <= 200 else f"{name[:100]}{name[-100:]}")
    return text if len(text) <= 80 else f"{text[:60]}…{text[-10:]}"
