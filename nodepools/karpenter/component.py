"""The component of a Karpenter pool: it registers what the inputs describe, nothing else."""

from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from nodepools.args import NodeGroupKind, NodePoolArgs
from nodepools.karpenter.objects import karpenter_pool_spec, node_class_spec
from nodepools.spec import node_pool_spec, notes, require_kind
from preloader.tokens import KARPENTER_POOL


class KarpenterPool(pulumi.ComponentResource):
    """Karpenter nodes whose disk and kubelet fit the images that they are to keep.

    Karpenter has to be in the cluster. Most changes make it replace the pool's nodes as their
    disruption budget allows; `nodepools.changes` has the whole table. Raises InvalidInput with
    every problem of its inputs, before anything is registered.
    """

    karpenter_pool_name: pulumi.Output[str]
    """Name of Karpenter's NodePool, which its nodes carry in the label karpenter.sh/nodepool."""
    node_class_name: pulumi.Output[str]
    """Name of the EC2NodeClass."""

    def __init__(
        self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = node_pool_spec(name, args)
        require_kind(spec, NodeGroupKind.KARPENTER)
        super().__init__(KARPENTER_POOL, name, {**args}, opts)
        for note in notes(spec):
            pulumi.log.warn(f"{name}: {note}", self)
        node_class = CustomResource(
            f"{name}-node-class",
            api_version="karpenter.k8s.aws/v1",
            kind="EC2NodeClass",
            spec=node_class_spec(spec, args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.node_class_name = _name(node_class)
        pool = CustomResource(
            f"{name}-karpenter-pool",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            spec=karpenter_pool_spec(spec, self.node_class_name),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.karpenter_pool_name = _name(pool)
        self.register_outputs(
            {
                "karpenterPoolName": self.karpenter_pool_name,
                "nodeClassName": self.node_class_name,
            }
        )

    @property
    def names(self) -> dict[str, pulumi.Output[str]]:
        """What a stack exports of the pool."""
        return {
            "karpenter_pool_name": self.karpenter_pool_name,
            "node_class_name": self.node_class_name,
        }


def _name(resource: CustomResource) -> pulumi.Output[str]:
    # The SDK sets this output without declaring it.
    metadata: pulumi.Output[dict[str, Any]] = vars(resource)["metadata"]
    return metadata["name"]
