"""AWS's side of a managed group: its API's own model of every call, and a server that has state.

The server is moto's, over HTTP on loopback, which checks less than AWS does and starts no nodes:
whether a node joins cannot be seen here. It knows no UpdateNodegroupVersion; that is checked
against the model alone.
"""

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from nodepools import NodePool, NodePoolArgs
from preloadctl.project import load_project
from preloadctl.recorder import Registration, record
from preloadctl.render import render
from tests.nodepools import aws_calls as calls
from tests.nodepools.aws_model import refusal
from tests.nodepools.inputs import bottlerocket_args, pool_with
from tests.nodepools.inputs import node_pool_args as args
from tests.nodepools.test_userdata import EVERYTHING
from tests.support import ROOT, Run

pytestmark = pytest.mark.slow

TEMPLATE_TYPE, GROUP_TYPE = "aws:ec2/launchTemplate:LaunchTemplate", "aws:eks/nodeGroup:NodeGroup"
TEMPLATE, VERSION = "lt-0a1b2c3d4e5f60718", "1"
EXTREMES = [
    args(**EVERYTHING, tags={"team": "platform"}, capacity_type="SPOT", version="1.33"),
    args(release_version="1.33.1-20250704", update={"max_unavailable": 3, "force": True}),
    bottlerocket_args(
        update={"max_unavailable_percent": 33, "strategy": "MINIMAL"},
        startup_taints=[{"key": "example.com/preparing", "effect": "NoSchedule"}],
        data_volume={
            "size_gib": 16384,
            "iops": 80000,
            "throughput_mibps": 2000,
            "snapshot_id": "snap-0a1b2c3d4e5f60718",
            "initialization_rate_mibps": 300,
        },
    ),
    pool_with(
        args(metadata_hop_limit=2),
        security_group_ids=["sg-00000001"],
        node_labels={"workload-type": "ml"},
        node_taints=[{"key": "workload", "value": "ml", "effect": "PreferNoSchedule"}],
    ),
]


@cache
def rendered_resources() -> list[dict[str, Any]]:
    """The AWS resources of the committed stack, as a person sees them in the rendered file."""
    return json.loads(render(record(load_project(ROOT, "eks")))["aws/aws.json"])["resources"]


def rendered(pulumi_type: str) -> dict[str, dict[str, Any]]:
    return {
        resource["name"]: resource["inputs"]
        for resource in rendered_resources()
        if resource["type"] == pulumi_type
    }


def registered(run: Run, given: NodePoolArgs) -> tuple[dict[str, Any], dict[str, Any]]:
    resources: dict[str, Registration] = {
        resource.name: resource for resource in run(lambda: NodePool("web", given))
    }
    return resources["web-launch-template"].inputs, resources["web-node-group"].inputs


def test_every_call_of_the_committed_stack_meets_the_model() -> None:
    templates, groups = rendered(TEMPLATE_TYPE), rendered(GROUP_TYPE)
    assert len(templates) == len(groups) == 4
    for name, inputs in templates.items():
        call = calls.create_launch_template(inputs, name)
        assert refusal("ec2", "CreateLaunchTemplate", call) == ""
    for name, inputs in groups.items():
        call = calls.create_node_group(inputs, name, TEMPLATE, VERSION)
        assert refusal("eks", "CreateNodegroup", call) == ""


