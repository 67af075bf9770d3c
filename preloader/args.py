"""What `ImagePreloader` takes, and what a stack file may say of a pool's preloading.

The stack file reads the groups below as they stand, so both have the same keys, types and docs.
No `from __future__ import annotations` here: Pulumi's analyser reads the types at run time.
"""

from enum import StrEnum
from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from preloader.agent.policy import MetricsAddress, ReportFormat
from preloader.nodes import Architecture, TaintArgs


class PreloadMode(StrEnum):
    """How an image gets to the node and stays there."""

    HOLD = "hold"
    """A container for each image that sleeps: it counts in READY and keeps the image in use."""
    INIT = "init"
    """An init container for each image, one after the other, then a pause container."""


class Rollout(StrEnum):
    """Whether a deployment waits until the images are on the nodes."""

    DETACHED = "detached"
    """`pulumi up` returns as soon as the DaemonSets are accepted."""
    AWAIT = "await"
    """`pulumi up` returns when every node of the pool has every image, or fails at the timeout."""


class Tolerate(StrEnum):
    """Which taints the preloader's pods tolerate."""

    POOL_TAINTS = "pool_taints"
    """Those of the pool, as in `node_taints`."""
    EVERYTHING = "everything"
    """Every taint: for a pool that means all nodes of the cluster."""


class PreloadArgs(TypedDict):
    mode: NotRequired[PreloadMode]
    """`hold` or `init`. Default: hold."""
    lanes: NotRequired[int]
    """Most DaemonSets to spread the images over, since a kubelet pulls one image a pod at a time;
    with all sizes known fewer where more would gain under 5 %. Default: 4."""
    rollout: NotRequired[Rollout]
    """`detached` or `await`. Default: detached."""
    rollout_timeout_seconds: NotRequired[int]
    """How long `await` waits for a DaemonSet. Default: 1800."""


class CleanupArgs(TypedDict):
    enabled: NotRequired[bool]
    """Whether images that nobody needs are removed. Default: true."""
    keep_versions: NotRequired[int]
    """How many versions of a repository stay, newest first. Default: 2."""
    minimum_age_seconds: NotRequired[int]
    """How long an image stays after it appeared on the node. Default: 3600."""
    protect: NotRequired[list[str]]
    """Globs over references (`ghcr.io/acme/*`); what they match is never removed. Default: none."""
    schedule: NotRequired[str]
    """When the cleanup runs, as a cron expression of five fields. Default: `0 3 * * *`."""
    time_zone: NotRequired[str]
    """IANA time zone of the schedule. Default: UTC."""
    jitter_seconds: NotRequired[int]
    """Longest delay after the schedule; each node has its own, always the same. Default: 600."""
    high_water_percent: NotRequired[int]
    """Use of the images' disk above which the cleanup runs at once. Default: 80."""
    low_water_percent: NotRequired[int]
    """Where a cleanup that `high_water_evicts` stops. Default: ten below `high_water_percent`."""
    high_water_evicts: NotRequired[bool]
    """Whether unused images among the newest versions may go as well above high water.
    Default: false."""
    eviction_percent: NotRequired[int]
    """Disk use at which the pool's kubelets evict, below which high water has to be. Default: the
    node group's, otherwise unknown and not checked."""
    dry_run: NotRequired[bool]
    """Whether to report what would be removed, and to remove nothing. Default: false."""
    report: NotRequired[ReportFormat]
    """`json` or `text`. Default: json, one line a decision."""
    metrics_port: NotRequired[int]
    """Port of Prometheus metrics and health. Default: none."""
    metrics_address: NotRequired[MetricsAddress]
    """`node` or `loopback`: the node's address, which then needs the host's network, or for
    `kubectl port-forward` alone. Default: node."""
    image_filesystem: NotRequired[str]
    """A path in the container on the disk that holds the images. Default: its root directory, which
    overlayfs keeps there."""
    runtime_socket: NotRequired[str]
    """The container runtime's socket. Default: /run/containerd/containerd.sock."""


class HelperImagesArgs(TypedDict):
    busybox: NotRequired[str]
    """Image with a static `/bin/busybox`. Default: busybox:1.37.0-musl."""
    pause: NotRequired[str]
    """Image that does nothing, for `init` mode. Default: registry.k8s.io/pause:3.10.1."""
    python: NotRequired[str]
    """Image with Python from 3.11 as `python3`, for the cleanup, which runs as root. Default:
    python:3.13.9-alpine3.22."""


class PreloaderNamespaceArgs(TypedDict):
    name: str
    """Name of the namespace in the cluster."""


class ImagePreloaderArgs(TypedDict):
    namespace: pulumi.Input[str]
    """Namespace of the DaemonSets."""
    images: list[str]
    """Images to keep on every node, each written exactly as the workloads write it."""
    image_sizes_bytes: NotRequired[dict[str, int]]
    """Compressed size of each image, as the kubelet's Pulled event shows it. With all sizes known
    the lanes are balanced by size, and are no more than that takes; otherwise the images are dealt
    out in the order written."""
    image_layers_bytes: NotRequired[dict[str, dict[str, int]]]
    """Compressed size of each layer by digest, of each image, as a lock file has them: better than
    its size, since a layer of several images is pulled once. Default: none."""
    architecture: NotRequired[Architecture]
    """`amd64` or `arm64`: the nodes' processors, for which images are locked. Default: what the
    node label kubernetes.io/arch says, else amd64."""
    node_labels: NotRequired[dict[str, str]]
    """Labels that the pool's nodes carry, and no others. Default: none, which means all nodes."""
    node_taints: NotRequired[list[TaintArgs]]
    """Taints of the pool's nodes. Default: none."""
    tolerate: NotRequired[Tolerate]
    """`pool_taints` or `everything`. Default: pool_taints."""
    preload: NotRequired[PreloadArgs]
    """How the images are pulled and held."""
    cleanup: NotRequired[CleanupArgs]
    """Which images are removed from the pool's nodes, and when."""
    image_pull_secrets: NotRequired[list[str]]
    """Names of pull secrets in the preloader's namespace. Default: none, the node's credentials."""
    helper_images: NotRequired[HelperImagesArgs]
    """Where the preloader's own images are, for clusters without access to public registries."""


class ImageCleanupArgs(TypedDict):
    namespace: pulumi.Input[str]
    """Namespace of the DaemonSet."""
    node_labels: NotRequired[dict[str, str]]
    """Labels of the nodes to clean. Default: none, which means all nodes."""
    node_taints: NotRequired[list[TaintArgs]]
    """Taints of those nodes. Default: none."""
    tolerate: NotRequired[Tolerate]
    """`pool_taints` or `everything`. Default: pool_taints."""
    cleanup: NotRequired[CleanupArgs]
    """Which images are removed, and when; `enabled` has no meaning here."""
    image_pull_secrets: NotRequired[list[str]]
    """Names of pull secrets in the namespace. Default: none, the node's credentials."""
    helper_images: NotRequired[HelperImagesArgs]
    """Where the image with Python is, for clusters without access to public registries."""
