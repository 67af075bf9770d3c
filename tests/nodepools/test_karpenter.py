"""What `KarpenterPool` registers, checked against the schemas of Karpenter's own definitions.

Their CEL rules are evaluated by a real API server alone, in the tests of a node.
"""

import tomllib
from typing import Any

import jsonschema
import pulumi
import pytest

from nodepools import KarpenterPool, NodePool, NodePoolArgs
from preloader import InvalidInput
from tests.nodepools import crd
from tests.nodepools.inputs import GIB, karpenter_args, node_pool_args, pool_with, with_images
from tests.nodepools.install import SCHEMAS
from tests.nodepools.test_userdata import node_config
from tests.nodepools.tools import installed
from tests.support import Run

BOTTLEROCKET = {
    "ami_type": "BOTTLEROCKET_ARM_64",
    "instance_types": ["m7g.large"],
    "root_volume": {},
    "data_volume": {"size_gib": 50, "snapshot_id": "snap-0a1b2c3d4e5f60718"},
}
EVERYTHING = {
    "limits": {"cpu": "100", "memory": "400Gi"},
    "expire_after": "2160h",
    "capacity_type": "SPOT",
    "release_version": "1.33.1-20250704",
    "image_gc": {"high_percent": 80, "low_percent": 70, "maximum_age_seconds": 86400},
    "eviction": {
        "hard": {"nodefs.available": "8Gi"},
        "soft": {"nodefs.available": "9Gi"},
        "soft_grace_seconds": {"nodefs.available": 90},
        "max_pod_grace_seconds": 60,
    },
    "image_pulls": {"max_parallel": 6, "registry_qps": 20, "registry_burst": 40, "fast": True},
    "container_logs": {"max_size_mib": 50, "max_files": 3},
    "instance_store_gib": 474,
    "instance_types": ["m6id.2xlarge"],
    "startup_taints": [{"key": "example.com/preparing", "effect": "NoSchedule"}],
    "tags": {"team": "platform"},
}


def registered(run: Run, given: NodePoolArgs) -> tuple[dict[str, Any], dict[str, Any]]:
    by_name = {resource.name: resource for resource in run(lambda: KarpenterPool("web", given))}
    assert by_name["web"].type == "image-preloader:index:KarpenterPool"
    node_class, pool = by_name["web-node-class"], by_name["web-karpenter-pool"]
    assert node_class.parent == pool.parent == by_name["web"].urn
    assert node_class.urn in pool.dependencies
    return node_class.inputs, pool.inputs


@pytest.mark.parametrize(
    "given",
    [
        karpenter_args(),
        karpenter_args(**EVERYTHING),
        karpenter_args(**BOTTLEROCKET),
        pool_with(
            karpenter_args(**EVERYTHING),
            node_labels={"workload-type": "ml"},
            node_taints=[{"key": "workload", "value": "ml", "effect": "NoExecute"}],
        ),
    ],
)
def test_both_objects_meet_karpenters_schemas(run: Run, given: NodePoolArgs) -> None:
    node_class, pool = registered(run, given)
    crd.validate(node_class, installed(SCHEMAS / "karpenter.k8s.aws_ec2nodeclasses.yaml"))
    crd.validate(pool, installed(SCHEMAS / "karpenter.sh_nodepools.yaml"))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.kubelet.maxParallelImagePulls", 3),
        ("spec.kubelet.imageGCHighThresholdPercent", 101),
        ("spec.kubelet.evictionHard", {"nodefs.available": "ten"}),
        ("spec.metadataOptions.httpTokens", "maybe"),
        ("spec.role", None),
        ("spec.instanceStorePolicy", "RAID5"),
    ],
)
def test_the_schema_would_refuse_something_else(run: Run, path: str, value: object) -> None:
    node_class, _ = registered(run, karpenter_args())
    *folders, key = path.split(".")
    parent = node_class
    for folder in folders:
        parent = parent[folder]
    parent[key] = value
    with pytest.raises(jsonschema.ValidationError):
        crd.validate(node_class, installed(SCHEMAS / "karpenter.k8s.aws_ec2nodeclasses.yaml"))