@pytest.mark.parametrize("given", EXTREMES)
def test_every_input_meets_the_model(run: Run, given: NodePoolArgs) -> None:
    template, group = registered(run, given)
    for service, operation, call in (
        ("ec2", "CreateLaunchTemplate", calls.create_launch_template(template, "web-template")),
        (
            "ec2",
            "CreateLaunchTemplateVersion",
            calls.create_launch_template_version(template, TEMPLATE),
        ),
        ("eks", "CreateNodegroup", calls.create_node_group(group, "web", TEMPLATE, VERSION)),
        ("eks", "UpdateNodegroupConfig", calls.update_node_group_config({}, group, "web")),
        (
            "eks",
            "UpdateNodegroupVersion",
            calls.update_node_group_version(group, "web", TEMPLATE, "2"),
        ),
    ):
        assert refusal(service, operation, call) == ""


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda call: call.update(diskSize="20"), "diskSize"),
        (lambda call: call.update(disk=20), "Unknown parameter"),
        (lambda call: call.update(amiType="AL2024"), "none of"),
        (lambda call: call["scalingConfig"].update(minSize="1"), "minSize"),
        (lambda call: call["updateConfig"].update(maxUnavailable=0), "maxUnavailable"),
        (lambda call: call["taints"][0].update(effect="NoSchedule"), "none of"),
        (lambda call: call["taints"][0].update(key="x" * 64), "too long"),
        (lambda call: call.pop("subnets"), "subnets"),
    ],
)
def test_the_model_would_refuse_something_else(
    run: Run, change: Callable[[dict[str, Any]], object], refused: str
) -> None:
    taints = [{"key": "k", "effect": "NoSchedule"}]
    given = args(update={"max_unavailable": 1}, startup_taints=taints)
    _, group = registered(run, given)
    call = calls.create_node_group(group, "web", TEMPLATE, VERSION)
    assert refusal("eks", "CreateNodegroup", call) == ""
    change(call)
    assert refused in refusal("eks", "CreateNodegroup", call)


