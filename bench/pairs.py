"""Measures two things in turn, so that a machine whose speed drifts slows both alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

Measurement = dict[str, object]


@dataclass(frozen=True, slots=True)
class Pair:
    """What was measured once of both, one right after the other."""

    ours: float
    other: float

    @property
    def ours_over_other(self) -> float:
        """For what we want small against something that we cannot do without."""
        return self.ours / self.other

    @property
    def other_over_ours(self) -> float:
        """How many times better we are."""
        return self.other / self.ours


@dataclass(frozen=True, slots=True)
class Summary:
    """One measurement over several pairs, in the form in which `bench/results.json` has it.

    Ours and the other are medians; the ratio is the median of the pairs' ratios, whose extremes are
    the spread.
    """

    name: str
    ratio: float
    ours: float
    other: float
    unit: str
    runs: int
    spread: tuple[float, float]

    def as_measurement(self) -> Measurement:
        """The measurement as plain data."""
        return asdict(self)


def summarise(
    name: str, pairs: Sequence[Pair], ratio: Callable[[Pair], float], unit: str = "s"
) -> Summary:
    """Returns the summary of pairs; `name` says which of the two is over which."""
    ratios = [ratio(pair) for pair in pairs]
    return Summary(
        name=name,
        ratio=round(statistics.median(ratios), 3),
        ours=round(statistics.median(pair.ours for pair in pairs), 3),
        other=round(statistics.median(pair.other for pair in pairs), 3),
        unit=unit,
        runs=len(pairs),
        spread=(round(min(ratios), 3), round(max(ratios), 3)),
    )


def measure_pairs(
    ours: Callable[[], float], other: Callable[[], float], *, runs: int = 5
) -> list[Pair]:
    """Runs both once for warmth, which does not count, and then in turn."""
    ours()
    other()
    return [Pair(ours(), other()) for _ in range(runs)]


def process_seconds(
    command: Sequence[str], folder: os.PathLike[str] | None = None, exit_code: int = 0
) -> float:
    """Returns how long a command takes as a whole process; raises where it exits otherwise."""
    start = time.perf_counter()
    ended = subprocess.run(  # noqa: S603 the commands are this program's own
        command, cwd=folder, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - start
    if ended.returncode != exit_code:
        raise subprocess.CalledProcessError(ended.returncode, command)
    return seconds
