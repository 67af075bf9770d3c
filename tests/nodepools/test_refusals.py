"""Everything wrong is refused by path, with its value, what is accepted and what would follow.

What EKS itself would say to an accepted group cannot be seen here.
"""
# ruff: noqa: E501 a table is read row by row

import re

import pytest

from nodepools.args import NodePoolArgs
from nodepools.checks import node_pool_problems
from nodepools.spec import node_pool_spec
from preloader.problems import InvalidInput
from tests.nodepools.inputs import (
    GIB,
    bottlerocket_args,
    karpenter_args,
    pool_with,
    with_images,
)
from tests.nodepools.inputs import node_pool_args as args

G = "node_group"
VOLUME, DATA, GC = f"{G}.root_volume", f"{G}.data_volume", f"{G}.image_gc"
EVICTION, PULLS, LOGS = f"{G}.eviction", f"{G}.image_pulls", f"{G}.container_logs"
NO_START = "kubelet does not start and the node never joins"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"
SNAPSHOT = "snap-0a1b2c3d4e5f60718"
# As large as images may be, in bytes.
HUGE = {f"huge-{number}": 2**40 for number in range(30)}


def labelled(**labels: str) -> NodePoolArgs:
    return pool_with(args(), node_labels=labels)


def tainted(*keys: str) -> NodePoolArgs:
    return pool_with(args(), node_taints=[{"key": key, "effect": "NoSchedule"} for key in keys])


def volume(**keys: object) -> NodePoolArgs:
    return args(root_volume={"size_gib": 50, **keys})


def data(**keys: object) -> NodePoolArgs:
    return bottlerocket_args(data_volume={"size_gib": 50, **keys})


def lanes(count: int, **pulls: object) -> NodePoolArgs:
    images = with_images(args(image_pulls=pulls), **{f"image-{n}": 1 for n in range(count)})
    return pool_with(images, lanes=count)


def marked(percent: int, given: NodePoolArgs) -> NodePoolArgs:
    return pool_with(given, high_water_percent=percent)


def bounded(policy: str) -> NodePoolArgs:
    given = args(node_role={"permissions_boundary_arn": policy})
    del given["node_role_arn"]
    return given


