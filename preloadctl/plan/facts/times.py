"""When a new node has pulled which image: lanes beside each other, in each one image at a time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from preloadctl.plan.model import Bandwidth, PullTimes
from preloader.layers import Layers, union_bytes


@dataclass(frozen=True, slots=True)
class Pull:
    """The pull of one image: the layers that its lane had not yet, and from when until when."""

    new_bytes: int
    start_seconds: float
    end_seconds: float


def lane_pulls(
    lanes: Sequence[Sequence[Layers]], bandwidth: Bandwidth
) -> tuple[tuple[Pull, ...], ...]:
    """Returns the pull of each image of each lane.

    A layer that two lanes need is waited for in both, as containerd downloads it once and lets the
    other pull wait. Unpacking is taken to keep up with the download.
    """
    new_bytes = [_new_bytes(lane) for lane in lanes]
    totals = [sum(lane) for lane in new_bytes]
    return tuple(tuple(_in_turn(lane, totals, bandwidth)) for lane in new_bytes)


def pull_times(lanes: Sequence[Sequence[Layers]], bandwidth: Bandwidth) -> PullTimes:
    """Returns how long all images take in these lanes, in one lane, and at the very least."""
    images = [image for lane in lanes for image in lane]
    alone = _lane_rate(1, bandwidth)
    together_bytes = union_bytes(images)
    largest_bytes = max((union_bytes([image]) for image in images), default=0)
    pulls = lane_pulls(lanes, bandwidth)
    return PullTimes(
        lanes_seconds=max((lane[-1].end_seconds for lane in pulls if lane), default=0),
        one_lane_seconds=together_bytes / alone,
        bound_seconds=max(
            largest_bytes / alone,
            together_bytes / bandwidth.node_bytes_per_second
            if bandwidth.node_bytes_per_second
            else 0,
        ),
    )


def _new_bytes(lane: Iterable[Layers]) -> list[int]:
    """Returns for each image the bytes of its layers that no image before it has."""
    pulled: dict[str, int] = {}
    sizes: list[int] = []
    for layers in lane:
        sizes.append(union_bytes([pulled, layers]) - union_bytes([pulled]))
        pulled |= layers
    return sizes


def _in_turn(
    new_bytes: Iterable[int], totals_bytes: Sequence[int], bandwidth: Bandwidth
) -> Iterable[Pull]:
    pulled_bytes, start_seconds = 0, 0.0
    for size_bytes in new_bytes:
        pulled_bytes += size_bytes
        end_seconds = _seconds_until(pulled_bytes, totals_bytes, bandwidth)
        yield Pull(size_bytes, start_seconds, end_seconds)
        start_seconds = end_seconds


def _seconds_until(pulled_bytes: int, totals_bytes: Sequence[int], bandwidth: Bandwidth) -> float:
    """Returns when a lane has pulled so many bytes.

    Lanes that still pull are equally fast, so all of them have pulled as much, and they become
    faster as the ones with the least end.
    """
    seconds, done_bytes = 0.0, 0
    for ended, total_bytes in enumerate(sorted(totals_bytes)):
        until_bytes = min(pulled_bytes, total_bytes)
        if until_bytes > done_bytes:
            rate = _lane_rate(len(totals_bytes) - ended, bandwidth)
            seconds += (until_bytes - done_bytes) / rate
            done_bytes = until_bytes
    return seconds


def _lane_rate(pulling: int, bandwidth: Bandwidth) -> float:
    """Bytes a second of each of the lanes that pull: an equal share, no more than one image's."""
    share = (bandwidth.node_bytes_per_second or float("inf")) / pulling
    return min(bandwidth.image_bytes_per_second, share)