def test_what_a_node_class_has_no_field_for_is_in_the_user_data(run: Run) -> None:
    node_class, _ = registered(run, karpenter_args(**EVERYTHING))
    spec = node_class["spec"]
    assert spec["kubelet"] == {
        "imageGCHighThresholdPercent": 80,
        "imageGCLowThresholdPercent": 70,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "8Gi",
            "nodefs.inodesFree": "5%",
        },
        "evictionSoft": {"nodefs.available": "9Gi"},
        "evictionSoftGracePeriod": {"nodefs.available": "90s"},
        "evictionMaxPodGracePeriod": 60,
    }
    assert node_config(spec["userData"])["spec"] == {
        "featureGates": {"FastImagePull": True},
        "kubelet": {
            "config": {
                "containerLogMaxFiles": 3,
                "containerLogMaxSize": "50Mi",
                "imageMaximumGCAge": "86400s",
                "maxParallelImagePulls": 6,
                "registryBurst": 40,
                "registryPullQPS": 20,
            }
        },
    }
    assert spec["instanceStorePolicy"] == "RAID0"
    assert spec["amiSelectorTerms"] == [{"alias": "al2023@v20250704"}]
    assert spec["role"] == "nodes"
    assert spec["tags"] == {"team": "platform"}


def test_without_any_of_that_there_is_no_user_data(run: Run) -> None:
    node_class, _ = registered(run, karpenter_args())
    assert "userData" not in node_class["spec"]
    assert node_class["spec"]["amiSelectorTerms"] == [{"alias": "al2023@latest"}]


def test_on_bottlerocket_the_data_volume_is_that_of_the_kubelet(run: Run) -> None:
    given = karpenter_args(**BOTTLEROCKET, container_logs={"max_files": 3})
    node_class, pool = registered(run, given)
    root, data = node_class["spec"]["blockDeviceMappings"]
    assert (root["deviceName"], root["rootVolume"]) == ("/dev/xvda", False)
    assert (data["deviceName"], data["rootVolume"]) == ("/dev/xvdb", True)
    assert root["ebs"]["encrypted"] is True
    assert "encrypted" not in data["ebs"]
    assert data["ebs"]["snapshotID"] == "snap-0a1b2c3d4e5f60718"
    assert len(node_class["spec"]["kubelet"]["evictionHard"]) == 5
    settings = tomllib.loads(node_class["spec"]["userData"])["settings"]
    assert settings == {"kubernetes": {"container-log-max-files": 3}}
    requirements = pool["spec"]["template"]["spec"]["requirements"]
    assert {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]} in requirements


def test_the_pool_carries_labels_taints_startup_taints_and_limits(run: Run) -> None:
    given = pool_with(
        karpenter_args(**EVERYTHING),
        node_labels={"workload-type": "ml"},
        node_taints=[{"key": "workload", "value": "ml", "effect": "NoSchedule"}],
    )
    _, pool = registered(run, given)
    template = pool["spec"]["template"]
    assert template["metadata"]["labels"] == {"workload-type": "ml"}
    assert template["spec"]["taints"] == [
        {"key": "workload", "value": "ml", "effect": "NoSchedule"}
    ]
    assert template["spec"]["startupTaints"] == [
        {"key": "example.com/preparing", "effect": "NoSchedule"}
    ]
    assert template["spec"]["nodeClassRef"]["name"] == "web-node-class"
    assert pool["spec"]["limits"] == {"cpu": "100", "memory": "400Gi"}
    assert pool["spec"]["template"]["spec"]["expireAfter"] == "2160h"


def test_the_disk_is_sized_as_that_of_a_managed_group(run: Run) -> None:
    given = with_images(karpenter_args(root_volume={}), big=5 * GIB)
    node_class, _ = registered(run, given)
    (root,) = node_class["spec"]["blockDeviceMappings"]
    assert root["ebs"]["volumeSize"] == "73Gi"


def test_values_of_other_stacks_may_be_given(run: Run) -> None:
    def program() -> None:
        other = pulumi.Output.from_input("arn:aws:iam::123456789012:role/path/other")
        subnets = pulumi.Output.from_input(["subnet-00000009"])
        given = pool_with(karpenter_args(), subnet_ids=subnets, node_role_arn=other)
        KarpenterPool("web", given)

    (node_class,) = [resource for resource in run(program) if resource.name == "web-node-class"]
    assert node_class.inputs["spec"]["subnetSelectorTerms"] == [{"id": "subnet-00000009"}]
    assert node_class.inputs["spec"]["role"] == "other"


def test_each_component_refuses_pools_of_the_other_kind(run: Run) -> None:
    def program() -> None:
        with pytest.raises(InvalidInput, match="must be karpenter"):
            KarpenterPool("web", node_pool_args())
        with pytest.raises(InvalidInput, match="must be managed"):
            NodePool("web", karpenter_args())

    assert run(program) == []
