"""EKS node pools whose disks and kubelets fit the images that they are to keep."""

from importlib import import_module
from typing import TYPE_CHECKING

from nodepools.args import (
    AmiType,
    CapacityType,
    NodeGroupArgs,
    NodeGroupKind,
    NodePoolArgs,
    NodeRoleArgs,
    ScalingArgs,
    UpdateArgs,
    UpdateStrategy,
    VolumeArgs,
)
from nodepools.kubelet.args import (
    ContainerLogArgs,
    DiskArgs,
    EvictionArgs,
    ImageGcArgs,
    ImagePullArgs,
)
from nodepools.platforms.args import NodePlatform, NodeSettingsArgs

if TYPE_CHECKING:
    from nodepools.eks.component import NodePool
    from nodepools.karpenter.component import KarpenterPool
    from nodepools.platforms.component import NodeSettings

__all__ = [
    "AmiType",
    "CapacityType",
    "ContainerLogArgs",
    "DiskArgs",
    "EvictionArgs",
    "ImageGcArgs",
    "ImagePullArgs",
    "KarpenterPool",
    "NodeGroupArgs",
    "NodeGroupKind",
    "NodePlatform",
    "NodePool",
    "NodePoolArgs",
    "NodeRoleArgs",
    "NodeSettings",
    "NodeSettingsArgs",
    "ScalingArgs",
    "UpdateArgs",
    "UpdateStrategy",
    "VolumeArgs",
]

COMPONENT_MODULES = {
    "NodePool": "nodepools.eks.component",
    "KarpenterPool": "nodepools.karpenter.component",
    "NodeSettings": "nodepools.platforms.component",
}


def __getattr__(name: str) -> object:
    # The components alone need Pulumi's SDKs, whose import a stack without them should not pay.
    if name in COMPONENT_MODULES:
        return getattr(import_module(COMPONENT_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
