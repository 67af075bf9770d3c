"""The user data parses back to what was meant, in the one shape that EKS can merge with its own."""

import email

import yaml

from nodepools.spec import node_pool_spec
from nodepools.userdata import user_data
from tests.nodepools.inputs import node_pool_args as args


def test_one_flat_part_holds_a_node_config() -> None:
    image_gc = {"high_percent": 85, "low_percent": 70}
    message = email.message_from_string(user_data(node_pool_spec("web", args(image_gc=image_gc))))
    assert message["MIME-Version"] == "1.0"
    (part,) = message.get_payload()
    assert part.get_content_type() == "application/node.eks.aws"
    assert yaml.safe_load(part.get_payload()) == {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "kubelet": {
                "config": {"imageGCHighThresholdPercent": 85, "imageGCLowThresholdPercent": 70}
            }
        },
    }


def test_both_thresholds_are_always_written() -> None:
    text = user_data(node_pool_spec("web", args()))
    assert "imageGCHighThresholdPercent: 100" in text
    assert "imageGCLowThresholdPercent: 80" in text


def test_no_carriage_return_and_far_below_the_limit_of_ec2() -> None:
    text = user_data(node_pool_spec("web", args()))
    assert "\r" not in text
    assert len(text) < 12 * 1024
