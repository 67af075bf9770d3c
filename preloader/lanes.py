"""Spreads a pool's images over lanes: one DaemonSet each, so that a node pulls them in parallel.

The kubelet pulls the images of one pod one after the other, whatever `serializeImagePulls` says
(https://kubernetes.io/docs/concepts/containers/images/#serial-and-parallel-image-pulls), so k pods
are the only way to pull k images at once.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Lanes = tuple[tuple[Item, ...], ...]


def spread(
    items: Sequence[Item], lane_count: int, size: Callable[[Item], int | None]
) -> Lanes[Item]:
    """Returns the items in at most `lane_count` lanes, none empty, those with the least first.

    By size, longest first into the lane that is the least full, where every size is known: at most
    4/3 of the best possible (Graham 1969, https://doi.org/10.1137/0117039). Else in turn.
    """
    lane_count = min(lane_count, len(items))
    sized = [(item, item_size) for item in items if (item_size := size(item)) is not None]
    if len(sized) < len(items):
        return tuple(tuple(items[lane::lane_count]) for lane in reversed(range(lane_count)))
    lanes: list[list[Item]] = [[] for _ in range(lane_count)]
    filled = [0] * lane_count
    # A stable sort and the lowest lane on a tie: equal sizes keep the order written.
    for item, item_size in sorted(sized, key=lambda pair: -pair[1]):
        lane = filled.index(min(filled))
        lanes[lane].append(item)
        filled[lane] += item_size
    by_fill = sorted(range(lane_count), key=lambda lane: filled[lane])
    return tuple(tuple(lanes[lane]) for lane in by_fill)
