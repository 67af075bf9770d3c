"""What `NodeSettings` takes: node settings for nodes that something else makes.

No `from __future__ import annotations` here: Pulumi's analyser reads the types at run time.
"""

from enum import StrEnum
from typing import NotRequired

from typing_extensions import TypedDict

from nodepools.kubelet.args import ContainerLogArgs, EvictionArgs, ImageGcArgs, ImagePullArgs


class NodePlatform(StrEnum):
    """What makes the nodes, and so where a kubelet's settings are written."""

    GKE = "gke"
    """Google: a node system configuration, for `--system-config-from-file` of a node pool."""
    AKS = "aks"
    """Azure: a custom kubelet configuration, for `--kubelet-config` of a node pool."""
    KIND = "kind"
    """kind: a cluster's `kubeadmConfigPatches`, for `kind create cluster --config`."""
    SELF_MANAGED = "self_managed"
    """A drop-in for the directory of the kubelet's `--config-dir`, Kubernetes 1.30 or later."""


class NodeSettingsArgs(TypedDict):
    platform: NodePlatform
    """`gke`, `aks`, `kind` or `self_managed`."""
    image_gc: NotRequired[ImageGcArgs]
    """When the kubelet deletes unused images. Default on GKE, which does not let it be turned off:
    high_percent 84."""
    eviction: NotRequired[EvictionArgs]
    """When the kubelet deletes all unused images and evicts pods; not on GKE and AKS."""
    image_pulls: NotRequired[ImagePullArgs]
    """How the kubelet pulls images; not on AKS, and on GKE max_parallel alone."""
    container_logs: NotRequired[ContainerLogArgs]
    """What is kept of containers' logs."""
    lanes: NotRequired[int]
    """Images that the preloader pulls at the same time. Default: not checked."""
    high_water_percent: NotRequired[int]
    """Disk use at which the cleanup begins to delete. Default: not checked."""
