"""What a change of each input does, as the table says it, and as what is registered shows it."""
# ruff: noqa: E501 a table is read row by row

import re
import shutil
from collections.abc import Callable

import pytest

from nodepools import NodePoolArgs
from nodepools.args import NodeGroupArgs, NodeGroupKind
from nodepools.changes import CHANGES, Effect
from nodepools.checks import node_pool_problems
from tests.nodepools.effects import (
    NODE_CLASS_UNHASHED,
    NODE_TEMPLATE_UNHASHED,
    effect,
    registered,
)
from tests.nodepools.inputs import (
    BOTTLEROCKET,
    GIB,
    karpenter_args,
    node_pool_args,
    pool_with,
    with_images,
)
from tests.nodepools.install import KARPENTER_MODULE, KARPENTER_VERSION, download
from tests.support import Run

Make = Callable[..., NodePoolArgs]
MAKE: dict[NodeGroupKind, Make] = {
    NodeGroupKind.MANAGED: node_pool_args,
    NodeGroupKind.KARPENTER: karpenter_args,
}
KINDS = pytest.mark.parametrize("kind", list(NodeGroupKind))
TAINTS = [{"key": "k", "effect": "NoSchedule"}]
# The release before the commit that KARPENTER_VERSION is built with, which Go's proxy does not have.
KARPENTER_CORE_MODULE, KARPENTER_CORE_VERSION = "sigs.k8s.io/karpenter", "v1.14.0"
OTHER_ROLE = "arn:aws:iam::123456789012:role/other"


def chosen(make: Make, **group: object) -> NodePoolArgs:
    """A pool whose disk is as large as its images need."""
    return with_images(make(root_volume={}, **group), big=GIB)


def two_images(make: Make, **keys: object) -> NodePoolArgs:
    """The same with another image, and with these keys of the pool set."""
    return pool_with(with_images(make(root_volume={}), big=GIB, small=GIB), **keys)


def written(make: Make) -> NodePoolArgs:
    """A pool whose disk is of a size that is written down."""
    return with_images(make(root_volume={"size_gib": 500}), big=GIB)


def bottlerocket(make: Make, size_gib: int) -> NodePoolArgs:
    return make(**{**BOTTLEROCKET, "data_volume": {"size_gib": size_gib}})


def local_disks(make: Make, **group: object) -> NodePoolArgs:
    return make(instance_types=["m6id.large"], **group)


def own_role(make: Make, **group: object) -> NodePoolArgs:
    given = make(**group)
    del given["node_role_arn"]
    return given


# The inputs before and after, for a pool of either kind.
SAMPLES: dict[str, Callable[[Make], tuple[NodePoolArgs, NodePoolArgs]]] = {
    "cluster_name": lambda make: (make(), pool_with(make(), cluster_name="other")),
    "node_role_arn": lambda make: (make(), pool_with(make(), node_role_arn=OTHER_ROLE)),
    "subnet_ids": lambda make: (make(), pool_with(make(), subnet_ids=["subnet-00000001"])),
    "security_group_ids": lambda make: (make(), pool_with(make(), security_group_ids=["sg-00000001", "sg-00000002"])),
    "node_labels": lambda make: (make(), pool_with(make(), node_labels={"a": "b"})),
    "node_taints": lambda make: (make(), pool_with(make(), node_taints=TAINTS)),
    "images": lambda make: (chosen(make), two_images(make)),
    "image_sizes_bytes": lambda make: (chosen(make), with_images(make(root_volume={}), big=2 * GIB)),
    "image_layers_bytes": lambda make: (chosen(make), pool_with(chosen(make), image_layers_bytes={"big": {"a": 2 * GIB}})),
    "versions_kept": lambda make: (chosen(make), pool_with(chosen(make), versions_kept=5)),
    "lanes": lambda make: (two_images(make, lanes=1), two_images(make, lanes=2)),
    "high_water_percent": lambda make: (chosen(make), pool_with(chosen(make), high_water_percent=50)),
    "node_group.kind": lambda make: (make(), karpenter_args() if make is node_pool_args else node_pool_args()),
    "node_group.instance_types": lambda make: (make(instance_types=["m7i.large", "m6i.large"]), make(instance_types=["m6i.large"])),
    "node_group.ami_type": lambda make: (make(), make(ami_type="AL2023_ARM_64_STANDARD", instance_types=["m7g.large"])),
    "node_group.release_version": lambda make: (make(), make(release_version="1.33.1-20250704")),
    "node_group.version": lambda make: (make(), make(version="1.33")),
    "node_group.capacity_type": lambda make: (make(), make(capacity_type="SPOT")),
    "node_group.scaling": lambda make: (make(), make(scaling={"min_size": 2, "max_size": 3})),
    "node_group.limits": lambda make: (make(), make(limits={"cpu": "10"})),
    "node_group.expire_after": lambda make: (make(), make(expire_after="Never")),
    "node_group.update": lambda make: (make(), make(update={"max_unavailable": 2})),
    "node_group.root_volume": lambda make: (make(), make(root_volume={"size_gib": 60})),
    "node_group.data_volume": lambda make: (bottlerocket(make, 50), bottlerocket(make, 60)),
    "node_group.instance_store_gib": lambda make: (local_disks(make), local_disks(make, instance_store_gib=100)),
    "node_group.disk": lambda make: (chosen(make), chosen(make, disk={"writable_gib": 90})),
    "node_group.image_gc": lambda make: (make(), make(image_gc={"high_percent": 85})),
    "node_group.eviction": lambda make: (make(), make(eviction={"hard": {"memory.available": "5%"}})),
    "node_group.image_pulls": lambda make: (make(), make(image_pulls={"max_parallel": 3})),
    "node_group.container_logs": lambda make: (make(), make(container_logs={"max_files": 3})),
    "node_group.startup_taints": lambda make: (make(), make(startup_taints=TAINTS)),
    "node_group.metadata_hop_limit": lambda make: (make(), make(metadata_hop_limit=2)),
    "node_group.node_role": lambda make: (own_role(make), own_role(make, node_role={"ssm_access": True})),
    "node_group.tags": lambda make: (make(), make(tags={"a": "b"})),
}  # fmt: skip


