"""From what a program registers to its pools, and from a pool's inputs to its plan."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from nodepools.args import NodePoolArgs
from nodepools.disk.fit import ImageDisk
from nodepools.eks.ami_families import ami_type_of, architecture_of
from nodepools.platforms.args import NodeSettingsArgs
from nodepools.platforms.node_settings import node_settings_files
from nodepools.spec import NodePoolSpec, node_pool_spec
from nodepools.spec import notes as node_pool_notes
from preloadctl.plan.facts.inputs import node_settings
from preloadctl.plan.facts.times import Pull, lane_pulls, pull_times
from preloadctl.plan.model import (
    Bandwidth,
    DiskPart,
    DiskPlan,
    Nodes,
    PlannedImage,
    PoolPlan,
    PullTimes,
    SettingsFile,
)
from preloadctl.recorder import COMPUTED, Registration
from preloader.args import ImagePreloaderArgs
from preloader.lanes import Lanes
from preloader.layers import Layers, image_layers, union_bytes
from preloader.placement import architecture
from preloader.spec import (
    DEFAULT_LANES,
    PreloadedImage,
    PreloaderSpec,
    preloader_spec,
    preloader_warnings,
    unknown_sizes,
)
from preloader.tokens import IMAGE_PRELOADER, KARPENTER_POOL, NODE_POOL, NODE_SETTINGS

NODE_POOLS = (NODE_POOL, KARPENTER_POOL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """The inputs of the components that share a name; None where the program has no such one."""

    name: str
    preloader: ImagePreloaderArgs | None
    node_pool: NodePoolArgs | None
    node_settings: NodeSettingsArgs | None

    @property
    def architecture(self) -> str:
        """The processors of its nodes, by which its images are locked."""
        if self.preloader is None and self.node_pool is not None:
            group = self.node_pool["node_group"]
            return architecture_of(ami_type_of(group))
        return architecture(self.preloader or {})

    @property
    def layers(self) -> dict[str, Layers | None]:
        """The layers of its images, by the reference as written."""
        args = self.preloader or self.node_pool or {}
        return image_layers(
            args.get("images", []),
            args.get("image_sizes_bytes", {}),
            args.get("image_layers_bytes", {}),
        )


def pools(registrations: Iterable[Registration]) -> dict[str, Pool]:
    """Returns the pools of a program by name, in the order of their names."""
    by_name: dict[str, dict[str, Mapping[str, object]]] = {}
    for registration in registrations:
        if registration.type in (IMAGE_PRELOADER, *NODE_POOLS, NODE_SETTINGS):
            by_name.setdefault(registration.name, {})[registration.type] = registration.inputs
    return {name: _pool(name, by_name[name]) for name in sorted(by_name)}


def _pool(name: str, by_type: Mapping[str, Mapping[str, object]]) -> Pool:
    node_pool = next((_known_now(by_type[kind]) for kind in NODE_POOLS if kind in by_type), None)
    return Pool(
        name=name,
        preloader=cast("ImagePreloaderArgs | None", by_type.get(IMAGE_PRELOADER)),
        node_pool=cast("NodePoolArgs | None", node_pool),
        node_settings=cast("NodeSettingsArgs | None", by_type.get(NODE_SETTINGS)),
    )


def _known_now(inputs: Mapping[str, object]) -> dict[str, object]:
    # What only a deployment can tell is no text to check as such.
    return {key: None if value == COMPUTED else value for key, value in inputs.items()}


def plan_pool(pool: Pool, bandwidth: Bandwidth) -> PoolPlan:
    """Returns the plan of a pool whose inputs its components have accepted."""
    preloader = preloader_spec(pool.name, pool.preloader) if pool.preloader else None
    node_pool = node_pool_spec(pool.name, pool.node_pool) if pool.node_pool else None
    lanes, times = _lanes(preloader.lanes if preloader else (), bandwidth)
    layers = _known(pool.layers.values())
    total_bytes = union_bytes(layers) if lanes and layers is not None else None
    return PoolPlan(
        name=pool.name,
        architecture=pool.architecture,
        mode=preloader.mode if preloader else None,
        nodes=nodes(pool.node_pool),
        most_lanes=_most_lanes(pool.preloader),
        lanes=lanes,
        times=times,
        total_bytes=total_bytes,
        shared_bytes=None
        if total_bytes is None
        else sum(union_bytes([image]) for image in layers or []) - total_bytes,
        disk=_disk(node_pool, pool.node_pool),
        settings=node_settings(pool.node_pool) if pool.node_pool else (),
        settings_files=_settings_files(pool),
        notes=_notes(pool, preloader, node_pool),
    )


def nodes(args: NodePoolArgs | None) -> Nodes | None:
    """How many nodes a pool has; None where something else decides that."""
    scaling = args["node_group"].get("scaling") if args else None
    return Nodes(least=scaling["min_size"], most=scaling["max_size"]) if scaling else None


def chosen_gib(disk: ImageDisk) -> int:
    """The size of the images' disk: as it is written, else as it follows from the budget."""
    return disk.smallest_gib() if disk.size_gib is None else disk.size_gib