NAMES = [
    ("node_labels.node-role.kubernetes.io/ml", "x", labelled(**{"node-role.kubernetes.io/ml": "x"}), "nodes never join"),
    ("node_labels.eks.amazonaws.com/x", "x", labelled(**{"eks.amazonaws.com/x": "x"}), "by EKS alone"),
    ("node_labels.example.com/" + "x" * 60, "x", labelled(**{"example.com/" + "x" * 60: "x"}), "at most 63"),
    ("node_labels.team", "", labelled(team=""), "no empty label values"),
    ("node_taints", 51, tainted(*(f"k{n}" for n in range(51))), "at most 50"),
    ("node_taints[0].key", "example.com/" + "x" * 60, tainted("example.com/" + "x" * 60), "at most 63"),
    (f"{G}.startup_taints[0]", "k:NoSchedule", pool_with(args(startup_taints=[{"key": "k", "effect": "NoSchedule"}]), node_taints=[{"key": "k", "effect": "NoSchedule"}]), "to stay and to be removed"),
    (f"{G}.startup_taints[0].effect", "Never", args(startup_taints=[{"key": "k", "effect": "Never"}]), "NoSchedule, PreferNoSchedule, NoExecute"),
    (f"{G}.tags.aws:x", "y", args(tags={"aws:x": "y"}), "AWS keeps keys"),
    (f"{G}.tags.{'k' * 129}", "v", args(tags={"k" * 129: "v"}), "keys of 1 to 128"),
    (f"{G}.tags.k", "v" * 257, args(tags={"k": "v" * 257}), "at most 256"),
    (f"{G}.tags", 51, args(tags={f"k{n}": "v" for n in range(51)}), "at most 50"),
    ("node_role_arn", "nodes", pool_with(args(), node_role_arn="nodes"), "ARN of an IAM role"),
    ("subnet_ids", [], pool_with(args(), subnet_ids=[]), "at least one subnet"),
    *(
        (
            "subnet_ids[1]",
            text,
            pool_with(args(), subnet_ids=["subnet-0a1b2c3d", text]),
            "must be an ID such as subnet-",
        )
        for text in ("not a subnet", "subnet-xyz", "subnet-0a1b2c3d4", "sg-0a1b2c3d", "")
    ),
    (
        "security_group_ids[0]",
        "default",
        pool_with(args(), security_group_ids=["default"]),
        "must be an ID such as sg-",
    ),
    *(
        (
            "node_group.instance_types[0]",
            text,
            args(instance_types=[text]),
            "must be such as m7i.large",
        )
        for text in ("m" * 40_000, f"m7i.{'l' * 40_000}")
    ),
    ("colour", "red", pool_with(args(), colour="red"), "unknown key"),
]  # fmt: skip
GROUPS = [
    (f"{G}.instance_types", [], args(instance_types=[]), "at least one"),
    (f"{G}.instance_types", 21, args(instance_types=["m7i.large"] * 21), "at most 20"),
    (f"{G}.instance_types[0]", "large", args(instance_types=["large"]), "such as m7i.large"),
    (f"{G}.instance_types[1]", "m7g.large", args(instance_types=["m7i.large", "m7g.large"]), "is arm64, and AMI type AL2023_x86_64_STANDARD is amd64; EKS refuses"),
    (f"{G}.instance_types[0]", "c6i.large", args(instance_types=["c6i.large"], ami_type="AL2023_ARM_64_STANDARD"), "is amd64"),
    (f"{G}.instance_types[0]", "m7i.2xlarge", args(instance_types=["m7i.2xlarge"], instance_store_gib=400), "has no local disks"),
    (f"{G}.instance_types[0]", "m7i.large", args(image_pulls={"fast": True}), "below 4 vCPU and 7 GiB the node ignores it"),
    (f"{G}.instance_store_gib", 0, args(instance_types=["m6id.large"], instance_store_gib=0), "1 or more"),
    (f"{G}.scaling.min_size", -1, args(scaling={"min_size": -1, "max_size": 1}), "0 or more"),
    (f"{G}.scaling.max_size", 0, args(scaling={"min_size": 0, "max_size": 0}), "at least 1"),
    (f"{G}.scaling.desired_size", 3, args(scaling={"min_size": 1, "max_size": 2, "desired_size": 3}), "from min_size (1) to max_size (2)"),
    (f"{G}.update.max_unavailable", 101, args(update={"max_unavailable": 101}), "from 1 to 100"),
    (f"{G}.update.max_unavailable_percent", 5, args(update={"max_unavailable": 1, "max_unavailable_percent": 5}), "EKS refuses both"),
    (f"{G}.update.strategy", "SLOW", args(update={"strategy": "SLOW"}), "DEFAULT, MINIMAL"),
    (f"{G}.update.timeout_minutes", 0, args(update={"timeout_minutes": 0}), "from 1 to 1440"),
    (f"{G}.version", "1.33.1", args(version="1.33.1"), "without a patch version"),
    (f"{G}.release_version", "latest", args(release_version="latest"), "such as 1.33.1-20250704"),
    (f"{G}.release_version", "1.33.1-20250704", bottlerocket_args(release_version="1.33.1-20250704"), "such as 1.47.0-26d2b3f0"),
    (f"{G}.release_version", "1.32.1-20250704", args(version="1.33", release_version="1.32.1-20250704"), "EKS refuses the group"),
    (f"{G}.ami_type", "AL2_x86_64", args(ami_type="AL2_x86_64"), "no AL2 AMIs since November 2025"),
    (f"{G}.ami_type", "WINDOWS_CORE_2022_x86_64", args(ami_type="WINDOWS_CORE_2022_x86_64"), "run on Linux alone"),
    (f"{G}.ami_type", "CUSTOM", args(ami_type="CUSTOM"), "EKS adds nothing to the user data"),
    (f"{G}.capacity_type", "spot", args(capacity_type="spot"), "ON_DEMAND, SPOT"),
    (f"{G}.kind", "fargate", args(kind="fargate"), "managed, karpenter"),
    (f"{G}.limits", {"cpu": "1"}, args(limits={"cpu": "1"}), "only Karpenter has limits"),
    (f"{G}.metadata_hop_limit", 3, args(metadata_hop_limit=3), "from 1 to 2"),
    (f"{G}.node_role", {"ssm_access": True}, args(node_role={"ssm_access": True}), "with node_role_arn no role is made"),
    (f"{G}.node_role.permissions_boundary_arn", "boundary", bounded("boundary"), "ARN of an IAM policy"),
    (f"{G}.disk_size", 20, args(disk_size=20), "unknown key"),
]  # fmt: skip
VOLUMES = [
    (f"{VOLUME}.size_gib", 19, volume(size_gib=19), "from 20 to 65536"),
    (f"{VOLUME}.size_gib", 65537, volume(size_gib=65537), "from 20 to 65536"),
    (f"{VOLUME}.iops", 2999, volume(iops=2999), "from 3000 to 80000"),
    (f"{VOLUME}.iops", 80001, volume(size_gib=200, iops=80001), "from 3000 to 80000"),
    (f"{VOLUME}.iops", 10001, volume(size_gib=20, iops=10001), "10000 at size_gib 20"),
    (f"{VOLUME}.throughput_mibps", 124, volume(throughput_mibps=124), "from 125 to 2000"),
    (f"{VOLUME}.throughput_mibps", 2001, volume(throughput_mibps=2001, iops=9000), "from 125 to 2000"),
    (f"{VOLUME}.throughput_mibps", 1000, volume(throughput_mibps=1000), "4000 iops are needed, not 3000"),
    (f"{VOLUME}.kms_key_arn", "alias/ebs", volume(kms_key_arn="alias/ebs"), "ARN of a KMS key"),
    (f"{VOLUME}.size_gb", 50, volume(size_gb=50), "unknown key"),
    (f"{VOLUME}.snapshot_id", SNAPSHOT, volume(snapshot_id=SNAPSHOT), "launches no instance otherwise"),
    (f"{DATA}.snapshot_id", "vol-1", data(snapshot_id="vol-1"), "such as snap-"),
    (f"{DATA}.kms_key_arn", KEY, data(snapshot_id=SNAPSHOT, kms_key_arn=KEY), "EC2 refuses a launch template that says both"),
    (f"{DATA}.initialization_rate_mibps", 301, data(snapshot_id=SNAPSHOT, initialization_rate_mibps=301), "from 100 to 300"),
    (f"{DATA}.initialization_rate_mibps", 200, data(initialization_rate_mibps=200), "needs snapshot_id"),
    (f"{DATA}.size_gib", 19, data(size_gib=19), "from 20 to 65536"),
    (DATA, {"size_gib": 50}, args(data_volume={"size_gib": 50}), "AL2023 keeps images on root_volume"),
]  # fmt: skip
KUBELETS = [
    (f"{GC}.low_percent", 85, args(image_gc={"high_percent": 80, "low_percent": 85}), NO_START),
    (f"{GC}.low_percent", 80, args(image_gc={"high_percent": 80}), NO_START),
    (f"{GC}.high_percent", 101, args(image_gc={"high_percent": 101}), "from 0 to 100"),
    (f"{GC}.low_percent", -1, args(image_gc={"low_percent": -1}), "from 0 to 100"),
    (f"{GC}.high_percent", 90, args(image_gc={"high_percent": 90}), "must be below 90, where the kubelet evicts and deletes every unused image"),
    (f"{GC}.high_percent", 85, bottlerocket_args(image_gc={"high_percent": 85}), "must be below 85, where the kubelet evicts"),
    (f"{GC}.minimum_age_seconds", -1, args(image_gc={"minimum_age_seconds": -1}), NO_START),
    (f"{GC}.maximum_age_seconds", 120, args(image_gc={"maximum_age_seconds": 120}), NO_START),
    (f"{GC}.maximum_age_seconds", 300, args(image_gc={"minimum_age_seconds": 300, "maximum_age_seconds": 300}), "above minimum_age_seconds (300)"),
    (f"{EVICTION}.hard.disk.available", "5%", args(eviction={"hard": {"disk.available": "5%"}}), NO_START),
    (f"{EVICTION}.hard.memory.available", "many", args(eviction={"hard": {"memory.available": "many"}}), NO_START),
    (f"{EVICTION}.hard.memory.available", "0", args(eviction={"hard": {"memory.available": "0"}}), NO_START),
    (f"{EVICTION}.hard.memory.available", "101%", args(eviction={"hard": {"memory.available": "101%"}}), NO_START),
    (f"{EVICTION}.hard.nodefs.available", "0%", args(eviction={"hard": {"nodefs.available": "0%"}}), "nothing is evicted before the disk is full"),
    (f"{EVICTION}.soft_grace_seconds", {}, args(eviction={"soft": {"nodefs.available": "15%"}}), NO_START),
    (f"{EVICTION}.soft_grace_seconds.nodefs.available", -1, args(eviction={"soft": {"nodefs.available": "15%"}, "soft_grace_seconds": {"nodefs.available": -1}}), NO_START),
    (f"{EVICTION}.soft_grace_seconds.nodefs.available", 60, args(eviction={"soft_grace_seconds": {"nodefs.available": 60}}), "soft has no threshold for this signal"),
    (f"{EVICTION}.soft.nodefs.available", "5%", args(eviction={"soft": {"nodefs.available": "5%"}, "soft_grace_seconds": {"nodefs.available": 60}}), "or it never fires"),
    (f"{EVICTION}.max_pod_grace_seconds", 30, args(eviction={"max_pod_grace_seconds": 30}), "hard thresholds kill at once"),
    (f"{EVICTION}.max_pod_grace_seconds", -1, args(eviction={"soft": {"nodefs.available": "15%"}, "soft_grace_seconds": {"nodefs.available": 60}, "max_pod_grace_seconds": -1}), "from 0 to"),
    (EVICTION, {"hard": {"nodefs.available": "60Gi"}}, args(eviction={"hard": {"nodefs.available": "60Gi"}}), "evicts every pod from the start"),
    (f"{EVICTION}.hard.imagefs.available", "100%", args(eviction={"hard": {"imagefs.available": "100%"}}), "nothing is evicted before the disk is full"),
    (f"{GC}.low_percent", 80, with_images(args(root_volume={}, image_gc={"high_percent": 0}), big=5 * GIB), NO_START),
    (f"{PULLS}.serialize", True, lanes(3, serialize=True), "3 lanes would pull one after another"),
    (f"{PULLS}.serialize", False, bottlerocket_args(image_pulls={"serialize": False}), "Bottlerocket has no setting for it"),
    (f"{PULLS}.max_parallel", 0, args(image_pulls={"max_parallel": 0}), NO_START),
    (f"{PULLS}.max_parallel", 2, args(image_pulls={"max_parallel": 2, "serialize": True}), NO_START),
    (f"{PULLS}.max_parallel", 2, lanes(3, max_parallel=2), "at least 3, the pool's lanes, or they wait for each other"),
    (f"{PULLS}.registry_qps", -1, args(image_pulls={"registry_qps": -1}), NO_START),
    (f"{PULLS}.registry_burst", -1, args(image_pulls={"registry_burst": -1}), NO_START),
    (f"{PULLS}.registry_burst", 10, lanes(12), "'pull QPS exceeded'"),
    (f"{PULLS}.registry_burst", 3, lanes(4, registry_burst=3), "at least 4, the pool's lanes"),
    (f"{LOGS}.max_files", 1, args(container_logs={"max_files": 1}), NO_START),
    (f"{LOGS}.max_size_mib", 0, args(container_logs={"max_size_mib": 0}), "1 or more"),
    ("high_water_percent", 0, marked(0, args()), "from 1 to 100"),
    ("high_water_percent", 90, marked(90, args()), "would delete every unused image before the cleanup"),
    ("high_water_percent", 85, marked(85, bottlerocket_args()), "must be below 85"),
    ("high_water_percent", 80, marked(80, args(image_gc={"high_percent": 80, "low_percent": 70})), "below image_gc.high_percent (80)"),
]  # fmt: skip
DISKS = [
    (f"{VOLUME}.size_gib", 50, with_images(args(), big=5 * GIB), "must be at least 73: 65.0 GiB = 30.0 images + 15.0 a rollout + 5.0 layers being pulled + 10.0 logs and writable layers + 5.0 the system, in the 90 % of the disk"),
    (f"{DATA}.size_gib", 50, with_images(bottlerocket_args(), big=5 * GIB), "must be at least 84: 71.0 GiB = 40.0 images + 20.0 a rollout"),
    (f"{G}.instance_store_gib", 50, with_images(args(instance_types=["m6id.large"], instance_store_gib=50), big=5 * GIB), "deletes images and evicts pods"),
    (f"{VOLUME}.size_gib", 80, marked(70, with_images(volume(size_gib=80), big=5 * GIB)), "must be at least 93"),
    (f"{VOLUME}.size_gib", None, pool_with(args(root_volume={}), images=["known", "a", "b"], image_sizes_bytes={"known": 1}), "the compressed size is not known of a, b; run `preloadctl lock`, or say it in image_sizes_bytes"),
    (f"{VOLUME}.size_gib", None, args(root_volume={}), "there are no images to choose it by"),
    (f"{VOLUME}.size_gib", None, with_images(args(root_volume={}), **HUGE), "a volume has at most 65536"),
    (f"{G}.disk.unpack_ratio", 0.5, args(disk={"unpack_ratio": 0.5}), "from 1 to 20"),
    (f"{G}.disk.rollout_versions", -1, args(disk={"rollout_versions": -1}), "from 0 to 100"),
    (f"{G}.disk.buffer_percent", -1, args(disk={"buffer_percent": -1}), "from 0 to 1000"),
    (f"{G}.disk.writable_gib", -1, args(disk={"writable_gib": -1}), "0 or more"),
    ("versions_kept", 0, pool_with(args(), versions_kept=0), "from 1 to 100"),
    ("image_sizes_bytes.a", 0, with_images(args(), a=0), "must be a number of bytes from 1 to "),
]  # fmt: skip
KARPENTERS = [
    (f"{G}.scaling", {"min_size": 1, "max_size": 2}, karpenter_args(scaling={"min_size": 1, "max_size": 2}), "Karpenter makes as many nodes as pods need"),
    (f"{G}.update", {"force": True}, karpenter_args(update={"force": True}), "as their disruption budget allows"),
    (f"{G}.version", "1.33", karpenter_args(version="1.33"), "the cluster's version"),
    (f"{G}.expire_after", "30 days", karpenter_args(expire_after="30 days"), "such as 720h"),
    (f"{G}.expire_after", "Never", args(expire_after="Never"), "only Karpenter replaces them"),
    (f"{G}.limits.cpu", "many", karpenter_args(limits={"cpu": "many"}), "such as 100"),
    (f"{G}.ami_type", "BOTTLEROCKET_x86_64_FIPS", karpenter_args(ami_type="BOTTLEROCKET_x86_64_FIPS", root_volume={}, data_volume={"size_gib": 50}), "no alias in Karpenter"),
    ("security_group_ids", None, pool_with(karpenter_args(), security_group_ids=None), "no default for the nodes' security groups"),
    (f"{PULLS}.max_parallel", 4, karpenter_args(ami_type="BOTTLEROCKET_x86_64", root_volume={}, data_volume={"size_gib": 50}, image_pulls={"max_parallel": 4}), "Karpenter drops this setting"),
    (f"{GC}.maximum_age_seconds", 900, karpenter_args(ami_type="BOTTLEROCKET_x86_64", root_volume={}, data_volume={"size_gib": 50}, image_gc={"maximum_age_seconds": 900}), "Karpenter drops this setting"),
    (f"{PULLS}.fast", True, karpenter_args(ami_type="BOTTLEROCKET_x86_64", root_volume={}, data_volume={"size_gib": 50}, instance_types=["m6id.xlarge"], instance_store_gib=200, image_pulls={"fast": True}), "stay on the volume"),
]  # fmt: skip
REFUSED = [*NAMES, *GROUPS, *VOLUMES, *KUBELETS, *DISKS, *KARPENTERS]


