"""EKS node groups whose disks and kubelets fit the images that they are to keep."""

from typing import TYPE_CHECKING

from nodepools.args import (
    AmiType,
    CapacityType,
    ImageGcArgs,
    NodeGroupArgs,
    NodePoolArgs,
    RootVolumeArgs,
    ScalingArgs,
)

if TYPE_CHECKING:
    from nodepools.component import NodePool

__all__ = [
    "AmiType",
    "CapacityType",
    "ImageGcArgs",
    "NodeGroupArgs",
    "NodePool",
    "NodePoolArgs",
    "RootVolumeArgs",
    "ScalingArgs",
]


def __getattr__(name: str) -> object:
    # The component alone needs pulumi_aws, whose import a stack without node groups should not pay.
    if name == "NodePool":
        from nodepools.component import NodePool  # noqa: PLC0415

        return NodePool
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
