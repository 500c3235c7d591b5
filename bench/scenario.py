"""What a scenario is: contenders that do the same job, each as a process of its own."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.data import Spec

# Values of a contender's arguments and counts: what JSON can say.
Arguments = Mapping[str, Any]


class RunError(Exception):
    """A contender, or what it needs, did not do its job; the text says what it said."""


@dataclass(frozen=True)
class Contender:
    """One way to do the job: a script under `contenders/`, run by an environment's Python."""

    name: str
    script: str
    environment: str = "headrace"
    # Packages whose versions belong to the result.
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stage:
    """All that a run needs, made ready and not measured."""

    arguments: Arguments
    # A server that works for the contender; measured beside it, not within it.
    server_pid: int | None = None
    # Called after the run: what was really done, to be equal for all contenders.
    verify: Callable[[], Mapping[str, int]] | None = None


@dataclass(frozen=True)
class Setting:
    """Where a scenario runs: the data it works on and the folders it may use."""

    spec: Spec
    cache: Path
    coco_file: Path


@dataclass(frozen=True)
class Scenario:
    """A job, who does it for us, whom we compare with, and how a run is set up."""

    name: str
    summary: str
    ours: tuple[Contender, ...]
    peers: tuple[Contender, ...]
    # Called once: makes what the runs share.
    prepare: Callable[[Setting], None]
    # Called for each run with its own new folder.
    stage: Callable[[Setting, Contender, Path], AbstractContextManager[Stage]]
    notes: str = field(default="")

    def chosen(self, against: list[str]) -> tuple[Contender, ...]:
        """Ours and the peers that were asked for, all of them when none was named."""
        known = {peer.name: peer for peer in self.peers}
        for name in against:
            if name not in known:
                raise ValueError(f"{self.name} knows no peer {name}; it has {', '.join(known)}")
        picked = tuple(known[name] for name in against) if against else self.peers
        return self.ours + picked
