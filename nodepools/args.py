"""What `NodePool` takes, and what a stack file may say of a pool's node group.

The stack file reads `NodeGroupArgs` as it stands, so both have the same keys, types and docs.
No `from __future__ import annotations` here: Pulumi's analyser reads the types at run time.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from preloader.nodes import TaintArgs


class AmiType(StrEnum):
    """The EKS-optimised AMI of the nodes, as the EKS API names it."""

    AL2023_X86_64_STANDARD = "AL2023_x86_64_STANDARD"
    AL2023_ARM_64_STANDARD = "AL2023_ARM_64_STANDARD"
    AL2023_X86_64_NVIDIA = "AL2023_x86_64_NVIDIA"
    AL2023_ARM_64_NVIDIA = "AL2023_ARM_64_NVIDIA"
    AL2023_X86_64_NEURON = "AL2023_x86_64_NEURON"


class CapacityType(StrEnum):
    """How the instances are bought."""

    ON_DEMAND = "ON_DEMAND"
    SPOT = "SPOT"


class ScalingArgs(TypedDict):
    min_size: int
    """Fewest nodes."""
    max_size: int
    """Most nodes."""
    desired_size: NotRequired[int]
    """Nodes at the start; later the autoscaler's business and ignored. Default: min_size."""


class RootVolumeArgs(TypedDict):
    size_gib: int
    """Size of the volume that holds the system, the images and all writable layers."""
    iops: NotRequired[int]
    """gp3 operations a second. Default: 3000, which costs nothing extra."""
    throughput_mibps: NotRequired[int]
    """gp3 throughput in MiB a second. Default: 125, which costs nothing extra."""
    kms_key_arn: NotRequired[str]
    """Customer key of the encryption, which is always on. Default: the account's EBS key."""


class ImageGcArgs(TypedDict):
    high_percent: NotRequired[int]
    """Disk use at which the kubelet begins to delete unused images; 100 turns that off.
    Default: 100."""
    low_percent: NotRequired[int]
    """Disk use at which it stops deleting. Default: 80."""


class NodeGroupArgs(TypedDict):
    instance_types: list[str]
    """EC2 instance types that the group may use."""
    scaling: ScalingArgs
    """How many nodes there are."""
    root_volume: RootVolumeArgs
    """The disk that holds the images."""
    image_gc: NotRequired[ImageGcArgs]
    """When the kubelet deletes unused images."""
    ami_type: NotRequired[AmiType]
    """AMI of the nodes. Default: AL2023_x86_64_STANDARD."""
    release_version: NotRequired[str]
    """AMI release such as `1.33.1-20250704`. Default: the newest at each change, which means that
    a change of the disk may also bring a newer AMI."""
    capacity_type: NotRequired[CapacityType]
    """ON_DEMAND or SPOT. Default: ON_DEMAND."""
    tags: NotRequired[dict[str, str]]
    """AWS tags of the group, its instances and their volumes."""


class NodePoolArgs(TypedDict):
    cluster_name: pulumi.Input[str]
    """Name of the EKS cluster."""
    node_role_arn: pulumi.Input[str]
    """ARN of the nodes' IAM role."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets of the nodes."""
    node_labels: NotRequired[dict[str, str]]
    """Labels of the nodes, the same that `ImagePreloader` is given."""
    node_taints: NotRequired[list[TaintArgs]]
    """Taints of the nodes, the same that `ImagePreloader` is given."""
    node_group: NodeGroupArgs
    """The group itself."""
