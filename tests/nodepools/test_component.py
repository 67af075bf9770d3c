"""What `NodePool` registers. Needs no engine and no account, so it cannot tell what AWS accepts."""

import json
import logging

import pulumi
import pulumi_aws as aws
import pytest

from nodepools import NodePool, NodePoolArgs
from preloadctl.recorder import COMPUTED, Registration
from preloader import InvalidInput, TaintEffect
from tests.nodepools.inputs import bottlerocket_args, pool_with
from tests.nodepools.inputs import node_pool_args as args
from tests.support import Run


def registered(run: Run, given: NodePoolArgs) -> tuple[Registration, Registration]:
    by_name = {resource.name: resource for resource in run(lambda: NodePool("web", given))}
    assert by_name["web"].type == "image-preloader:index:NodePool"
    template, group = by_name["web-launch-template"], by_name["web-node-group"]
    assert template.parent == group.parent == by_name["web"].urn
    return template, group


def test_the_template_owns_disk_metadata_service_and_user_data(run: Run) -> None:
    volume = {"size_gib": 200, "iops": 6000, "throughput_mibps": 600}
    template, _ = registered(run, args(root_volume=volume))
    assert template.type == "aws:ec2/launchTemplate:LaunchTemplate"
    assert template.inputs["blockDeviceMappings"] == [
        {
            "deviceName": "/dev/xvda",
            "ebs": {
                "volumeType": "gp3",
                "volumeSize": 200,
                "iops": 6000,
                "throughput": 600,
                "encrypted": "true",
                "deleteOnTermination": "true",
            },
        }
    ]
    assert template.inputs["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert "imageId" not in template.inputs
    assert "tagSpecifications" not in template.inputs


def test_the_group_leaves_to_eks_and_the_autoscaler_what_is_theirs(run: Run) -> None:
    template, group = registered(run, args())
    assert group.type == "aws:eks/nodeGroup:NodeGroup"
    assert group.ignore_changes == ("scalingConfig.desiredSize",)
    assert template.urn in group.dependencies
    assert group.inputs["launchTemplate"] == {
        "id": "${web-launch-template.id}",
        "version": COMPUTED,
    }
    assert not {"nodeGroupName", "diskSize", "taints", "labels", "tags"} & set(group.inputs)


def test_labels_and_taints_are_those_of_the_pool_in_the_words_of_eks(run: Run) -> None:
    given = args()
    given["node_labels"] = {"workload-type": "ml"}
    given["node_taints"] = [
        {"key": "workload", "value": "ml", "effect": TaintEffect.NO_SCHEDULE},
        {"key": "spot", "effect": TaintEffect.PREFER_NO_SCHEDULE},
        {"key": "gone", "effect": TaintEffect.NO_EXECUTE},
    ]
    _, group = registered(run, given)
    assert group.inputs["labels"] == {"workload-type": "ml"}
    assert group.inputs["taints"] == [
        {"key": "workload", "value": "ml", "effect": "NO_SCHEDULE"},
        {"key": "spot", "effect": "PREFER_NO_SCHEDULE"},
        {"key": "gone", "effect": "NO_EXECUTE"},
    ]


def test_tags_reach_instances_and_volumes(run: Run) -> None:
    template, group = registered(run, args(tags={"team": "platform"}))
    assert {
        specification["resourceType"]: specification["tags"]
        for specification in template.inputs["tagSpecifications"]
    } == {"instance": {"team": "platform"}, "volume": {"team": "platform"}}
    assert group.inputs["tags"] == {"team": "platform"}


def test_a_customers_key_encrypts_the_volume(run: Run) -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1"
    template, _ = registered(run, args(root_volume={"size_gib": 50, "kms_key_arn": key}))
    assert template.inputs["blockDeviceMappings"][0]["ebs"]["kmsKeyId"] == key


def test_bad_inputs_register_nothing(run: Run) -> None:
    def program() -> None:
        with pytest.raises(InvalidInput):
            NodePool("web", args(instance_types=[]))

    assert run(program) == []


def test_the_provider_of_the_component_reaches_its_children(run: Run) -> None:
    def program() -> None:
        provider = aws.Provider("elsewhere", region="eu-west-1")
        NodePool("web", args(), pulumi.ResourceOptions(provider=provider))

    children = [resource for resource in run(program) if resource.parent.endswith("::web")]
    assert len(children) == 2
    assert all(child.provider.endswith("::elsewhere") for child in children)


def without_role(**group: object) -> NodePoolArgs:
    given = args(**group)
    del given["node_role_arn"]
    return given


def test_without_a_role_one_is_made_that_allows_what_nodes_need(run: Run) -> None:
    by_name = {resource.name: resource for resource in run(lambda: NodePool("web", without_role()))}
    role = by_name["web-node-role"]
    trust = json.loads(role.inputs["assumeRolePolicy"])
    assert trust["Statement"][0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert "name" not in role.inputs
    attached = {
        resource.inputs["policyArn"]
        for resource in by_name.values()
        if resource.type == "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
    }
    assert attached == {
        "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
        "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
        "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy",
    }
    # Without its permissions a node cannot leave the cluster either.
    assert {by_name[f"web-node-role-{purpose}"].urn for purpose in ("join", "pull", "cni")} <= set(
        by_name["web-node-group"].dependencies
    )


def test_a_shell_is_had_through_session_manager_and_the_cni_may_have_its_own_role(
    run: Run,
) -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    role = {"ssm_access": True, "cni_policy": False, "permissions_boundary_arn": boundary}
    resources = run(lambda: NodePool("web", without_role(node_role=role)))
    names = {resource.name for resource in resources}
    assert {"web-node-role-ssm", "web-node-role-join", "web-node-role-pull"} <= names
    assert "web-node-role-cni" not in names
    (made,) = [resource for resource in resources if resource.name == "web-node-role"]
    assert made.inputs["permissionsBoundary"] == boundary
    (group,) = [resource for resource in resources if resource.name == "web-node-group"]
    assert "remoteAccess" not in group.inputs


def test_bottlerockets_volumes_are_both_encrypted_at_their_devices(run: Run) -> None:
    template, _ = registered(run, bottlerocket_args(data_volume={"size_gib": 200}))
    root, data = template.inputs["blockDeviceMappings"]
    assert (root["deviceName"], root["ebs"]["volumeSize"]) == ("/dev/xvda", 4)
    assert (data["deviceName"], data["ebs"]["volumeSize"]) == ("/dev/xvdb", 200)
    assert root["ebs"]["encrypted"] == data["ebs"]["encrypted"] == "true"
    # Without a type EC2 takes gp2, which has no throughput of its own.
    assert root["ebs"]["volumeType"] == data["ebs"]["volumeType"] == "gp3"


def test_a_volume_from_a_snapshot_has_its_encryption(run: Run) -> None:
    volume = {
        "size_gib": 200,
        "snapshot_id": "snap-0a1b2c3d4e5f60718",
        "initialization_rate_mibps": 200,
    }
    template, _ = registered(run, bottlerocket_args(data_volume=volume))
    ebs = template.inputs["blockDeviceMappings"][1]["ebs"]
    assert "encrypted" not in ebs
    assert ebs["snapshotId"] == "snap-0a1b2c3d4e5f60718"
    assert ebs["volumeInitializationRate"] == 200


def test_startup_taints_are_given_to_new_nodes_beside_the_pools(run: Run) -> None:
    startup = [{"key": "example.com/preparing", "effect": "NoSchedule"}]
    _, group = registered(run, args(startup_taints=startup))
    assert group.inputs["taints"] == [{"key": "example.com/preparing", "effect": "NO_SCHEDULE"}]


def test_how_an_update_goes_is_said(run: Run) -> None:
    update = {
        "max_unavailable_percent": 25,
        "strategy": "MINIMAL",
        "force": True,
        "timeout_minutes": 90,
    }
    _, group = registered(run, args(update=update, version="1.33"))
    assert group.inputs["updateConfig"] == {
        "maxUnavailablePercentage": 25,
        "updateStrategy": "MINIMAL",
    }
    assert group.inputs["forceUpdateVersion"] is True
    assert group.inputs["version"] == "1.33"
    assert (group.create_timeout, group.update_timeout) == ("90m", "90m")


def test_a_new_group_is_there_before_the_old_one_goes(run: Run) -> None:
    template, group = registered(run, args())
    assert not template.delete_before_replace
    assert not group.delete_before_replace


def test_pods_that_need_the_metadata_service_are_the_stated_exception(run: Run) -> None:
    template, _ = registered(run, args(metadata_hop_limit=2))
    options = template.inputs["metadataOptions"]
    assert (options["httpPutResponseHopLimit"], options["httpTokens"]) == (2, "required")


def test_a_cluster_may_be_named_by_its_arn_and_come_from_another_stack(run: Run) -> None:
    def program() -> None:
        arn = "arn:aws:eks:eu-west-1:123456789012:cluster/platform"
        NodePool("web", pool_with(args(), cluster_name=arn))
        NodePool("ml", pool_with(args(), cluster_name=pulumi.Output.from_input(arn)))

    groups = [resource for resource in run(program) if resource.name.endswith("-node-group")]
    assert [group.inputs["clusterName"] for group in groups] == ["platform", "platform"]


def test_values_that_another_stack_has_yet_to_tell_are_passed_on(run: Run) -> None:
    def program() -> None:
        network = pulumi.StackReference("organization/network/prod")
        given = pool_with(
            args(),
            subnet_ids=network.get_output("subnet_ids"),
            security_group_ids=network.get_output("security_group_ids"),
        )
        NodePool("web", given)

    by_name = {resource.name: resource for resource in run(program)}
    assert by_name["web-node-group"].inputs["subnetIds"] == COMPUTED
    assert by_name["web-launch-template"].inputs["vpcSecurityGroupIds"] == COMPUTED


def test_security_groups_are_those_that_are_given(run: Run) -> None:
    template, _ = registered(run, pool_with(args(), security_group_ids=["sg-00000001"]))
    assert template.inputs["vpcSecurityGroupIds"] == ["sg-00000001"]
    template, _ = registered(run, args())
    assert "vpcSecurityGroupIds" not in template.inputs


def test_what_cannot_be_checked_is_said_once(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(lambda: NodePool("web", pool_with(args(), images=["a", "b"])))
    said = [record.getMessage() for record in caplog.records]
    assert len([text for text in said if "the size is not of a, b" in text]) == 1
