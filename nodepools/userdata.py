"""The user data of AL2023 nodes: the part of their configuration that EKS does not write itself."""

from typing import Any

import yaml

from nodepools.spec import NodePoolSpec

BOUNDARY = "image-preloader-node-config"


def node_config(spec: NodePoolSpec) -> dict[str, Any]:
    """A partial NodeConfig (https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/).

    EKS adds the cluster's part. Both thresholds are always set: the kubelet compares one that is
    given with the other's default, and does not start where they contradict.
    """
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            "kubelet": {
                "config": {
                    "imageGCHighThresholdPercent": spec.image_gc.high_percent,
                    "imageGCLowThresholdPercent": spec.image_gc.low_percent,
                }
            }
        },
    }


def user_data(spec: NodePoolSpec) -> str:
    """The MIME multipart text that a launch template carries, not yet in base64.

    One flat part, as EKS merges its own beside it:
    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
    """
    return "\n".join(
        (
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"',
            "",
            f"--{BOUNDARY}",
            "Content-Type: application/node.eks.aws",
            "",
            yaml.safe_dump(node_config(spec), sort_keys=False).rstrip(),
            f"--{BOUNDARY}--",
            "",
        )
    )
