"""What `NodePool` and `KarpenterPool` take, and what a stack file may say of a pool's node group.

The stack file reads `NodeGroupArgs` as it stands, so both have the same keys, types and docs.
No `from __future__ import annotations` here: Pulumi's analyser reads the types at run time.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NotRequired

import pulumi
from typing_extensions import TypedDict

from nodepools.kubelet.args import (
    ContainerLogArgs,
    DiskArgs,
    EvictionArgs,
    ImageGcArgs,
    ImagePullArgs,
)
from preloader.nodes import TaintArgs


class NodeGroupKind(StrEnum):
    """What makes the nodes of a pool."""

    MANAGED = "managed"
    """An EKS managed node group."""
    KARPENTER = "karpenter"
    """Karpenter, which has to be in the cluster already."""


class AmiType(StrEnum):
    """The EKS-optimised AMI of the nodes, as the EKS API names it."""

    AL2023_X86_64_STANDARD = "AL2023_x86_64_STANDARD"
    AL2023_ARM_64_STANDARD = "AL2023_ARM_64_STANDARD"
    AL2023_X86_64_NVIDIA = "AL2023_x86_64_NVIDIA"
    AL2023_ARM_64_NVIDIA = "AL2023_ARM_64_NVIDIA"
    AL2023_X86_64_NEURON = "AL2023_x86_64_NEURON"
    BOTTLEROCKET_X86_64 = "BOTTLEROCKET_x86_64"
    BOTTLEROCKET_ARM_64 = "BOTTLEROCKET_ARM_64"
    BOTTLEROCKET_X86_64_NVIDIA = "BOTTLEROCKET_x86_64_NVIDIA"
    BOTTLEROCKET_ARM_64_NVIDIA = "BOTTLEROCKET_ARM_64_NVIDIA"
    BOTTLEROCKET_X86_64_FIPS = "BOTTLEROCKET_x86_64_FIPS"
    BOTTLEROCKET_ARM_64_FIPS = "BOTTLEROCKET_ARM_64_FIPS"


class CapacityType(StrEnum):
    """How the instances are bought."""

    ON_DEMAND = "ON_DEMAND"
    SPOT = "SPOT"


class UpdateStrategy(StrEnum):
    """The order in which an update of a managed group replaces nodes."""

    DEFAULT = "DEFAULT"
    """New nodes first."""
    MINIMAL = "MINIMAL"
    """Old nodes go first, for instance types that cannot be had twice."""


class ScalingArgs(TypedDict):
    min_size: int
    """Fewest nodes. EKS refuses to raise it above the size that the group has at that moment, which
    stays the autoscaler's; scale the group first."""
    max_size: int
    """Most nodes."""
    desired_size: NotRequired[int]
    """Nodes at the start; later the autoscaler's business and ignored. Default: min_size."""


class UpdateArgs(TypedDict):
    max_unavailable: NotRequired[int]
    """Nodes replaced at the same time, 1 to 100. Default: 1."""
    max_unavailable_percent: NotRequired[int]
    """The same as a share of the group, instead of max_unavailable."""
    strategy: NotRequired[UpdateStrategy]
    """DEFAULT or MINIMAL. Default: DEFAULT."""
    force: NotRequired[bool]
    """Whether nodes go although a disruption budget keeps a pod from leaving. Default: false, and
    the update fails after 15 minutes of waiting."""
    timeout_minutes: NotRequired[int]
    """How long a deployment waits for an update of the group. Default: 60."""


class VolumeArgs(TypedDict):
    size_gib: NotRequired[int]
    """Size. Default for the volume that holds the images: the smallest that holds them, where the
    sizes of all of them are known, and an error otherwise; for others the smallest possible."""
    iops: NotRequired[int]
    """gp3 operations a second. Default: 3000, which costs nothing extra."""
    throughput_mibps: NotRequired[int]
    """gp3 throughput in MiB a second. Default: 125, which costs nothing extra."""
    kms_key_arn: NotRequired[str]
    """Customer key of the encryption, which is always on. Default: the account's EBS key. The
    service-linked role AWSServiceRoleForAutoScaling must be allowed to use it."""
    snapshot_id: NotRequired[str]
    """Snapshot that the volume starts from, with images in it; Bottlerocket's data volume only.
    Its encryption is the snapshot's. Default: none."""
    initialization_rate_mibps: NotRequired[int]
    """Rate at which the snapshot is read in full, 100 to 300 MiB a second. Default: blocks are
    read when they are first used."""


class NodeRoleArgs(TypedDict):
    cni_policy: NotRequired[bool]
    """Whether the nodes may manage their network interfaces; false where the VPC CNI has a role of
    its own. Default: true."""
    ssm_access: NotRequired[bool]
    """Whether people with the right permissions can open a shell on the nodes through Session
    Manager, without SSH and keys. Default: false."""
    permissions_boundary_arn: NotRequired[str]
    """Policy that bounds the role's permissions. Default: none."""


