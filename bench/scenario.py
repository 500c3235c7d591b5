"""What a scenario is: contenders that do the same job, each as a process of its own."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.dataset import SCALES, Spec

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
    # The largest scale at which it runs without being asked for by name: a slow peer would
    # make a round take minutes.
    up_to: str = "L"
    # Whether it does the job: a limit does a part of it only, so its counts are not compared.
    whole: bool = True


@dataclass(frozen=True)
class RunSetup:
    """All that a run needs, made ready and not measured."""

    arguments: Arguments
    # A server that works for the contender; measured beside it, not within it.
    server_pid: int | None = None
    # Called after the run: what was really done, to be equal for all contenders.
    verify: Callable[[], Mapping[str, int]] | None = None
    # Files and bytes that are moved, where that is the job.
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Setting:
    """Where a scenario runs: the data it works on and the folders it may use."""

    spec: Spec
    cache: Path
    coco_file: Path
    scale: str = "S"


def coco_data(setting: Setting) -> Mapping[str, Any]:
    """What the COCO file of a scale is."""
    return {**asdict(setting.spec), "bytes": setting.coco_file.stat().st_size}


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
    set_up: Callable[[Setting, Contender, Path], AbstractContextManager[RunSetup]]
    # What it works on, for the result; counts and names.
    data: Callable[[Setting], Mapping[str, Any]] = field(default=coco_data)
    # Whether it reads the COCO file of the scale.
    coco: bool = True
    # The figures that ratios are taken of.
    measures: tuple[str, ...] = (
        "wall_s", "job_wall_s", "cpu_s", "job_cpu_s", "total_cpu_s", "peak_mib",
    )  # fmt: skip
    # Where runs write if nobody says.
    work: Path | None = None

    def chosen(self, against: list[str], scale: str = "S") -> tuple[Contender, ...]:
        """Ours and the peers that were asked for; all that are quick enough when none was named."""
        known = {peer.name: peer for peer in self.peers}
        for name in against:
            if name not in known:
                raise ValueError(f"{self.name} knows no peer {name}; it has {', '.join(known)}")
        if against:
            return self.ours + tuple(known[name] for name in against)
        order = list(SCALES)
        quick = [each for each in self.peers if order.index(scale) <= order.index(each.up_to)]
        return self.ours + tuple(quick)
