"""How much the machine's own speed varies: what is always the same, timed again and again."""

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

Spread = dict[str, float]

COMPUTATION, DISK = "computation", "disk"
ITERATIONS = 1_000_000
WRITTEN_BYTES = 64 * 1024 * 1024
REPEATS = 3


class Noise:
    """The times of a computation and of a write to the disk, neither of which ever changes."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {COMPUTATION: [], DISK: []}

    def sample(self) -> None:
        """Does both a few times; to be called between what is measured."""
        for _ in range(REPEATS):
            self._seconds[COMPUTATION].append(_seconds(_compute))
            self._seconds[DISK].append(_seconds(_write))

    def spreads(self) -> dict[str, Spread]:
        """How often each was done, its median in seconds, and its extremes over the median."""
        return {task: _spread(seconds) for task, seconds in self._seconds.items()}


def sentence(spreads: Mapping[str, Spread]) -> str:
    """What a reader of the results has to know of the machine."""
    computation, disk = spreads[COMPUTATION], spreads[DISK]
    return (
        f"The same computation, repeated {computation['runs']} times between the runs, took from "
        f"{computation['lowest']} to {computation['highest']} of its median; the same "
        f"{WRITTEN_BYTES // 1024**2} MiB, written to the disk as often, from {disk['lowest']} to "
        f"{disk['highest']}. What differs by less than that may be the machine."
    )


def _spread(seconds: list[float]) -> Spread:
    median = statistics.median(seconds)
    return {
        "runs": len(seconds),
        "median_seconds": round(median, 3),
        "lowest": round(min(seconds) / median, 2),
        "highest": round(max(seconds) / median, 2),
    }


def _seconds(task: Callable[[], object]) -> float:
    start = time.perf_counter()
    task()
    return time.perf_counter() - start


def _compute() -> None:
    hashlib.pbkdf2_hmac("sha256", b"password", b"salt", ITERATIONS)


def _write() -> None:
    # Beside the node's own disk, which is in the clone too.
    with tempfile.NamedTemporaryFile(dir=Path(__file__).parent) as file:
        file.write(bytes(WRITTEN_BYTES))
        file.flush()
        os.fsync(file.fileno())