def _most_lanes(args: ImagePreloaderArgs | None) -> int:
    return args.get("preload", {}).get("lanes", DEFAULT_LANES) if args else 0


def _known(layers: Iterable[Layers | None]) -> list[Layers] | None:
    """Returns the layers of all images; None where those of one are not known."""
    several = list(layers)
    known = [one for one in several if one is not None]
    return known if len(known) == len(several) else None


def _lanes(
    lanes: Lanes[PreloadedImage], bandwidth: Bandwidth
) -> tuple[Lanes[PlannedImage], PullTimes | None]:
    by_lane = [_known(image.layers for image in lane) for lane in lanes]
    known = [lane for lane in by_lane if lane is not None]
    if not lanes or len(known) < len(lanes):
        return tuple(tuple(_planned(image, None) for image in lane) for lane in lanes), None
    planned = tuple(
        tuple(_planned(image, pull) for image, pull in zip(lane, pulls, strict=True))
        for lane, pulls in zip(lanes, lane_pulls(known, bandwidth), strict=True)
    )
    return planned, pull_times(known, bandwidth)


def _planned(image: PreloadedImage, pull: Pull | None) -> PlannedImage:
    return PlannedImage(
        reference=image.written,
        size_bytes=None if image.layers is None else union_bytes([image.layers]),
        new_bytes=pull.new_bytes if pull else None,
        start_seconds=pull.start_seconds if pull else None,
        end_seconds=pull.end_seconds if pull else None,
    )


def _disk(spec: NodePoolSpec | None, args: NodePoolArgs | None) -> DiskPlan | None:
    if spec is None or args is None:
        return None
    disk = spec.image_disk
    budget = disk.budget
    return DiskPlan(
        path=disk.path,
        size_gib=chosen_gib(disk),
        chosen=disk.size_gib is None,
        smallest_gib=disk.smallest_gib() if budget else None,
        parts=tuple(DiskPart(name=name, size_bytes=size) for name, size in budget.parts() if size)
        if budget
        else (),
        high_water_percent=args.get("high_water_percent"),
        gc_percent=spec.kubelet.image_gc.high_percent,
        eviction_percent=disk.eviction_percent(),
    )


def _settings_files(pool: Pool) -> tuple[SettingsFile, ...]:
    if pool.node_settings is None:
        return ()
    files = node_settings_files(pool.name, pool.node_settings)
    return tuple(SettingsFile(name=name, text=text) for name, text in files.items())


def _notes(
    pool: Pool, preloader: PreloaderSpec | None, node_pool: NodePoolSpec | None
) -> tuple[str, ...]:
    """What the components warn of in a deployment."""
    warnings = preloader_warnings(pool.preloader) if pool.preloader else []
    unknown = unknown_sizes(preloader) if preloader else ""
    of_nodes = node_pool_notes(node_pool) if node_pool else []
    return (*map(str, warnings), *([unknown] if unknown else []), *of_nodes)
