"""The operating systems that EKS offers for nodes, and all that differs between them, in one table.

AL2023: https://github.com/awslabs/amazon-eks-ami (nodeadm/internal/kubelet/config.go and
nodeadm/internal/containerd). Bottlerocket: https://bottlerocket.dev/en/os/latest/.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nodepools.args import AmiType, NodeGroupArgs
from nodepools.eks.bottlerocket import bottlerocket_user_data
from nodepools.eks.nodeconfig import node_config_user_data
from preloader.nodes import Architecture


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """An operating system: its disks, what its kubelet does by itself, and its user data."""

    alias: str
    """What Karpenter calls its AMIs."""
    root_device: str
    root_min_gib: int
    data_device: str | None
    """The volume of the images where that is not the one that the node boots from."""
    data_min_gib: int
    system_gib: int
    """An estimate of what the system takes of the images' disk."""
    keeps_blobs: bool
    """Whether containerd keeps the compressed layers of an image once it has unpacked them."""
    default_eviction: Mapping[str, str]
    """The hard thresholds where none are said."""
    merges_eviction: bool
    """Whether those stay for the signals that are not said; otherwise the kubelet drops them."""
    can_serialize_pulls: bool
    release_version: re.Pattern[str]
    user_data: Callable[..., str]


# Bytes on the disk for a compressed byte: layers unpacked alone, and with the compressed ones kept.
# Few measurements exist; images of compressed data take less, those of text more.
UNPACKED_RATIO, UNPACKED_AND_KEPT_RATIO = 3.0, 4.0

AL2023 = Family(
    alias="al2023",
    root_device="/dev/xvda",
    root_min_gib=20,
    data_device=None,
    data_min_gib=0,
    system_gib=5,
    keeps_blobs=False,
    default_eviction={
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "nodefs.inodesFree": "5%",
    },
    merges_eviction=True,
    can_serialize_pulls=True,
    release_version=re.compile(r"1\.\d{2}\.\d+-(?P<release>\d{8})"),
    user_data=node_config_user_data,
)
BOTTLEROCKET = Family(
    alias="bottlerocket",
    root_device="/dev/xvda",
    root_min_gib=4,
    data_device="/dev/xvdb",
    data_min_gib=20,
    system_gib=1,
    keeps_blobs=True,
    default_eviction={
        "memory.available": "100Mi",
        "nodefs.available": "10%",
        "nodefs.inodesFree": "5%",
        "imagefs.available": "15%",
        "imagefs.inodesFree": "5%",
    },
    merges_eviction=False,
    can_serialize_pulls=False,
    # A commit, not a date as AL2023 has there.
    release_version=re.compile(r"(?P<release>1\.\d+\.\d+)-(?!20\d{6}$)[0-9a-f]{8}"),
    user_data=bottlerocket_user_data,
)

FAMILIES: Mapping[str, Family] = {
    ami_type: BOTTLEROCKET if ami_type.name.startswith("BOTTLEROCKET") else AL2023
    for ami_type in AmiType
}

# AMI types of the EKS API that are refused, by how they begin.
_REFUSED = {
    "AL2_": "EKS has published no AL2 AMIs since November 2025, and 1.32 is their last Kubernetes; "
    "use AL2023",
    "WINDOWS_": "the preloader's containers run on Linux alone",
    "CUSTOM": "EKS adds nothing to the user data of a custom AMI, and neither its disks nor its "
    "kubelet's defaults can be known",
}


def why_refused(ami_type: str) -> str:
    """Says why an AMI type of the EKS API cannot be used; empty where that is not known."""
    return next((why for start, why in _REFUSED.items() if ami_type.startswith(start)), "")


def ami_type_of(group: NodeGroupArgs) -> str:
    """The AMI type of a node group, which need not have been checked."""
    return group.get("ami_type", AmiType.AL2023_X86_64_STANDARD)


def family_of(ami_type: str) -> Family:
    """The operating system of an AMI type; AL2023 for one that is refused anyway."""
    return FAMILIES.get(ami_type, AL2023)


def architecture_of(ami_type: str) -> Architecture:
    """The processors that an AMI type is for."""
    return Architecture.ARM64 if "_ARM_64" in ami_type else Architecture.AMD64


def keeps_blobs(family: Family, *, fast_pull: bool) -> bool:
    """Whether the compressed layers stay on the disk; the SOCI snapshotter is told to drop them."""
    return family.keeps_blobs and not fast_pull


def unpack_ratio(family: Family, *, fast_pull: bool) -> float:
    """Bytes on the disk for a compressed byte, where no measurement is given."""
    kept = keeps_blobs(family, fast_pull=fast_pull)
    return UNPACKED_AND_KEPT_RATIO if kept else UNPACKED_RATIO
