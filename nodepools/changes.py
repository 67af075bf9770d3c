"""What a change of each input does to nodes that run already.

Managed groups: https://docs.aws.amazon.com/eks/latest/userguide/update-managed-node-group.html and
which properties AWS's provider replaces a group for. Karpenter: https://karpenter.sh/docs/concepts/
disruption/#drift.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from nodepools.args import NodeGroupKind


class Effect(StrEnum):
    """What happens to the nodes of a pool."""

    REPLACES_GROUP = "replaces the group"
    """A new group is made, and the old one with its nodes goes once the new one is there."""
    ROLLS_NODES = "rolls the nodes"
    """Each node is drained and replaced, and the new one pulls its images again."""
    ROLLS_NODES_NOT_ALLOWED = "rolls the nodes that the pool no longer allows"
    """Those of an instance type, subnet or AMI that it still has stay."""
    ROLLS_NODES_IF_RESIZED = "rolls the nodes if the size of the disk changes"
    """That is where the size is left to the disk budget; otherwise nothing happens to them."""
    IN_PLACE = "changes in place"
    """Nodes stay as they are."""
    NOT_TAKEN = "is not taken"
    """Pools of this kind refuse the input."""


@dataclass(frozen=True, slots=True)
class Effects:
    """The effect of a change by the kind of pool."""

    managed: Effect
    karpenter: Effect

    def of(self, kind: NodeGroupKind) -> Effect:
        """The effect in a pool of that kind."""
        return self.karpenter if kind is NodeGroupKind.KARPENTER else self.managed


_REPLACES_OR_ROLLS = Effects(Effect.REPLACES_GROUP, Effect.ROLLS_NODES)
_REPLACES_OR_NOT_ALLOWED = Effects(Effect.REPLACES_GROUP, Effect.ROLLS_NODES_NOT_ALLOWED)
_ROLLS = Effects(Effect.ROLLS_NODES, Effect.ROLLS_NODES)
_ROLLS_IF_RESIZED = Effects(Effect.ROLLS_NODES_IF_RESIZED, Effect.ROLLS_NODES_IF_RESIZED)
_IN_PLACE_OR_ROLLS = Effects(Effect.IN_PLACE, Effect.ROLLS_NODES)
_MANAGED_IN_PLACE = Effects(Effect.IN_PLACE, Effect.NOT_TAKEN)

# By the path of the input as a person writes it. EKS applies changed taints to the nodes that run:
# with NoExecute their pods go at once. Karpenter's objects do not name their cluster, which is that
# of the provider: in a program where it changes too, they are replaced with it.
CHANGES: Mapping[str, Effects] = {
    "cluster_name": Effects(Effect.REPLACES_GROUP, Effect.IN_PLACE),
    "node_role_arn": _REPLACES_OR_ROLLS,
    "subnet_ids": _REPLACES_OR_NOT_ALLOWED,
    "security_group_ids": _ROLLS,
    "node_labels": _IN_PLACE_OR_ROLLS,
    "node_taints": _IN_PLACE_OR_ROLLS,
    "images": _ROLLS_IF_RESIZED,
    "image_sizes_bytes": _ROLLS_IF_RESIZED,
    "image_layers_bytes": _ROLLS_IF_RESIZED,
    "versions_kept": _ROLLS_IF_RESIZED,
    "lanes": _ROLLS_IF_RESIZED,
    "high_water_percent": _ROLLS_IF_RESIZED,
    "node_group.kind": Effects(Effect.REPLACES_GROUP, Effect.REPLACES_GROUP),
    "node_group.instance_types": _REPLACES_OR_NOT_ALLOWED,
    "node_group.ami_type": _REPLACES_OR_NOT_ALLOWED,
    "node_group.release_version": Effects(Effect.ROLLS_NODES, Effect.ROLLS_NODES_NOT_ALLOWED),
    "node_group.version": Effects(Effect.ROLLS_NODES, Effect.NOT_TAKEN),
    "node_group.capacity_type": _REPLACES_OR_NOT_ALLOWED,
    "node_group.scaling": _MANAGED_IN_PLACE,
    "node_group.limits": Effects(Effect.NOT_TAKEN, Effect.IN_PLACE),
    "node_group.expire_after": Effects(Effect.NOT_TAKEN, Effect.ROLLS_NODES),
    "node_group.update": _MANAGED_IN_PLACE,
    "node_group.root_volume": _ROLLS,
    "node_group.data_volume": _ROLLS,
    "node_group.instance_store_gib": _ROLLS,
    "node_group.disk": _ROLLS_IF_RESIZED,
    "node_group.image_gc": _ROLLS,
    "node_group.eviction": _ROLLS,
    "node_group.image_pulls": _ROLLS,
    "node_group.container_logs": _ROLLS,
    "node_group.startup_taints": _IN_PLACE_OR_ROLLS,
    "node_group.metadata_hop_limit": _ROLLS,
    "node_group.node_role": _MANAGED_IN_PLACE,
    "node_group.tags": _ROLLS,
}
