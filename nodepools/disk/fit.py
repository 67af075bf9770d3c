"""Whether the images of a pool fit the disk that they are to be on, and which size would do."""

from collections.abc import Iterator
from dataclasses import dataclass

from nodepools.args import NodeGroupArgs, NodePoolArgs, VolumeArgs
from nodepools.consequences import NO_BUDGET
from nodepools.disk.budget import Budget, Contents, disk_budget, smallest_gib
from nodepools.disk.volumes import MAX_SIZE_GIB
from nodepools.eks.ami_families import Family, ami_type_of, family_of, keeps_blobs, unpack_ratio
from nodepools.fields import from_args
from nodepools.kubelet.args import DiskArgs, EvictionArgs, ImageGcArgs, ImagePullArgs
from nodepools.kubelet.eviction import (
    BYTES_PER_GIB,
    Eviction,
    eviction_percent,
    parse_eviction,
)
from nodepools.kubelet.settings import ImageGc
from preloader.layers import Layers, check_layers, check_sizes, image_layers
from preloader.problems import Problem, check_keys, check_range

DEFAULT_VERSIONS_KEPT = 2
DEFAULT_ROLLOUT_VERSIONS = 1
DEFAULT_WRITABLE_GIB = 10
MAX_UNPACK_RATIO = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDisk:
    """The disk that images are on, as far as it is known.

    `path` is the input that sets its size, `size_gib` None where that is left to the budget, and
    `budget` None where it cannot be made, for there are no images or `unknown` is not empty.
    """

    path: str
    size_gib: int | None
    least_gib: int
    eviction: Eviction
    fill_percent: int
    budget: Budget | None
    unknown: tuple[str, ...]

    def smallest_gib(self) -> int:
        """The smallest size that holds what the budget says; its least size without a budget."""
        if self.budget is None:
            return self.least_gib
        return smallest_gib(self.budget.total, self.eviction, self.fill_percent, self.least_gib)

    def eviction_percent(self) -> int:
        """Disk use at which the kubelet deletes every unused image."""
        size_gib = self.smallest_gib() if self.size_gib is None else self.size_gib
        return eviction_percent(self.eviction, max(1, size_gib) * BYTES_PER_GIB)


def image_disk(args: NodePoolArgs) -> ImageDisk:
    """Returns the disk that the pool's images are on; its thresholds and sizes must be checked."""
    group = args["node_group"]
    family = family_of(ami_type_of(group))
    path, size_gib, least_gib = _where_images_are(args, family)
    image_gc = from_args(ImageGc, group.get("image_gc", ImageGcArgs()))
    return ImageDisk(
        path=path,
        size_gib=size_gib,
        least_gib=least_gib,
        eviction=pool_eviction(group),
        # At least 1, so that a disk of some size is large enough for whatever is refused.
        fill_percent=max(1, min(args.get("high_water_percent", 100), image_gc.high_percent)),
        budget=_budget(args, family),
        unknown=tuple(image for image, layers in _layers(args).items() if layers is None),
    )


def pool_eviction(group: NodeGroupArgs) -> Eviction:
    """Returns the thresholds of the pool's nodes, which must be checked."""
    family = family_of(ami_type_of(group))
    return parse_eviction(group.get("eviction", EvictionArgs()), family.default_eviction)


def check_disk_inputs(args: NodePoolArgs) -> Iterator[Problem]:
    """Yields numbers that no disk can have."""
    disk, path = args["node_group"].get("disk", DiskArgs()), "node_group.disk"
    yield from check_keys(path, disk, DiskArgs.__annotations__)
    yield from check_range(
        f"{path}.unpack_ratio", disk.get("unpack_ratio", 1), 1, MAX_UNPACK_RATIO, NO_BUDGET
    )
    yield from check_range("versions_kept", args.get("versions_kept", 1), 1, 100, NO_BUDGET)
    yield from check_range(
        f"{path}.rollout_versions", disk.get("rollout_versions", 0), 0, 100, NO_BUDGET
    )
    yield from check_range(
        f"{path}.buffer_percent", disk.get("buffer_percent", 0), 0, 1000, NO_BUDGET
    )
    for key in ("workload_image_bytes", "writable_gib", "system_gib"):
        if disk.get(key, 0) < 0:
            yield Problem(f"{path}.{key}", disk.get(key), f"must be 0 or more{NO_BUDGET}")
    images = args.get("images", [])
    yield from check_sizes(args.get("image_sizes_bytes", {}), images)
    yield from check_layers(args.get("image_layers_bytes", {}), images)