@pytest.fixture(scope="module")
def client() -> Iterator[Callable[[str], Any]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()

    @cache
    def connect(service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://{host}:{port}",
            region_name="eu-west-1",
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 moto takes any
        )

    yield connect
    server.stop()


@pytest.fixture
def cluster(client: Callable[[str], Any]) -> Iterator[str]:
    eks = client("eks")
    role = "arn:aws:iam::123456789012:role/cluster"
    eks.create_cluster(
        name="platform", roleArn=role, resourcesVpcConfig={"subnetIds": ["subnet-00000001"]}
    )
    yield "platform"
    for name in eks.list_nodegroups(clusterName="platform")["nodegroups"]:
        eks.delete_nodegroup(clusterName="platform", nodegroupName=name)
    eks.delete_cluster(name="platform")


@pytest.mark.usefixtures("cluster")
def test_a_pool_is_created_and_is_what_was_asked_for(client: Callable[[str], Any]) -> None:
    ec2, eks = client("ec2"), client("eks")
    for pool in ("ml", "web", "ml-bottlerocket", "web-bottlerocket"):
        template = rendered(TEMPLATE_TYPE)[f"{pool}-launch-template"]
        group = rendered(GROUP_TYPE)[f"{pool}-node-group"]
        call = calls.create_launch_template(template, pool)
        made = ec2.create_launch_template(**call)["LaunchTemplate"]
        (version,) = ec2.describe_launch_template_versions(
            LaunchTemplateId=made["LaunchTemplateId"]
        )["LaunchTemplateVersions"]
        data = version["LaunchTemplateData"]
        assert data["BlockDeviceMappings"] == call["LaunchTemplateData"]["BlockDeviceMappings"]
        assert data["MetadataOptions"].items() >= {"HttpTokens": "required"}.items()
        assert base64.b64decode(data["UserData"]) == base64.b64decode(template["userData"])
        asked = calls.create_node_group(group, pool, made["LaunchTemplateId"], "1")
        eks.create_nodegroup(**asked)
        found = eks.describe_nodegroup(clusterName="platform", nodegroupName=pool)["nodegroup"]
        for key in asked.keys() - {"launchTemplate", "updateConfig"}:
            assert found[key] == asked[key], key
        assert found["launchTemplate"].items() >= asked["launchTemplate"].items()


@pytest.mark.usefixtures("cluster")
def test_a_larger_disk_is_a_new_version_of_the_same_template(
    run: Run, client: Callable[[str], Any]
) -> None:
    ec2 = client("ec2")
    before, _ = registered(run, args())
    after, _ = registered(run, args(root_volume={"size_gib": 80}))
    identity = ec2.create_launch_template(**calls.create_launch_template(before, "grown"))[
        "LaunchTemplate"
    ]["LaunchTemplateId"]
    call = calls.create_launch_template_version(after, identity)
    assert refusal("ec2", "CreateLaunchTemplateVersion", call) == ""
    made = ec2.create_launch_template_version(**call)["LaunchTemplateVersion"]
    assert made["VersionNumber"] == 2
    sizes = [
        version["LaunchTemplateData"]["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"]
        for version in ec2.describe_launch_template_versions(LaunchTemplateId=identity)[
            "LaunchTemplateVersions"
        ]
    ]
    assert sorted(sizes) == [50, 80]


@pytest.mark.usefixtures("cluster")
def test_labels_taints_and_sizes_change_in_place(run: Run, client: Callable[[str], Any]) -> None:
    eks, ec2 = client("eks"), client("ec2")
    one = pool_with(
        args(),
        node_labels={"a": "1", "b": "2"},
        node_taints=[{"key": "old", "effect": "NoSchedule"}],
    )
    two = pool_with(
        args(scaling={"min_size": 2, "max_size": 9}),
        node_labels={"a": "3"},
        node_taints=[{"key": "new", "value": "x", "effect": "NoExecute"}],
    )
    template, before = registered(run, one)
    _, after = registered(run, two)
    identity = ec2.create_launch_template(**calls.create_launch_template(template, "in-place"))[
        "LaunchTemplate"
    ]["LaunchTemplateId"]
    eks.create_nodegroup(**calls.create_node_group(before, "web", identity, "1"))
    eks.update_nodegroup_config(**calls.update_node_group_config(before, after, "web"))
    found = eks.describe_nodegroup(clusterName="platform", nodegroupName="web")["nodegroup"]
    assert found["labels"] == {"a": "3"}
    assert found["taints"] == [{"key": "new", "value": "x", "effect": "NO_EXECUTE"}]
    assert (found["scalingConfig"]["minSize"], found["scalingConfig"]["maxSize"]) == (2, 9)


@pytest.mark.usefixtures("cluster")
def test_a_replacement_is_there_beside_the_old_group(
    run: Run, client: Callable[[str], Any]
) -> None:
    eks, ec2 = client("eks"), client("ec2")
    template, group = registered(run, args())
    _, other = registered(run, args(instance_types=["m7i.xlarge"]))
    identity = ec2.create_launch_template(**calls.create_launch_template(template, "replaced"))[
        "LaunchTemplate"
    ]["LaunchTemplateId"]
    eks.create_nodegroup(**calls.create_node_group(group, "web-node-group-1", identity, "1"))
    eks.create_nodegroup(**calls.create_node_group(other, "web-node-group-2", identity, "1"))
    eks.delete_nodegroup(clusterName="platform", nodegroupName="web-node-group-1")
    assert eks.list_nodegroups(clusterName="platform")["nodegroups"] == ["web-node-group-2"]
    # With a name of its own the second could not be made before the first is gone.
    with pytest.raises(eks.exceptions.ResourceInUseException):
        eks.create_nodegroup(**calls.create_node_group(other, "web-node-group-2", identity, "1"))


def test_the_role_is_one_that_aws_takes(run: Run, client: Callable[[str], Any]) -> None:
    iam = client("iam")
    given = args(node_role={"ssm_access": True}, tags={"team": "platform"})
    del given["node_role_arn"]
    resources = run(lambda: NodePool("web", given))
    (role,) = [item for item in resources if item.name == "web-node-role"]
    call = calls.create_role(role.inputs, "web-node-role")
    assert refusal("iam", "CreateRole", call) == ""
    assert iam.create_role(**call)["Role"]["RoleName"] == "web-node-role"
    attached = [item for item in resources if item.type.endswith(":RolePolicyAttachment")]
    assert len(attached) == 4
    for item in attached:
        policy = {"PolicyArn": item.inputs["policyArn"], "RoleName": "web-node-role"}
        assert refusal("iam", "AttachRolePolicy", policy) == ""
