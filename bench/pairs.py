"""Measures two things in turn, so that a machine whose speed drifts slows both alike."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

Measurement = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """The medians of what was measured in pairs, and the median and extremes of their ratios."""

    name: str
    ratio: float
    ours: float
    other: float
    unit: str
    runs: int
    spread: tuple[float, float]

    def as_measurement(self) -> Measurement:
        """The form in `bench/results.json`."""
        return asdict(self)


def measure_pairs(
    name: str,
    ours: Callable[[], float],
    other: Callable[[], float],
    *,
    unit: str = "s",
    runs: int = 5,
) -> Pairs:
    """Runs both once for warmth and then in turn; the ratio is ours over the other."""
    ours()
    other()
    values = [(ours(), other()) for _ in range(runs)]
    ratios = [mine / theirs for mine, theirs in values]
    return Pairs(
        name=name,
        ratio=round(statistics.median(ratios), 3),
        ours=round(statistics.median(mine for mine, _ in values), 3),
        other=round(statistics.median(theirs for _, theirs in values), 3),
        unit=unit,
        runs=runs,
        spread=(round(min(ratios), 3), round(max(ratios), 3)),
    )


def process_seconds(command: Sequence[str], folder: os.PathLike[str] | None = None) -> float:
    """Returns how long a command takes as a whole process; raises where it fails."""
    start = time.perf_counter()
    subprocess.run(  # noqa: S603 the commands are this program's own
        command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    return time.perf_counter() - start
