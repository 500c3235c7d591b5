"""Names of files that come from elsewhere: refused where they could leave a folder on any system.

The rules of POSIX **and** of Windows hold on every system, because lakes and exports travel: a name is refused when
it is absolute, names a drive or a stream (``:``), climbs (``..``), holds control characters, is one of Windows'
devices (``CON``, ``nul.txt``) or ends in a dot or a blank.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from uuid import UUID

from headrace.errors import BadRequestError

MAX_PART_BYTES = 255
MAX_NAME_BYTES = 1024
STATE_FOLDER = ".headrace"
"""Where headrace keeps what it knows of a folder: no file of a user's goes there."""

_DEVICE = re.compile(
    r"^(con|prn|aux|nul|conin\$|conout\$|clock\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_EXTENSION = re.compile(r"[A-Za-z0-9]{1,10}")


def safe_parts(name: str) -> list[str]:
    """The parts of a relative path, slashes of both directions taken as separators.

    Raises :class:`BadRequestError` that says what is wrong with the name.
    """
    if fault := _fault(name):
        raise BadRequestError(f"the name {_shown(name)} {fault}", hint="rename the file")
    return re.split(r"[/\\]", name)


def safe_join(folder: Path, name: str) -> Path:
    """The path of ``name`` below ``folder``; :class:`BadRequestError` for a name that is unsafe anywhere."""
    return folder.joinpath(*safe_parts(name))


def safe_name(name: str, what: str = "name") -> str:
    """A name that people give (to a dataset, a tag, a label): :func:`safe_text` without control characters."""
    if _CONTROL.search(name):
        raise BadRequestError(f"the {what} {_shown(name)} holds control characters")
    return safe_text(name, what)


def safe_text(text: str, what: str) -> str:
    """Text that can be stored whatever it is: a file name as its owner spelled it.

    Raises :class:`BadRequestError` where it is empty, too long, or not valid Unicode.
    """
    if not text.strip():
        raise BadRequestError(f"the {what} is empty", hint="give it at least one letter")
    if "\0" in text or _SURROGATE.search(text):
        raise BadRequestError(f"the {what} {_shown(text)} is not valid Unicode text")
    if len(text.encode()) > MAX_NAME_BYTES:
        raise BadRequestError(
            f"the {what} {_shown(text)} is too long", hint=f"at most {MAX_NAME_BYTES} bytes"
        )
    return text


def safe_extension(filename: str) -> str:
    """The extension with its dot in lower case where it is plain letters and digits, else nothing."""
    stem, dot, extension = filename.rpartition(".")
    return f".{extension.lower()}" if dot and stem and _EXTENSION.fullmatch(extension) else ""


def repaired(name: str) -> str:
    """``name`` where it is safe, else the nearest safe relative path; not necessarily a distinct one."""
    if _fault(name) is None:
        return name
    parts = [_repaired_part(part) for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    return "/".join(parts) or "_"


def placed(name: str) -> str:
    """``name`` where a file of a folder may bear it, else the nearest that one may; not necessarily a distinct one."""
    safe = repaired(name)
    return "_" + safe if re.split(r"[/\\]", safe)[0].casefold() == STATE_FOLDER else safe


def fits(name: str, most: int) -> bool:
    """Whether the last part of ``name``, without its suffix, has no more than ``most`` bytes."""
    return len(PurePosixPath(name.replace("\\", "/")).stem.encode()) <= most


def with_id(name: str, id: UUID, *, most: int = MAX_PART_BYTES) -> str:
    """``photos/a.jpg`` -> ``photos/a-<id>.jpg``; a stem is cut where the last part would be longer than ``most`` bytes."""
    path = PurePosixPath(name.replace("\\", "/"))
    end = f"-{id}{path.suffix}"
    stem = path.stem
    while len(f"{stem}{end}".encode()) > most:
        stem = stem[:-1]
    return str(path.with_name(stem + end))


def id_name(id: UUID, filename: str) -> str:
    """``<id>.jpg``: what a download or an annotation file that goes by ids calls a file."""
    return f"{id}{PurePosixPath(repaired(filename)).suffix}"


def _fault(name: str) -> str | None:
    """What is wrong with a relative path, None where it is safe."""
    if not name:
        return "is empty"
    if _SURROGATE.search(name):
        return "is not valid Unicode"
    if name[0] in "/\\":
        return "is an absolute path"
    if len(name.encode()) > MAX_NAME_BYTES:
        return f"is longer than {MAX_NAME_BYTES} bytes"
    for part in re.split(r"[/\\]", name):
        if fault := _part_fault(part):
            return fault
    return None


def _part_fault(part: str) -> str | None:
    if part == "..":
        return "climbs out of its folder"
    if part in ("", "."):
        return "has an empty part"
    if _CONTROL.search(part):
        return "holds control characters"
    if ":" in part:
        return "names a drive or a stream (':')"
    if part[-1] in ". ":
        return "ends in a dot or a blank"
    if _DEVICE.match(part):
        return "is a device's name on Windows"
    if len(part.encode()) > MAX_PART_BYTES:
        return f"has a part longer than {MAX_PART_BYTES} bytes"
    return None


def _repaired_part(part: str) -> str:
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
    text = ascii(name)
    return text if len(text) <= 80 else f"{text[:60]}…{text[-10:]}"
