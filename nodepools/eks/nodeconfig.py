"""The user data of AL2023 nodes: the part of their configuration that EKS does not write itself."""

from typing import Any

import yaml

BOUNDARY = "image-preloader-node-config"


def node_config(
    kubelet_fields: dict[str, Any], *, fast_pull: bool, instance_store: bool
) -> dict[str, Any]:
    """A partial NodeConfig (https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api/).

    EKS and Karpenter add the cluster's part.
    """
    local_storage = {"instance": {"localStorage": {"strategy": "RAID0"}}}
    return {
        "apiVersion": "node.eks.aws/v1alpha1",
        "kind": "NodeConfig",
        "spec": {
            **({"featureGates": {"FastImagePull": True}} if fast_pull else {}),
            **(local_storage if instance_store else {}),
            **({"kubelet": {"config": kubelet_fields}} if kubelet_fields else {}),
        },
    }


def node_config_user_data(
    kubelet_fields: dict[str, Any], *, fast_pull: bool, instance_store: bool
) -> str:
    """The MIME multipart text that a launch template carries, not yet in base64.

    One flat part, as EKS merges its own beside it:
    https://docs.aws.amazon.com/eks/latest/userguide/launch-templates.html#launch-template-user-data
    """
    content = node_config(kubelet_fields, fast_pull=fast_pull, instance_store=instance_store)
    return "\n".join(
        (
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{BOUNDARY}"',
            "",
            f"--{BOUNDARY}",
            "Content-Type: application/node.eks.aws",
            "",
            yaml.safe_dump(content, sort_keys=False).rstrip(),
            f"--{BOUNDARY}--",
            "",
        )
    )
