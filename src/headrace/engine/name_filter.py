"""Choose files by their names: globs that include or exclude, and lists of names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Final, Self

from headrace.errors import ConfigurationError, NoDataError
from headrace.model.sample import Sample
from headrace.transfer.state.journal import MarkSet

NAMES_SHOWN: Final = 3

Rule = tuple[bool, str]
"""A glob, and whether it includes (True) or excludes."""


class NameFilter:
    """Chooses names, such as ``train/0001.jpg``.

    In a glob, ``*`` and ``?`` stand for any characters but ``/``, ``**`` for any characters, ``[ab]`` for one of some,
    and ``{jpg,png}`` for one of several texts. A glob that begins with ``/`` matches the whole name, any other one its
    last parts: ``a.jpg`` matches ``x/a.jpg`` too. A glob that ends with ``/`` matches all names below that folder.

    Of several globs that match, the last one counts. A name that no glob matches is chosen unless there is an
    including glob. With a list of names, only these are chosen, less those that the globs leave out.

    Args:
        rules: The globs in order.
        names: The names that may be chosen. They are kept as eight bytes each. Default: all.

    Raises:
        ConfigurationError: A glob is not valid.
    """

    def __init__(self, rules: Sequence[Rule] = (), names: Iterable[str] | None = None) -> None:
        self.rules = tuple(rules)
        self._patterns = [(includes, _compiled(glob)) for includes, glob in reversed(self.rules)]
        self._others = not any(includes for includes, _ in self.rules)
        self._digest = ""
        self.names: Collection[str] | None = None
        """The list of names, spelled as ``plain_name`` does."""
        if names is not None:
            self.names = names if isinstance(names, Collection) else list(names)
            self._wanted = MarkSet()
            digest = blake2b(digest_size=16)
            for name in self.names:
                mark = _mark(plain_name(name))
                digest.update(mark.to_bytes(8))
                self._wanted.add(mark)
            self._digest = digest.hexdigest()
            self._met = MarkSet()

    @classmethod
    def of(
        cls,
        include: str | Iterable[str] | NameFilter = (),
        exclude: str | Iterable[str] = (),
        names: Iterable[str] | None = None,
    ) -> Self | NameFilter:
        """Make a filter from the arguments of a call; ``exclude`` counts after ``include``.

        Args:
            include: Globs of names to choose; or a filter, which is returned.
            exclude: Globs of names to leave out.
            names: The names that may be chosen. Default: all.
        """
        if isinstance(include, NameFilter):
            return include
        rules = [(True, glob) for glob in _texts(include)]
        rules += [(False, glob) for glob in _texts(exclude)]
        return cls(rules, names)

    def __repr__(self) -> str:
        """Return a text that is equal for equal filters."""
        return f"NameFilter({self.rules!r}, {self._digest!r})"

    def __eq__(self, other: object) -> bool:
        """Return whether another filter has the same rules and the same list of names."""
        if not isinstance(other, NameFilter):
            return NotImplemented
        return (self.rules, self._digest) == (other.rules, other._digest)

    def __hash__(self) -> int:
        return hash((self.rules, self._digest))

    def __bool__(self) -> bool:
        """Whether there is any rule: without one, all names are chosen."""
        return bool(self.rules) or self.names is not None

    def chooses(self, name: str, other: str | None = None) -> bool:
        """Return whether a name is chosen; ``other`` is another spelling that the list of names may have."""
        if self.names is not None and not (self._lists(name) or (other and self._lists(other))):
            return False
        for includes, pattern in self._patterns:
            if pattern.fullmatch(name):
                return includes
        return self._others

    def chooses_sample(self, sample: Sample) -> bool:
        """Return whether an image of an annotation file is chosen, by its path or its name."""
        return self.chooses(sample.path or sample.filename, sample.filename)

    def not_found(self) -> list[str]:
        """Return some of the listed names that :meth:`chooses` was not asked for; empty if there are none."""
        if self.names is None or len(self._met) == len(self._wanted):
            return []
        unmet = (name for name in map(plain_name, self.names) if _mark(name) not in self._met)
        return [name for name, _ in zip(dict.fromkeys(unmet), range(NAMES_SHOWN), strict=False)]

    @property
    def not_found_count(self) -> int:
        """The number of listed names that :meth:`chooses` was not asked for."""
        return 0 if self.names is None else len(self._wanted) - len(self._met)

    def note(self) -> str | None:
        """Return a sentence about the listed names that were not found, None if all were."""
        count = self.not_found_count
        if not count:
            return None
        shown = ", ".join(self.not_found()) + (" …" if count > NAMES_SHOWN else "")
        return f"{count:,} of {len(self._wanted):,} listed names were not found: {shown}"

    def check_any(self, chosen: int, what: str) -> None:
        """Raise NoDataError if nothing was chosen; ``what`` says from what, as in "the version"."""
        if self and not chosen:
            raise NoDataError(
                self.note() or f"the names choose nothing of {what}",
                hint="globs match the last parts of a name, or all of it after a leading /",
            )

    def _lists(self, name: str) -> bool:
        mark = _mark(plain_name(name))
        if mark not in self._wanted:
            return False
        self._met.add(mark)
        return True


def plain_name(name: str) -> str:
    """Return a name without ``./`` in front."""
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def _mark(name: str) -> int:
    # As a set of texts, a million names would take a hundred megabytes.
    digest = blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


def _texts(globs: str | Iterable[str]) -> Iterator[str]:
    yield from [globs] if isinstance(globs, str) else globs


# --- globs -----------------------------------------------------------------------------------------------

_TOKENS: Final = re.compile(r"\*\*|\[[!^]?\]?[^\]/]*\]|\\.|.", re.DOTALL)
_MEANINGS: Final = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def _compiled(glob: str) -> re.Pattern[str]:
    """Return the pattern that names must match in full."""
    whole = glob.startswith("/")
    body = glob.removeprefix("/")
    if not body:
        raise ConfigurationError(
            "a glob is empty", hint="write a part of the name, such as '*.jpg'"
        )
    if body.endswith("/"):
        body += "**"
    try:
        return re.compile(("" if whole else "(?:.*/)?") + _translated(body), re.DOTALL)
    except (re.error, ValueError) as error:
        raise ConfigurationError(
            f"{glob!r} is not a glob: {error}",
            hint="write \\ before *, ?, [ and { that stand for themselves",
        ) from None


def _translated(glob: str) -> str:
    parts: list[str] = []
    depth = 0
    for token in _TOKENS.findall(glob):
        if token in _MEANINGS:
            parts.append(_MEANINGS[token])
        elif token == "{":
            depth += 1
            parts.append("(?:")
        elif token == "}" and depth:
            depth -= 1
            parts.append(")")
        elif token == "," and depth:
            parts.append("|")
        elif token == "[":
            raise ValueError("a [ is not closed")
        elif len(token) > 1 and token[0] == "[":
            parts.append(_characters(token[1:-1]))
        else:
            parts.append(re.escape(token[1:] if token[0] == "\\" and len(token) > 1 else token))
    if depth:
        raise ValueError("a { is not closed")
    return "".join(parts)


def _characters(inner: str) -> str:
    """Return the set of characters that stands between brackets."""
    negated = inner[:1] in ("!", "^")
    escaped = re.sub(r"([\[\]\\&~|^])", r"\\\1", inner[1:] if negated else inner)
    return f"[^/{escaped}]" if negated else f"[{escaped}]"