@pytest.mark.parametrize(("path", "value", "wrong", "accepted"), REFUSED)
def test_bad_input_is_refused_by_path_value_and_what_is_accepted(
    path: str, value: object, wrong: NodePoolArgs, accepted: str
) -> None:
    (problem,) = node_pool_problems("web", wrong)
    assert (problem.path, problem.value) == (path, value)
    assert accepted in problem.accepted


# A rule alone, without what would follow.
BARE_RULE = re.compile(r"must be (from \S+ to \S+|one of (\S+, )*\S+|\S+ or more|such as \S+)")


def test_no_refusal_is_a_rule_alone() -> None:
    said = {
        problem.accepted
        for _, _, wrong, _ in REFUSED
        for problem in node_pool_problems("web", wrong)
    }
    assert [accepted for accepted in said if BARE_RULE.fullmatch(accepted)] == []


def test_the_table_is_long_enough_to_be_trusted() -> None:
    assert len(REFUSED) >= 60


def test_a_managed_group_needs_a_size() -> None:
    given = args()
    del given["node_group"]["scaling"]
    (problem,) = node_pool_problems("web", given)
    assert (problem.path, problem.value) == ("node_group.scaling", None)


def test_karpenter_needs_a_role_that_is_there() -> None:
    given = karpenter_args()
    del given["node_role_arn"]
    (problem,) = node_pool_problems("web", given)
    assert (problem.path, problem.value) == ("node_role_arn", None)
    assert "the cluster has to admit it" in problem.accepted


