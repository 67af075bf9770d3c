"""What is drawn of a pool, in shares of a drawing's width: bars, parts, ticks and marks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, count

from nodepools.kubelet.eviction import BYTES_PER_GIB
from preloadctl.plan.model import DiskPlan, PlannedImage, PoolPlan, PullTimes
from preloadctl.plan.units import duration_text
from preloadctl.plan.wording.sentences import NEVER_PERCENT

MOST_INTERVALS = 6
# Steps that a clock is read in, up to half a day.
TICK_STEPS_SECONDS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 20, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
)
# The class of each part in a style sheet, by the name that the disk budget gives it.
PART_CLASSES = {
    "images": "images",
    "the workloads' images": "workloads",
    "a rollout": "rollout",
    "layers being pulled": "pulling",
    "buffer": "buffer",
    "logs and writable layers": "writable",
    "the system": "system",
}
OTHER_PART = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """An image in its lane, with its number in the pool."""

    number: int
    image: PlannedImage
    start: float
    width: float
    is_last: bool
    """Whether its lane is free after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A time on the axis."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A line through a drawing, and what it says."""

    kind: str
    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gantt:
    """When a new node pulls which image, up to the longest of the times to compare."""

    lanes: tuple[tuple[Bar, ...], ...]
    ticks: tuple[Tick, ...]
    marks: tuple[Mark, ...]
    """From left to right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a disk, with the letter that stands for it."""

    letter: str
    kind: str
    name: str
    size_bytes: int
    start: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskBar:
    """What a disk holds, from left to right, and the marks on it."""

    parts: tuple[Part, ...]
    volume: float
    """Where the disk ends; below 1 it is too small for its parts."""
    free_bytes: int
    marks: tuple[Mark, ...]
    """From left to right."""


def gantt(pool: PoolPlan) -> Gantt | None:
    """Returns the pool's lanes over time, or None where a time is not known or there is none."""
    times = pool.times
    if times is None or not pool.lanes:
        return None
    whole = max(times.one_lane_seconds, times.lanes_seconds, times.bound_seconds)
    if not whole:
        return None
    numbers = count(1)
    return Gantt(
        lanes=tuple(tuple(_bars(lane, whole, numbers)) for lane in pool.lanes),
        ticks=_ticks(whole),
        marks=_time_marks(times, len(pool.lanes), whole),
    )


def disk_bar(disk: DiskPlan) -> DiskBar:
    """Returns the disk as a bar: as wide as the volume, or as its parts where they are more."""
    sized = [part for part in disk.parts if part.size_bytes]
    used, volume = sum(part.size_bytes for part in sized), disk.size_gib * BYTES_PER_GIB
    whole = max(used, volume)
    ends = list(accumulate((part.size_bytes for part in sized), initial=0))
    return DiskBar(
        parts=tuple(
            Part(
                letter=chr(ord("A") + index),
                kind=PART_CLASSES.get(part.name, OTHER_PART),
                name=part.name,
                size_bytes=part.size_bytes,
                start=ends[index] / whole,
                width=part.size_bytes / whole,
            )
            for index, part in enumerate(sized)
        ),
        volume=volume / whole,
        free_bytes=max(0, volume - used),
        marks=_disk_marks(disk, volume / whole),
    )


def short_name(reference: str) -> str:
    """The end of a reference that people know an image by: `pytorch:2.1.0`, `web@0a1b2c3d`."""
    name, at, digest = reference.rpartition("/")[2].partition("@")
    return f"{name}@{digest.partition(':')[2][:8]}" if at and ":" not in name else name


def _bars(
    lane: Sequence[PlannedImage], whole_seconds: float, numbers: Iterator[int]
) -> Iterator[Bar]:
    for image in lane:
        # The times of a pool are known only where those of each image are.
        start, end = image.start_seconds or 0.0, image.end_seconds or 0.0
        yield Bar(
            number=next(numbers),
            image=image,
            start=start / whole_seconds,
            width=(end - start) / whole_seconds,
            is_last=image is lane[-1],
        )


def _ticks(whole_seconds: float) -> tuple[Tick, ...]:
    step = next(
        (step for step in TICK_STEPS_SECONDS if whole_seconds <= step * MOST_INTERVALS),
        whole_seconds,
    )
    return tuple(
        Tick(at=number * step / whole_seconds, text=duration_text(number * step))
        for number in range(int(whole_seconds / step) + 1)
    )


def _time_marks(times: PullTimes, lanes: int, whole_seconds: float) -> tuple[Mark, ...]:
    named = [("bound", times.bound_seconds, "at best")]
    # With a single lane the bars say it already.
    if lanes > 1:
        named.append(("one-lane", times.one_lane_seconds, "one lane"))
    return tuple(
        Mark(kind=kind, at=seconds / whole_seconds, text=f"{name} {duration_text(seconds)}")
        for kind, seconds, name in named
    )


def _disk_marks(disk: DiskPlan, volume: float) -> tuple[Mark, ...]:
    named = (
        ("high-water", disk.high_water_percent, "high water"),
        ("gc", disk.gc_percent, "image GC"),
        ("eviction", disk.eviction_percent, "eviction"),
    )
    marks = [
        Mark(kind=kind, at=volume * percent / 100, text=f"{name} {percent} %")
        for kind, percent, name in named
        if percent is not None and percent < NEVER_PERCENT
    ]
    return tuple(sorted(marks, key=lambda mark: mark.at))
