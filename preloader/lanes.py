"""Spreads a pool's images over lanes: one DaemonSet each, so that a node pulls them in parallel.

The kubelet pulls the images of one pod one after the other, whatever `serializeImagePulls` says
(https://kubernetes.io/docs/concepts/containers/images/#serial-and-parallel-image-pulls), so k pods
are the only way to pull k images at once.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from preloader.layers import Layers

Item = TypeVar("Item")
Lanes = tuple[tuple[Item, ...], ...]

# More lanes are more pods on every node, so they have to shorten the pull by at least this much.
LEAST_GAIN = 0.05
# A container is about 1 KB, and `kubectl apply` keeps a copy of the object in its annotations, of
# which the API takes 256 KiB
# (https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/).
MAX_IMAGES_A_LANE = 200
# So that time grows as the pool does. Of 84 random pools of 3 to 50 images 83 needed fewer.
_EXCHANGES_TRIED_PER_IMAGE = 50


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """An item by its index, and its layers."""

    index: int
    layers: Layers
    size_bytes: int


@dataclass(slots=True)
class _Lane:
    """What is in a lane so far, and how many bytes a node pulls for it."""

    items: list[_Placed] = field(default_factory=list[_Placed])
    holders: Counter[str] = field(default_factory=Counter[str])
    """How many of the items have a layer."""
    fill_bytes: int = 0

    def bytes_after(self, leaves: _Placed | None, comes: _Placed | None) -> int:
        """Returns the bytes that the lane would have; a layer of several items counts once."""
        left: Layers = leaves.layers if leaves else {}
        new: Layers = comes.layers if comes else {}
        return (
            self.fill_bytes
            - sum(size for key, size in left.items() if self.holders[key] == 1 and key not in new)
            + sum(size for key, size in new.items() if self.holders[key] == 0)
        )

    def exchange(self, leaves: _Placed | None, comes: _Placed | None) -> None:
        self.fill_bytes = self.bytes_after(leaves, comes)
        if leaves:
            self.items.remove(leaves)
            self.holders.subtract(leaves.layers.keys())
        if comes:
            self.items.append(comes)
            self.holders.update(comes.layers.keys())


def spread(
    items: Sequence[Item], most_lanes: int, layers: Callable[[Item], Layers | None]
) -> Lanes[Item]:
    """Returns the items in at most `most_lanes` lanes, none empty, those with the least first.

    Where the layers of all items are known there are only as many lanes as shorten the pull of the
    fullest; else the items are dealt out in turn over all lanes. No lane has more items than
    MAX_IMAGES_A_LANE, unless there are more than all lanes hold.
    """
    most_lanes = min(most_lanes, len(items))
    known = [
        _Placed(index, item_layers, sum(item_layers.values()))
        for index, item in enumerate(items)
        if (item_layers := layers(item)) is not None
    ]
    if len(known) < len(items):
        return tuple(tuple(items[lane::most_lanes]) for lane in reversed(range(most_lanes)))
    if not items:
        return ()
    room = max(MAX_IMAGES_A_LANE, _shares(len(items), most_lanes))
    by_count = [
        _balanced(known, count, room) for count in range(_shares(len(items), room), most_lanes + 1)
    ]
    chosen = by_count[_enough([max(lane.fill_bytes for lane in lanes) for lanes in by_count])]
    by_fill = sorted((lane for lane in chosen if lane.items), key=lambda lane: lane.fill_bytes)
    return tuple(
        tuple(items[item.index] for item in sorted(lane.items, key=_order)) for lane in by_fill
    )


def _shares(count: int, size: int) -> int:
    """Returns `count / size`, rounded up."""
    return -(-count // size)


def _enough(fullest: Sequence[int]) -> int:
    """Returns the first index after which no value is lower by the least gain."""
    return next(
        index
        for index, size in enumerate(fullest)
        if all(later > (1 - LEAST_GAIN) * size for later in fullest[index + 1 :])
    )


def _balanced(items: Sequence[_Placed], count: int, room: int) -> list[_Lane]:
    """Returns the items in `count` lanes of at most `room` whose fullest is as low as is found.

    Longest first into the lane that it fills the least: at most 4/3 of the best possible where no
    layers are shared (Graham 1969, https://doi.org/10.1137/0117039). Where some are, a layer counts
    once a lane, and items move on from the fullest lane while that lowers it.
    """
    lanes = [_Lane() for _ in range(count)]
    # The lowest lane on a tie: with equal sizes the order is that written.
    for item in sorted(items, key=_order):
        with_room = (lane for lane in lanes if len(lane.items) < room)
        min(with_room, key=lambda lane: lane.bytes_after(None, item)).exchange(None, item)
    if any(
        holders > 1 for holders in Counter(key for item in items for key in item.layers).values()
    ):
        tries = iter(range(len(items) * _EXCHANGES_TRIED_PER_IMAGE))
        while _lowers(lanes, room, tries):
            pass
    return lanes


def _lowers(lanes: Sequence[_Lane], room: int, tries: Iterator[int]) -> bool:
    """Makes the first exchange with the fullest lane that lowers the two; False where none does."""
    fullest = max(lanes, key=lambda lane: lane.fill_bytes)
    for (other, mine, theirs), _ in zip(_exchanges(lanes, fullest, room), tries, strict=False):
        before = sorted((fullest.fill_bytes, other.fill_bytes), reverse=True)
        after = (fullest.bytes_after(mine, theirs), other.bytes_after(theirs, mine))
        if sorted(after, reverse=True) < before:
            fullest.exchange(mine, theirs)
            other.exchange(theirs, mine)
            return True
    return False


def _exchanges(
    lanes: Sequence[_Lane], fullest: _Lane, room: int
) -> Iterator[tuple[_Lane, _Placed, _Placed | None]]:
    """Yields each other lane with an item that moves there, alone or for one that comes back."""
    for other in lanes:
        if other is fullest:
            continue
        alone = (None,) if len(other.items) < room else ()
        for mine in fullest.items:
            for theirs in (*alone, *other.items):
                yield other, mine, theirs


def _order(item: _Placed) -> tuple[int, int]:
    return -item.size_bytes, item.index