def test_everything_is_said_at_once() -> None:
    wrong = args(
        instance_types=[],
        scaling={"min_size": -1, "max_size": 1},
        root_volume={"size_gib": 10, "iops": 1},
        image_gc={"low_percent": 100},
        eviction={"hard": {"x": "1%"}},
        ami_type="AL2_x86_64",
    )
    with pytest.raises(InvalidInput) as caught:
        node_pool_spec("w" * 45, wrong)
    assert [problem.path for problem in caught.value.problems] == [
        "",
        "node_group.ami_type",
        "node_group.instance_types",
        "node_group.scaling.min_size",
        "node_group.eviction.hard.x",
        "node_group.root_volume.size_gib",
        "node_group.root_volume.iops",
        "node_group.image_gc.low_percent",
    ]


def test_a_name_that_eks_would_cut_is_refused() -> None:
    node_pool_spec("w" * 44, args())
    with pytest.raises(InvalidInput, match="at most 44"):
        node_pool_spec("w" * 45, args())


@pytest.mark.parametrize("key", ["node.kubernetes.io/pool", "example.com/kubernetes.io"])
def test_labels_that_the_kubelet_accepts_are_accepted(key: str) -> None:
    assert node_pool_spec("web", labelled(**{key: "x"})).node_labels == ((key, "x"),)


@pytest.mark.parametrize(
    "given",
    [
        args(instance_types=["g5.2xlarge", "p5.48xlarge", "inf2.xlarge", "u-6tb1.metal"]),
        args(ami_type="AL2023_ARM_64_NVIDIA", instance_types=["g5g.xlarge"]),
        args(ami_type="AL2023_ARM_64_STANDARD", instance_types=["t4g.large", "x2gd.large"]),
        args(instance_types=["i4i.xlarge", "g6.xlarge", "m6idn.large"], instance_store_gib=100),
        args(image_pulls={"fast": True}, instance_types=["c7i.xlarge"]),
        args(image_gc={"high_percent": 89, "low_percent": 88}),
        args(image_gc={"maximum_age_seconds": 0}),
        bottlerocket_args(image_gc={"high_percent": 84, "low_percent": 75}),
        lanes(4, registry_qps=0, registry_burst=0),
        marked(84, bottlerocket_args()),
        pool_with(args(), node_role_arn="arn:aws-us-gov:iam::123456789012:role/path/nodes"),
    ],
)
def test_what_is_right_is_accepted(given: NodePoolArgs) -> None:
    assert node_pool_problems("web", given) == []