class NodeGroupArgs(TypedDict):
    kind: NotRequired[NodeGroupKind]
    """`managed` or `karpenter`. Default: managed."""
    instance_types: list[str]
    """EC2 instance types that the pool may use."""
    ami_type: NotRequired[AmiType]
    """AMI of the nodes. Default: AL2023_x86_64_STANDARD."""
    release_version: NotRequired[str]
    """AMI release such as `1.33.1-20250704`, or `1.47.0-26d2b3f0` of Bottlerocket. Default: the
    newest at each change, which means that a change of the disk may also bring a newer AMI."""
    version: NotRequired[str]
    """Kubernetes version of a managed group's nodes, such as `1.33`. Default: the cluster's."""
    capacity_type: NotRequired[CapacityType]
    """ON_DEMAND or SPOT. Default: ON_DEMAND."""
    scaling: NotRequired[ScalingArgs]
    """How many nodes a managed group has; required there. Karpenter makes as many as needed."""
    limits: NotRequired[dict[str, str]]
    """Most resources that Karpenter gives the pool, such as `cpu: "100"`. Default: no limit."""
    expire_after: NotRequired[str]
    """Age at which Karpenter replaces a node, whose successor pulls every image again: such as
    `720h`, or `Never`. Default: Karpenter's own, 720h."""
    update: NotRequired[UpdateArgs]
    """How an update replaces the nodes of a managed group."""
    root_volume: NotRequired[VolumeArgs]
    """The volume that nodes start from. On AL2023 it holds images and all writable layers too."""
    data_volume: NotRequired[VolumeArgs]
    """Bottlerocket's second volume, which holds the images and all writable layers."""
    instance_store_gib: NotRequired[int]
    """Size of all local disks together of the smallest of the instance types. With it, images and
    writable layers are on a RAID 0 of these disks. Default: the local disks are not used."""
    disk: NotRequired[DiskArgs]
    """What the disk of the images has to hold beside them."""
    image_gc: NotRequired[ImageGcArgs]
    """When the kubelet deletes unused images."""
    eviction: NotRequired[EvictionArgs]
    """When the kubelet deletes all unused images and evicts pods, because a disk or memory fills.
    """
    image_pulls: NotRequired[ImagePullArgs]
    """How the kubelet pulls images."""
    container_logs: NotRequired[ContainerLogArgs]
    """What is kept of containers' logs, on the same disk."""
    startup_taints: NotRequired[list[TaintArgs]]
    """Taints of new nodes that something in the cluster removes once they are ready for pods."""
    metadata_hop_limit: NotRequired[int]
    """1 keeps the nodes' credentials from pods that have a network of their own; 2 is for pods that
    read the instance metadata and can have no role of their own. Default: 1."""
    node_role: NotRequired[NodeRoleArgs]
    """The role that is made for the nodes of a managed group where node_role_arn is not given."""
    tags: NotRequired[dict[str, str]]
    """AWS tags of the group, its instances and their volumes."""


class NodePoolArgs(TypedDict):
    cluster_name: pulumi.Input[str]
    """Name or ARN of the EKS cluster."""
    node_role_arn: NotRequired[pulumi.Input[str]]
    """ARN of the nodes' IAM role. Default for a managed group: one with the permissions that EKS
    nodes need; Karpenter needs one that the cluster admits."""
    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Subnets of the nodes."""
    security_group_ids: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Security groups of the nodes, the cluster's own among them. Default for a managed group: the
    cluster's; Karpenter needs them."""
    node_labels: NotRequired[dict[str, str]]
    """Labels of the nodes, the same that `ImagePreloader` is given."""
    node_taints: NotRequired[list[TaintArgs]]
    """Taints of the nodes, the same that `ImagePreloader` is given."""
    images: NotRequired[list[str]]
    """Images that the disk has to hold, the same that `ImagePreloader` is given. Default: none."""
    image_sizes_bytes: NotRequired[dict[str, int]]
    """Compressed size of each image. Where one is not known the disk is not checked."""
    image_layers_bytes: NotRequired[dict[str, dict[str, int]]]
    """Compressed size of each layer by digest, of each image, as a lock file has them: better than
    its size, since a layer of several images is there once. Default: none."""
    versions_kept: NotRequired[int]
    """Versions of each image that the cleanup keeps. Default: 2."""
    lanes: NotRequired[int]
    """Images that the preloader pulls at the same time. Default: not checked."""
    high_water_percent: NotRequired[int]
    """Disk use at which the cleanup begins to delete. Default: not checked."""
    node_group: NodeGroupArgs
    """The group itself."""