def check_fit(disk: ImageDisk) -> Iterator[Problem]:
    """Yields a problem where the images do not fit, or where the size cannot be chosen."""
    if disk.size_gib is None and disk.budget is None:
        missing = (
            f"the compressed size is not known of {', '.join(disk.unknown)}; run `preloadctl "
            "lock`, or say it in image_sizes_bytes"
            if disk.unknown
            else "there are no images to choose it by"
        )
        yield Problem(disk.path, None, f"is needed in GiB, since {missing}")
    elif disk.budget is not None:
        smallest = disk.smallest_gib()
        given = smallest if disk.size_gib is None else disk.size_gib
        if given < smallest or smallest > MAX_SIZE_GIB:
            yield Problem(disk.path, disk.size_gib, _too_small(disk, smallest))


def _too_small(disk: ImageDisk, smallest: int) -> str:
    usable = min(disk.fill_percent, disk.eviction_percent())
    most = f"; a volume has at most {MAX_SIZE_GIB}" if smallest > MAX_SIZE_GIB else ""
    return (
        f"must be at least {smallest}{most}: {disk.budget}, in the {usable} % of the disk that may "
        "be used; with less the kubelet deletes images and evicts pods before all of them are there"
    )


def _where_images_are(args: NodePoolArgs, family: Family) -> tuple[str, int | None, int]:
    group = args["node_group"]
    if "instance_store_gib" in group:
        return "node_group.instance_store_gib", group["instance_store_gib"], 1
    if family.data_device:
        size_gib = group.get("data_volume", VolumeArgs()).get("size_gib")
        return "node_group.data_volume.size_gib", size_gib, family.data_min_gib
    size_gib = group.get("root_volume", VolumeArgs()).get("size_gib")
    return "node_group.root_volume.size_gib", size_gib, family.root_min_gib


def _budget(args: NodePoolArgs, family: Family) -> Budget | None:
    images = [layers for layers in _layers(args).values() if layers is not None]
    if not images or len(images) < len(args.get("images", [])):
        return None
    group = args["node_group"]
    disk = group.get("disk", DiskArgs())
    fast_pull = group.get("image_pulls", ImagePullArgs()).get("fast", False)
    return disk_budget(
        Contents(
            images=images,
            workload_image_bytes=disk.get("workload_image_bytes", 0),
            unpack_ratio=disk.get("unpack_ratio", unpack_ratio(family, fast_pull=fast_pull)),
            keeps_blobs=keeps_blobs(family, fast_pull=fast_pull),
            versions_kept=args.get("versions_kept", DEFAULT_VERSIONS_KEPT),
            rollout_versions=disk.get("rollout_versions", DEFAULT_ROLLOUT_VERSIONS),
            pulled_at_once=args.get("lanes", 1),
            buffer_percent=disk.get("buffer_percent", 0),
            writable_bytes=disk.get("writable_gib", DEFAULT_WRITABLE_GIB) * BYTES_PER_GIB,
            system_bytes=disk.get("system_gib", family.system_gib) * BYTES_PER_GIB,
        )
    )


def _layers(args: NodePoolArgs) -> dict[str, Layers | None]:
    return image_layers(
        args.get("images", []),
        args.get("image_sizes_bytes", {}),
        args.get("image_layers_bytes", {}),
    )
