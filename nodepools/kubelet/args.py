"""What may be said of a pool's kubelets: the parts of their configuration that images depend on.

No `from __future__ import annotations` here: Pulumi's analyser reads the types at run time.
"""

from typing import NotRequired

from typing_extensions import TypedDict


class ImageGcArgs(TypedDict):
    high_percent: NotRequired[int]
    """Disk use at which the kubelet begins to delete unused images; 100 turns that off.
    Default: 100."""
    low_percent: NotRequired[int]
    """Disk use at which it stops deleting. Default: 80."""
    minimum_age_seconds: NotRequired[int]
    """An image younger than this is not deleted. Default: the kubelet's, 120."""
    maximum_age_seconds: NotRequired[int]
    """An image that has been unused for longer is deleted, whatever the disk use, high_percent 100
    included. Default: the kubelet's, 0, which means never."""


class EvictionArgs(TypedDict):
    hard: NotRequired[dict[str, str]]
    """Thresholds by signal, such as `nodefs.available: 10%` or `memory.available: 200Mi`, at which
    the kubelet deletes all unused images and then evicts pods at once. Signals that are left out
    keep the default of the nodes' operating system."""
    soft: NotRequired[dict[str, str]]
    """Thresholds by signal at which it does so after a grace period. Default: none."""
    soft_grace_seconds: NotRequired[dict[str, int]]
    """Grace period of each signal in `soft`, which needs one."""
    max_pod_grace_seconds: NotRequired[int]
    """Longest time that a pod evicted by a soft threshold has to end. Default: the kubelet's, 0,
    which means the pod's own."""


class ImagePullArgs(TypedDict):
    serialize: NotRequired[bool]
    """Whether the kubelet pulls one image at a time. Default: that of the operating system, false
    on AL2023 and Bottlerocket."""
    max_parallel: NotRequired[int]
    """Most images that the kubelet pulls at the same time. Default: that of the operating system,
    no limit on AL2023 and Bottlerocket."""
    registry_qps: NotRequired[int]
    """Pulls a second that the kubelet begins; 0 is no limit. Default: the kubelet's, 5."""
    registry_burst: NotRequired[int]
    """Pulls that it may begin at once. Default: the kubelet's, 10."""
    fast: NotRequired[bool]
    """Whether the SOCI snapshotter downloads and unpacks the layers of an image in parallel chunks:
    AL2023's FastImagePull, Bottlerocket's snapshotter `soci`. Default: false."""


class ContainerLogArgs(TypedDict):
    max_size_mib: NotRequired[int]
    """Size at which a container's log is rotated. Default: the kubelet's, 10."""
    max_files: NotRequired[int]
    """Files of a container's log that are kept. Default: the kubelet's, 5."""


class DiskArgs(TypedDict):
    unpack_ratio: NotRequired[float]
    """Bytes on the disk for a byte that the registry sends. Default: 3 where the compressed layers
    are deleted once they are unpacked, 4 where they are kept."""
    rollout_versions: NotRequired[int]
    """Versions of each image that a rollout adds before the cleanup removes old ones. Default: 1.
    """
    workload_image_bytes: NotRequired[int]
    """Compressed size of all images that the workloads use and the preloader does not keep.
    Default: 0."""
    writable_gib: NotRequired[int]
    """What containers write: logs, emptyDir volumes, writable layers. Default: 10."""
    system_gib: NotRequired[int]
    """What the operating system takes of the disk. Default: 5 on AL2023, 1 on Bottlerocket's data
    volume."""
    buffer_percent: NotRequired[int]
    """Allowance on top of all images. Default: 0, since the disk is never planned fuller than the
    kubelet's eviction line."""