def test_every_input_is_in_the_table_and_has_a_sample() -> None:
    paths = NodePoolArgs.__annotations__.keys() - {"node_group"}
    paths |= {f"node_group.{key}" for key in NodeGroupArgs.__annotations__}
    assert paths == CHANGES.keys() == SAMPLES.keys()


@KINDS
@pytest.mark.parametrize("path", SAMPLES)
def test_a_change_does_to_the_nodes_what_the_table_says(
    run: Run, path: str, kind: NodeGroupKind
) -> None:
    before, after = SAMPLES[path](MAKE[kind])
    said = CHANGES[path].of(kind)
    if said is Effect.NOT_TAKEN:
        assert path in {problem.path for problem in node_pool_problems("web", after)}
        return
    expected = Effect.ROLLS_NODES if said is Effect.ROLLS_NODES_IF_RESIZED else said
    assert effect(run, before, after) is expected


@pytest.mark.parametrize("path", SAMPLES)
def test_what_changes_in_place_is_registered_at_all(run: Run, path: str) -> None:
    for kind, make in MAKE.items():
        # Karpenter's objects do not name the cluster.
        if CHANGES[path].of(kind) is Effect.IN_PLACE and path != "cluster_name":
            before, after = SAMPLES[path](make)
            assert registered(run, before) != registered(run, after)


@KINDS
def test_a_size_that_is_written_down_keeps_the_nodes(run: Run, kind: NodeGroupKind) -> None:
    before = written(MAKE[kind])
    others: dict[str, NodePoolArgs] = {
        "images": with_images(before, big=GIB, small=GIB),
        "image_sizes_bytes": with_images(before, big=2 * GIB),
        "image_layers_bytes": pool_with(before, image_layers_bytes={"big": {"a": 2 * GIB}}),
        "versions_kept": pool_with(before, versions_kept=3),
        "lanes": pool_with(before, lanes=2),
        "high_water_percent": pool_with(before, high_water_percent=80),
        "node_group.disk": with_images(
            MAKE[kind](root_volume={"size_gib": 500}, disk={"writable_gib": 90}), big=GIB
        ),
    }
    resized = {
        path
        for path, effects in CHANGES.items()
        if effects.of(kind) is Effect.ROLLS_NODES_IF_RESIZED
    }
    assert others.keys() == resized
    for path, after in others.items():
        assert registered(run, before) == registered(run, after), path


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (karpenter_args(instance_types=["m7i.large", "m6i.large"]), Effect.IN_PLACE),
        (
            pool_with(
                karpenter_args(),
                subnet_ids=["subnet-00000001", "subnet-00000002", "subnet-00000003"],
            ),
            Effect.IN_PLACE,
        ),
        # Karpenter takes the AMI of an alias that has the drivers that the instance type needs.
        (karpenter_args(ami_type="AL2023_x86_64_NVIDIA"), Effect.IN_PLACE),
        (karpenter_args(**BOTTLEROCKET), Effect.ROLLS_NODES),
    ],
)
def test_karpenter_keeps_the_nodes_that_a_pool_still_allows(
    run: Run, after: NodePoolArgs, expected: Effect
) -> None:
    assert effect(run, karpenter_args(), after) is expected


def test_karpenter_leaves_out_of_its_hash_what_is_said_here() -> None:
    if shutil.which("go") is None:
        pytest.skip("Karpenter's source is a Go module, and there is no Go")
    provider = download(KARPENTER_MODULE, KARPENTER_VERSION)
    node_class = (provider / "pkg/apis/v1/ec2nodeclass.go").read_text()
    assert unhashed(node_class, "EC2NodeClassSpec") == NODE_CLASS_UNHASHED
    core = download(KARPENTER_CORE_MODULE, KARPENTER_CORE_VERSION)
    text = (core / "pkg/apis/v1/nodepool.go").read_text()
    # The hash is that of the template, so whatever is beside it changes nothing.
    assert "hashstructure.Hash(in.Spec.Template," in text
    assert unhashed(text, "NodeClaimTemplateSpec") == NODE_TEMPLATE_UNHASHED


def unhashed(source: str, struct: str) -> set[str]:
    """The fields of a Go struct, as JSON has them, that a hash of it ignores."""
    (body,) = re.findall(rf"^type {struct} struct {{$(.*?)^}}$", source, re.DOTALL | re.MULTILINE)
    return {*re.findall(r'`json:"(\w+)[^`]*hash:"ignore"`', body)}
