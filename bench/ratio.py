"""The order of runs, and the comparison of two contenders.

The speed of a machine drifts by up to a factor of two between identical runs, so a run is
compared with the neighbouring run of the other contender, never with an average of another hour.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """One run: its contender and its round. Round 0 is the warm-up and is not measured."""

    round: int
    contender: str

    @property
    def counts(self) -> bool:
        """Whether the run is measured."""
        return self.round > 0


@dataclass(frozen=True)
class Ratio:
    """A peer's figure divided by ours, round by round; above 1, ours took less."""

    ours: str
    peer: str
    measure: str
    pairs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.pairs)

    def as_json(self) -> dict[str, object]:
        """Return the ratio as JSON data."""
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
    """Yield the runs in the order A B A B …, after one round of warm-up."""
    for number in range(0 if warm_up else 1, runs + 1):
        for contender in contenders:
            yield Turn(number, contender)


@dataclass
class Pace:
    """How many rounds a contender gets: as many as fit in a time, and always one.

    A run that takes a third of the time needs no warm-up: it counts as round 1.
    """

    # Seconds for all measured runs of the contender.
    budget: float
    _spent: float = 0.0
    _began_early: bool = False

    def takes(self, turn: Turn) -> bool:
        """Return whether the contender runs in this turn."""
        if turn.round == 1 and self._began_early:
            return False
        return self._spent < self.budget

    def took(self, turn: Turn, seconds: float) -> int:
        """Note how long a run took, and return the round that it counts as."""
        self._began_early |= not turn.counts and 3 * seconds > self.budget
        if turn.counts or self._began_early:
            self._spent += seconds
        return turn.round or int(self._began_early)


Figures = Mapping[tuple[int, str], Mapping[str, float]]


def ratio(figures: Figures, ours: str, peer: str, measure: str) -> Ratio | None:
    """Return the ratio over the measured rounds in which both succeeded; None if there are none.

    Rounds in which our figure is 0 are left out: CPU time is counted in ticks.
    """
    rounds = sorted({number for number, _ in figures if number > 0})
    pairs = []
    for number in rounds:
        mine = figures.get((number, ours), {}).get(measure)
        theirs = figures.get((number, peer), {}).get(measure)
        if mine and theirs is not None:
            pairs.append(theirs / mine)
    return Ratio(ours, peer, measure, tuple(pairs)) if pairs else None
