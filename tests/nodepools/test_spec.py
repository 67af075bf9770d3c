"""The inputs of `NodePool`: their defaults and every mistake in them.

What EKS itself would say to an accepted group cannot be seen here.
"""

import pytest

from nodepools.args import NodePoolArgs
from nodepools.spec import node_pool_spec
from preloader.problems import InvalidInput
from tests.nodepools.inputs import node_pool_args as args


def labelled(**labels: str) -> NodePoolArgs:
    return {**args(), "node_labels": labels}


def tainted(*keys: str) -> NodePoolArgs:
    return {**args(), "node_taints": [{"key": key, "effect": "NoSchedule"} for key in keys]}


def test_defaults() -> None:
    spec = node_pool_spec("web", args())
    assert (spec.image_gc.high_percent, spec.image_gc.low_percent) == (100, 80)
    assert (spec.root_volume.iops, spec.root_volume.throughput_mibps) == (3000, 125)
    assert spec.scaling.desired_size == 1
    assert spec.ami_type == "AL2023_x86_64_STANDARD"
    assert spec.capacity_type == "ON_DEMAND"


VOLUME, GC, SCALING = "node_group.root_volume", "node_group.image_gc", "node_group.scaling"
BAD_INPUTS = [
    (f"{VOLUME}.size_gib", args(root_volume={"size_gib": 19}), "from 20 to 65536"),
    (f"{VOLUME}.size_gib", args(root_volume={"size_gib": 65537}), "from 20 to 65536"),
    (f"{VOLUME}.iops", args(root_volume={"size_gib": 50, "iops": 2999}), "from 3000 to 80000"),
    (f"{VOLUME}.iops", args(root_volume={"size_gib": 200, "iops": 80001}), "from 3000 to 80000"),
    (f"{VOLUME}.iops", args(root_volume={"size_gib": 20, "iops": 10001}), "10000 at size_gib 20"),
    (
        f"{VOLUME}.throughput_mibps",
        args(root_volume={"size_gib": 50, "throughput_mibps": 124}),
        "from 125 to 2000",
    ),
    (
        f"{VOLUME}.throughput_mibps",
        args(root_volume={"size_gib": 50, "throughput_mibps": 2001, "iops": 9000}),
        "from 125 to 2000",
    ),
    (
        f"{VOLUME}.throughput_mibps",
        args(root_volume={"size_gib": 50, "throughput_mibps": 1000}),
        "4000 iops are needed, not 3000",
    ),
    (f"{VOLUME}.kms_key_arn", args(root_volume={"size_gib": 50, "kms_key_arn": "key"}), "ARN"),
    (f"{VOLUME}.size_gb", args(root_volume={"size_gib": 50, "size_gb": 50}), "unknown key"),
    (f"{GC}.low_percent", args(image_gc={"high_percent": 80, "low_percent": 85}), "not start"),
    (f"{GC}.low_percent", args(image_gc={"high_percent": 80}), "not start"),
    (f"{GC}.high_percent", args(image_gc={"high_percent": 101}), "from 0 to 100"),
    (f"{GC}.low_percent", args(image_gc={"low_percent": -1}), "from 0 to 100"),
    (f"{GC}.high_percent", args(image_gc={"high_percent": 90}), "below 90"),
    (f"{SCALING}.min_size", args(scaling={"min_size": -1, "max_size": 1}), "0 or more"),
    (f"{SCALING}.max_size", args(scaling={"min_size": 0, "max_size": 0}), "at least 1"),
    (
        f"{SCALING}.desired_size",
        args(scaling={"min_size": 1, "max_size": 2, "desired_size": 3}),
        "from min_size (1) to max_size (2)",
    ),
    ("node_group.instance_types", args(instance_types=[]), "at least one"),
    ("node_group.ami_type", args(ami_type="AL2_x86_64"), "AL2023_x86_64_STANDARD"),
    ("node_group.capacity_type", args(capacity_type="spot"), "ON_DEMAND, SPOT"),
    ("node_group.disk_size", args(disk_size=20), "unknown key"),
    (
        "node_labels.node-role.kubernetes.io/ml",
        labelled(**{"node-role.kubernetes.io/ml": "x"}),
        "never join",
    ),
    ("node_labels.eks.amazonaws.com/x", labelled(**{"eks.amazonaws.com/x": "x"}), "by EKS alone"),
    (
        "node_labels.example.com/" + "x" * 60,
        labelled(**{"example.com/" + "x" * 60: "x"}),
        "at most 63",
    ),
    ("node_labels.team", labelled(team=""), "no empty label values"),
    ("node_taints", tainted(*(f"k{n}" for n in range(51))), "at most 50"),
    ("node_taints[0].key", tainted("example.com/" + "x" * 60), "at most 63"),
]


@pytest.mark.parametrize(("path", "wrong", "accepted"), BAD_INPUTS)
def test_bad_input_is_refused_by_path_and_what_is_accepted(
    path: str, wrong: NodePoolArgs, accepted: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        node_pool_spec("web", wrong)
    (problem,) = caught.value.problems
    assert problem.path == path
    assert accepted in problem.accepted


def test_a_name_that_eks_would_cut_is_refused() -> None:
    node_pool_spec("w" * 44, args())
    with pytest.raises(InvalidInput, match="at most 44"):
        node_pool_spec("w" * 45, args())


@pytest.mark.parametrize("key", ["node.kubernetes.io/pool", "example.com/kubernetes.io"])
def test_labels_that_the_kubelet_accepts_are_accepted(key: str) -> None:
    assert node_pool_spec("web", labelled(**{key: "x"})).node_labels == ((key, "x"),)
