"""What `NodePool` registers. Needs no engine and no account, so it cannot tell what AWS accepts."""

import pulumi
import pulumi_aws as aws
import pytest

from nodepools import NodePool, NodePoolArgs
from preloadctl.recorder import COMPUTED, Registration
from preloader import InvalidInput, TaintEffect
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
