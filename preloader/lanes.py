"""Spreads a pool's images over lanes: one DaemonSet each, so that a node pulls them in parallel.

The kubelet pulls the images of one pod one after the other, whatever `serializeImagePulls` says
(https://kubernetes.io/docs/concepts/containers/images/#serial-and-parallel-image-pulls), so k pods
are the only way to pull k images at once.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

from preloader.layers import Layers, union_bytes

Item = TypeVar("Item")
Lanes = tuple[tuple[Item, ...], ...]

# More lanes are more pods on every node, so they have to shorten the pull by at least this much.
LEAST_GAIN = 0.05

# An item by its index, since two items may have the very same layers.
_Indexed = tuple[int, Layers]
_Lane = list[_Indexed]


def spread(
    items: Sequence[Item], most_lanes: int, layers: Callable[[Item], Layers | None]
) -> Lanes[Item]:
    """Returns the items in at most `most_lanes` lanes, none empty, those with the least first.

    Where the layers of all items are known there are only as many lanes as shorten the pull of the
    fullest; else the items are dealt out in turn over all lanes.
    """
    most_lanes = min(most_lanes, len(items))
    known = [
        (index, item_layers)
        for index, item in enumerate(items)
        if (item_layers := layers(item)) is not None
    ]
    if len(known) < len(items):
        return tuple(tuple(items[lane::most_lanes]) for lane in reversed(range(most_lanes)))
    by_count = [_balanced(known, count) for count in range(1, most_lanes + 1)]
    chosen = by_count[_enough([max(map(_fill, lanes)) for lanes in by_count])] if by_count else []
    by_fill = sorted(filter(None, chosen), key=_fill)
    return tuple(tuple(items[index] for index, _ in sorted(lane, key=_order)) for lane in by_fill)


def _enough(fullest: Sequence[int]) -> int:
    """Returns the first index after which no value is lower by the least gain."""
    return next(
        index
        for index, size in enumerate(fullest)
        if all(later > (1 - LEAST_GAIN) * size for later in fullest[index + 1 :])
    )


def _balanced(items: Sequence[_Indexed], count: int) -> list[_Lane]:
    """Returns the items in `count` lanes whose fullest is as low as is found.

    Longest first into the lane that it fills the least: at most 4/3 of the best possible where no
    layers are shared (Graham 1969, https://doi.org/10.1137/0117039). Where some are, a layer counts
    once a lane, and items move on from the fullest lane while that lowers it.
    """
    lanes: list[_Lane] = [[] for _ in range(count)]
    # The lowest lane on a tie: with equal sizes the order is that written.
    for item in sorted(items, key=_order):
        min(lanes, key=lambda lane: _fill([*lane, item])).append(item)
    if any(first.keys() & second.keys() for (_, first), (_, second) in combinations(items, 2)):
        while lower := next(_lower(lanes), None):
            lanes = lower
    return lanes


def _lower(lanes: Sequence[_Lane]) -> Iterator[list[_Lane]]:
    """Yields what moving or swapping an item of the fullest lane makes, where that is lower."""
    fills = sorted(map(_fill, lanes), reverse=True)
    fullest = max(range(len(lanes)), key=lambda lane: _fill(lanes[lane]))
    for other in range(len(lanes)):
        if other == fullest:
            continue
        for mine in lanes[fullest]:
            for theirs in (None, *lanes[other]):
                changed = list(lanes)
                changed[fullest] = _exchanged(lanes[fullest], mine, theirs)
                changed[other] = _exchanged(lanes[other], theirs, mine)
                if sorted(map(_fill, changed), reverse=True) < fills:
                    yield changed


def _exchanged(lane: _Lane, leaves: _Indexed | None, comes: _Indexed | None) -> _Lane:
    rest = [item for item in lane if item is not leaves]
    return rest if comes is None else [*rest, comes]


def _order(item: _Indexed) -> tuple[int, int]:
    return -_fill([item]), item[0]


def _fill(lane: _Lane) -> int:
    return union_bytes(layers for _, layers in lane)
