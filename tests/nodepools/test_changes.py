"""What a change of each input does, as the table says it, and as what is registered shows it.

Which properties make AWS's provider replace a group stands here as its schema has them.
"""
# ruff: noqa: E501 a table is read row by row

import pytest

from nodepools import NodePool, NodePoolArgs
from nodepools.args import NodeGroupArgs, NodeGroupKind
from nodepools.changes import CHANGES, Effect
from tests.nodepools.inputs import GIB, bottlerocket_args, pool_with, with_images
from tests.nodepools.inputs import node_pool_args as args
from tests.support import Run

# https://github.com/hashicorp/terraform-provider-aws (internal/service/eks/node_group.go, ForceNew)
FORCE_NEW = {
    "amiType",
    "capacityType",
    "clusterName",
    "diskSize",
    "instanceTypes",
    "nodeGroupName",
    "nodeRoleArn",
    "remoteAccess",
    "subnetIds",
}
# A change of these alone starts an update of the group's version, as a new template does.
VERSIONS = {"releaseVersion", "version"}

SIZED = with_images(args(), big=GIB)
CHOSEN = with_images(args(root_volume={}), big=GIB)
TAINTS = [{"key": "k", "effect": "NoSchedule"}]
ROLE = {"node_role_arn": "arn:aws:iam::123456789012:role/other"}
SAMPLES: list[tuple[str, NodePoolArgs, NodePoolArgs]] = [
    ("cluster_name", args(), pool_with(args(), cluster_name="other")),
    ("node_role_arn", args(), pool_with(args(), **ROLE)),
    ("subnet_ids", args(), pool_with(args(), subnet_ids=["subnet-3"])),
    ("security_group_ids", args(), pool_with(args(), security_group_ids=["sg-1"])),
    ("node_labels", args(), pool_with(args(), node_labels={"a": "b"})),
    ("node_taints", args(), pool_with(args(), node_taints=TAINTS)),
    ("images", CHOSEN, with_images(args(root_volume={}), big=GIB, small=GIB)),
    ("image_sizes_bytes", CHOSEN, with_images(args(root_volume={}), big=2 * GIB)),
    ("image_layers_bytes", CHOSEN, pool_with(CHOSEN, image_layers_bytes={"big": {"a": 2 * GIB}})),
    ("versions_kept", CHOSEN, pool_with(CHOSEN, versions_kept=5)),
    ("high_water_percent", CHOSEN, pool_with(CHOSEN, high_water_percent=50)),
    ("node_group.disk", CHOSEN, with_images(args(root_volume={}, disk={"writable_gib": 90}), big=GIB)),
    ("node_group.instance_types", args(), args(instance_types=["m6i.large"])),
    ("node_group.ami_type", args(), args(ami_type="AL2023_x86_64_NVIDIA")),
    ("node_group.release_version", args(), args(release_version="1.33.1-20250704")),
    ("node_group.version", args(), args(version="1.33")),
    ("node_group.capacity_type", args(), args(capacity_type="SPOT")),
    ("node_group.scaling", args(), args(scaling={"min_size": 2, "max_size": 3})),
    ("node_group.update", args(), args(update={"max_unavailable": 2})),
    ("node_group.root_volume", args(), args(root_volume={"size_gib": 60})),
    ("node_group.data_volume", bottlerocket_args(), bottlerocket_args(data_volume={"size_gib": 60})),
    ("node_group.instance_store_gib", args(instance_types=["m6id.large"]), args(instance_types=["m6id.large"], instance_store_gib=100)),
    ("node_group.image_gc", args(), args(image_gc={"high_percent": 85})),
    ("node_group.eviction", args(), args(eviction={"hard": {"memory.available": "5%"}})),
    ("node_group.image_pulls", args(), args(image_pulls={"max_parallel": 3})),
    ("node_group.container_logs", args(), args(container_logs={"max_files": 3})),
    ("node_group.startup_taints", args(), args(startup_taints=TAINTS)),
    ("node_group.metadata_hop_limit", args(), args(metadata_hop_limit=2)),
    ("node_group.tags", args(), args(tags={"a": "b"})),
]  # fmt: skip
# `kind` changes which component is used, `limits` is Karpenter's, a role is made in place, and
# lanes count only where compressed layers are deleted.
NOT_SAMPLED = {"node_group.kind", "node_group.limits", "node_group.node_role", "lanes"}


def seen(run: Run, before: NodePoolArgs, after: NodePoolArgs) -> Effect:
    """What the difference between both would do."""
    (old_template, old_group), (new_template, new_group) = (
        registered(run, given) for given in (before, after)
    )
    changed = {
        key
        for key in old_group.keys() | new_group.keys()
        if old_group.get(key) != new_group.get(key)
    }
    if changed & FORCE_NEW:
        return Effect.REPLACES_GROUP
    if old_template != new_template or changed & VERSIONS:
        return Effect.ROLLS_NODES
    assert changed
    return Effect.IN_PLACE


def registered(run: Run, given: NodePoolArgs) -> tuple[dict[str, object], dict[str, object]]:
    by_name = {resource.name: resource for resource in run(lambda: NodePool("web", given))}
    return by_name["web-launch-template"].inputs, by_name["web-node-group"].inputs


def test_every_input_is_in_the_table_and_has_a_sample() -> None:
    paths = NodePoolArgs.__annotations__.keys() - {"node_group"}
    paths |= {f"node_group.{key}" for key in NodeGroupArgs.__annotations__}
    assert paths == CHANGES.keys()
    assert {path for path, *_ in SAMPLES} == CHANGES.keys() - NOT_SAMPLED


@pytest.mark.parametrize(("path", "before", "after"), SAMPLES, ids=[path for path, *_ in SAMPLES])
def test_a_change_does_what_the_table_says(
    run: Run, path: str, before: NodePoolArgs, after: NodePoolArgs
) -> None:
    said = CHANGES[path].of(NodeGroupKind.MANAGED)
    expected = Effect.ROLLS_NODES if said is Effect.ROLLS_NODES_IF_RESIZED else said
    assert seen(run, before, after) is expected


def test_a_size_that_is_written_down_keeps_the_nodes(run: Run) -> None:
    more = pool_with(SIZED, versions_kept=3, lanes=2, high_water_percent=80)
    assert registered(run, SIZED) == registered(run, more)
