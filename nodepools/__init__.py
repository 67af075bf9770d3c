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
from nodepools.kubelet_args import (
    ContainerLogArgs,
    DiskArgs,
    EvictionArgs,
    ImageGcArgs,
    ImagePullArgs,
)
from nodepools.platform_args import NodePlatform, NodeSettingsArgs

if TYPE_CHECKING:
    from nodepools.component import NodePool
    from nodepools.karpenter_component import KarpenterPool
    from nodepools.node_settings_component import NodeSettings

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
    "NodePool": "nodepools.component",
    "KarpenterPool": "nodepools.karpenter_component",
    "NodeSettings": "nodepools.node_settings_component",
}


def __getattr__(name: str) -> object:
    # The components alone need Pulumi's SDKs, whose import a stack without them should not pay.
    if name in COMPONENT_MODULES:
        return getattr(import_module(COMPONENT_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
