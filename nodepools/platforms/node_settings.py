"""The settings of nodes that something else makes: checked as those of a node group, and written
as the file that the platform takes.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from nodepools.fields import from_args
from nodepools.kubelet.args import ContainerLogArgs, EvictionArgs, ImageGcArgs, ImagePullArgs
from nodepools.kubelet.checks import (
    check_container_logs,
    check_high_water,
    check_image_gc,
    check_image_pulls,
)
from nodepools.kubelet.eviction import (
    BYTES_PER_GIB,
    check_eviction,
    eviction_percent,
    parse_eviction,
)
from nodepools.kubelet.settings import (
    ContainerLogs,
    ImageGc,
    ImagePulls,
    Kubelet,
    kubelet_configuration,
)
from nodepools.platforms.args import NodePlatform, NodeSettingsArgs
from nodepools.platforms.table import PLATFORMS, Platform
from preloader.problems import Problem, check_choice, check_keys, check_range, refuse

# How large the disks are is not known; only thresholds that are amounts depend on it.
ASSUMED_DISK_GIB = 100


def node_settings_files(name: str, args: NodeSettingsArgs) -> dict[str, str]:
    """Returns the text of the file to give to the platform, by its name.

    Raises InvalidInput with every problem of the inputs.
    """
    refuse(f"NodeSettings {name!r}", node_settings_problems(args))
    platform = PLATFORMS[args["platform"]]
    fields = kubelet_configuration(_kubelet(args, platform))
    names = platform.names or {field: field for field in fields}
    return {platform.file_name: platform.write({names[field]: fields[field] for field in fields})}


def node_settings_problems(args: NodeSettingsArgs) -> list[Problem]:
    """Returns every problem of the inputs."""
    unknown = [*check_choice("platform", args["platform"], NodePlatform)]
    if unknown:
        return unknown
    platform = PLATFORMS[args["platform"]]
    image_gc = _image_gc(args, platform)
    eviction = [
        *check_eviction("eviction", args.get("eviction", EvictionArgs()), platform.default_eviction)
    ]
    ranges = [*_check_ranges(args, platform)]
    line = 100 if eviction else eviction_line_percent(args)
    return [
        *check_keys("", args, NodeSettingsArgs.__annotations__),
        *_check_taken(args, platform),
        *ranges,
        *eviction,
        *([] if ranges else check_image_gc("image_gc", image_gc, line)),
        *check_high_water("high_water_percent", args.get("high_water_percent"), image_gc, line),
        *check_image_pulls(
            "image_pulls", args.get("image_pulls", ImagePullArgs()), args.get("lanes", 1)
        ),
        *check_container_logs("container_logs", args.get("container_logs", ContainerLogArgs())),
    ]


def eviction_line_percent(args: NodeSettingsArgs) -> int:
    """Use of the images' disk at which the kubelet deletes every unused image; 100 for never."""
    defaults = PLATFORMS[args["platform"]].default_eviction
    eviction = parse_eviction(args.get("eviction", EvictionArgs()), defaults)
    return eviction_percent(eviction, ASSUMED_DISK_GIB * BYTES_PER_GIB)


def _kubelet(args: NodeSettingsArgs, platform: Platform) -> Kubelet:
    eviction = args.get("eviction", EvictionArgs())
    return Kubelet(
        image_gc=from_args(ImageGc, _image_gc(args, platform)),
        eviction=parse_eviction(eviction, platform.default_eviction),
        states_eviction="hard" in eviction,
        image_pulls=from_args(ImagePulls, args.get("image_pulls", ImagePullArgs())),
        container_logs=from_args(ContainerLogs, args.get("container_logs", ContainerLogArgs())),
    )


def _image_gc(args: NodeSettingsArgs, platform: Platform) -> ImageGcArgs:
    return {"high_percent": platform.default_high_percent, **args.get("image_gc", ImageGcArgs())}


def _check_taken(args: NodeSettingsArgs, platform: Platform) -> Iterator[Problem]:
    """Yields settings that the platform has no place for."""
    fast = args.get("image_pulls", ImagePullArgs()).get("fast")
    if fast:
        yield Problem(
            "image_pulls.fast", fast, "must be left out: only EKS's own AMIs have the snapshotter"
        )
    if platform.names is None:
        return
    for path, value, field in _written(args):
        if field not in platform.names:
            yield Problem(
                path,
                value,
                f"must be left out: the file for {args['platform']} takes "
                f"{', '.join(platform.names.values())}",
            )


def _written(args: NodeSettingsArgs) -> Iterator[tuple[str, Any, str]]:
    groups: Mapping[str, Mapping[str, Any]] = {
        "image_gc": args.get("image_gc", {}),
        "eviction": args.get("eviction", {}),
        "image_pulls": args.get("image_pulls", {}),
    }
    for group, values in groups.items():
        for key, value in values.items():
            if (field := _FIELDS.get(f"{group}.{key}")) is not None:
                yield f"{group}.{key}", value, field


def _check_ranges(args: NodeSettingsArgs, platform: Platform) -> Iterator[Problem]:
    groups: Mapping[str, Any] = args
    for path, (lowest, highest) in platform.ranges.items():
        group, _, key = path.partition(".")
        value = groups.get(group, {}).get(key)
        if value is not None:
            yield from check_range(path, value, lowest, highest)


_FIELDS = {
    "image_gc.minimum_age_seconds": "imageMinimumGCAge",
    "image_gc.maximum_age_seconds": "imageMaximumGCAge",
    "eviction.hard": "evictionHard",
    "eviction.soft": "evictionSoft",
    "eviction.soft_grace_seconds": "evictionSoftGracePeriod",
    "eviction.max_pod_grace_seconds": "evictionMaxPodGracePeriod",
    "image_pulls.serialize": "serializeImagePulls",
    "image_pulls.max_parallel": "maxParallelImagePulls",
    "image_pulls.registry_qps": "registryPullQPS",
    "image_pulls.registry_burst": "registryBurst",
}
