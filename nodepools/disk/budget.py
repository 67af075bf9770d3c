"""The disk budget: what the images of a pool take beside everything else, and what disk that needs.

All sizes are plain inputs: where one is not known, the budget is not made rather than guessed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nodepools.kubelet.eviction import BYTES_PER_GIB, Eviction, free_bytes_at_eviction
from preloader.layers import Layers, union_bytes

BYTES_PER_GB = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a disk is to hold. Sizes of images are compressed, as a registry shows them."""

    images: Sequence[Layers]
    workload_image_bytes: int
    unpack_ratio: float
    keeps_blobs: bool
    versions_kept: int
    rollout_versions: int
    pulled_at_once: int
    buffer_percent: int
    writable_bytes: int
    system_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a disk has to hold, by part, in bytes."""

    images: int
    workload_images: int
    rollout: int
    pulling: int
    buffer: int
    writable: int
    system: int

    def parts(self) -> tuple[tuple[str, int], ...]:
        """Each part by its name, also those of no bytes."""
        return (
            ("images", self.images),
            ("the workloads' images", self.workload_images),
            ("a rollout", self.rollout),
            ("layers being pulled", self.pulling),
            ("buffer", self.buffer),
            ("logs and writable layers", self.writable),
            ("the system", self.system),
        )

    @property
    def total(self) -> int:
        """All of it."""
        return sum(size for _, size in self.parts())

    def __str__(self) -> str:
        said = " + ".join(f"{_gib(size)} {name}" for name, size in self.parts() if size)
        return f"{_gib(self.total)} GiB = {said}"


def disk_budget(contents: Contents) -> Budget:
    """Adds up what the disk has to hold at the worst moment, a rollout of every image.

    A layer of several images counts once; two versions of an image are taken to share none.
    """
    preloaded = union_bytes(contents.images)
    workloads = contents.workload_image_bytes
    kept = contents.unpack_ratio * contents.versions_kept
    rollout = contents.unpack_ratio * contents.rollout_versions * (preloaded + workloads)
    # The compressed layers of an image are there until it is unpacked, and then where they are kept
    # they are part of the ratio.
    by_size = sorted((union_bytes([image]) for image in contents.images), reverse=True)
    largest = by_size[: contents.pulled_at_once]
    pulling = 0 if contents.keeps_blobs else sum(largest)
    images = (preloaded + workloads) * kept + rollout + pulling
    return Budget(
        images=math.ceil(preloaded * kept),
        workload_images=math.ceil(workloads * kept),
        rollout=math.ceil(rollout),
        pulling=pulling,
        buffer=math.ceil(images * contents.buffer_percent / 100),
        writable=contents.writable_bytes,
        system=contents.system_bytes,
    )


def usable_bytes(size_gib: int, eviction: Eviction, fill_percent: int) -> int:
    """What may be used of a disk: below the eviction line, and at most `fill_percent` of it."""
    whole = size_gib * BYTES_PER_GIB
    below_line = whole - free_bytes_at_eviction(eviction, whole)
    return min(below_line, whole * fill_percent // 100)


def smallest_gib(required_bytes: int, eviction: Eviction, fill_percent: int, least_gib: int) -> int:
    """The smallest whole size, `least_gib` or more, that has `required_bytes` of usable space.

    `fill_percent` must be above 0, and the eviction line below 100 % free.
    """
    low = high = least_gib
    while usable_bytes(high, eviction, fill_percent) < required_bytes:
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if usable_bytes(middle, eviction, fill_percent) < required_bytes:
            low = middle + 1
        else:
            high = middle
    return high


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / BYTES_PER_GIB:.1f}"
