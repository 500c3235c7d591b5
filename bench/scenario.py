"""Scenarios: contenders that do the same job, each in a separate process."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.dataset import SCALES, Spec

# Values must be serializable as JSON.
Arguments = Mapping[str, Any]


class RunError(Exception):
    """A contender or its server failed; the message has its last output."""


@dataclass(frozen=True)
class Contender:
    """One way to do the job: a script in `contenders/`, run with the Python of an environment."""

    name: str
    script: str
    environment: str = "headrace"
    # Packages whose versions are part of the result.
    packages: tuple[str, ...] = ()
    # The largest scale at which it runs by default; at larger ones a slow peer must be named.
    up_to: str = "L"
    # False for a limit, which does only a part of the job: its counts are not compared.
    whole: bool = True
    # The name of the only contender of ours with which this one is compared; default all.
    beside: str | None = None


@dataclass(frozen=True)
class RunSetup:
    """The inputs of one run, prepared outside the measurement."""

    arguments: Arguments
    # The process id of a server for the contender, which is measured separately.
    server_pid: int | None = None
    # Those of further servers, whose CPU time is added to it.
    more_servers: tuple[int, ...] = ()
    # Returns what grows beside the job, such as the CPU seconds of a database (`postgres_cpu_s`) or the MiB that it
    # wrote to its log (`log_mib`): it is called right before and right after, and the differences are figures.
    readings: Callable[[], Mapping[str, float]] | None = None
    # Called after the run to count what was done; the counts must be equal for all contenders.
    verify: Callable[[], Mapping[str, int]] | None = None
    # Files and bytes to transfer, if that is the job.
    files: int = 0
    bytes: int = 0
    # Things that the job handles one by one, such as assets or shapes.
    items: int = 0


@dataclass(frozen=True)
class Setting:
    """The data of a scenario, and the folders that it may use."""

    spec: Spec
    cache: Path
    coco_file: Path
    scale: str = "S"


def coco_data(setting: Setting) -> Mapping[str, Any]:
    """Describe the COCO file of a scale, for the result."""
    return {**asdict(setting.spec), "bytes": setting.coco_file.stat().st_size}


@dataclass(frozen=True)
class Scenario:
    """A job: our contenders, their peers, and the set-up of a run."""

    name: str
    summary: str
    ours: tuple[Contender, ...]
    peers: tuple[Contender, ...]
    # Called once to create what the runs share.
    prepare: Callable[[Setting], None]
    # Called for each run, with a new folder.
    set_up: Callable[[Setting, Contender, Path], AbstractContextManager[RunSetup]]
    # Describes the data, for the result.
    data: Callable[[Setting], Mapping[str, Any]] = field(default=coco_data)
    # Whether it reads the COCO file of the scale.
    coco: bool = True
    # The figures for which ratios are reported.
    measures: tuple[str, ...] = (
        "wall_s", "job_wall_s", "cpu_s", "job_cpu_s", "total_cpu_s", "job_total_cpu_s", "peak_mib",
    )  # fmt: skip
    # Default folder for the runs.
    work: Path | None = None
    # Whether it writes a file for each image, which a disk makes slower by a changing amount.
    many_files: bool = False

    def chosen(
        self, against: Sequence[str] = (), scale: str = "S", only: Collection[str] = ()
    ) -> tuple[Contender, ...]:
        """Return our contenders and the peers in `against`, by default all that are fast enough for the scale.

        With `only` return the contenders of these names, however slow.
        """
        known = {each.name: each for each in (*self.ours, *self.peers)}
        for name in (*only, *against):
            if name not in known or (name in against and known[name] in self.ours):
                peers = ", ".join(each.name for each in self.peers)
                raise ValueError(f"{self.name} has no peer {name}; its peers are {peers}")
        if only:
            return tuple(each for each in known.values() if each.name in only)
        if against:
            return self.ours + tuple(known[name] for name in against)
        order = list(SCALES)
        quick = [each for each in self.peers if order.index(scale) <= order.index(each.up_to)]
        return self.ours + tuple(quick)
