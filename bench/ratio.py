"""How runs become a comparison: whom to run when, and what the pairs say.

Machines drift by up to twofold between identical runs, so a peer is compared with the run
right beside its own, never with an average of another hour.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """Who runs, and in which round; round 0 warms up and does not count."""

    round: int
    contender: str

    @property
    def counts(self) -> bool:
        """Whether the run goes into the figures."""
        return self.round > 0


@dataclass(frozen=True)
class Ratio:
    """A peer's figure divided by ours, pair by pair; above 1, ours took less."""

    ours: str
    peer: str
    measure: str
    pairs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle pair."""
        return statistics.median(self.pairs)

    def as_json(self) -> dict[str, object]:
        """The pairs and their spread."""
        return {
            "ours": self.ours,
            "peer": self.peer,
            "measure": self.measure,
            "pairs": list(self.pairs),
            "min": min(self.pairs),
            "median": self.median,
            "max": max(self.pairs),
        }


def turns(contenders: Sequence[str], runs: int, *, warm_up: bool = True) -> Iterator[Turn]:
    """A B A B …, after one round of warm-up."""
    for number in range(0 if warm_up else 1, runs + 1):
        for contender in contenders:
            yield Turn(number, contender)


Figures = Mapping[tuple[int, str], Mapping[str, float]]


def ratio(figures: Figures, ours: str, peer: str, measure: str) -> Ratio | None:
    """Peer by ours over the counted rounds in which both ended well; None without any.

    A figure of nought cannot be a divisor: CPU time is counted in ticks, and what takes
    less than one is not compared.
    """
    rounds = sorted({number for number, _ in figures if number > 0})
    pairs = []
    for number in rounds:
        mine = figures.get((number, ours), {}).get(measure)
        theirs = figures.get((number, peer), {}).get(measure)
        if mine and theirs is not None:
            pairs.append(theirs / mine)
    return Ratio(ours, peer, measure, tuple(pairs)) if pairs else None
