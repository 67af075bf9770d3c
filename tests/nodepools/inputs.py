"""Inputs of a node pool that are right, for tests to put something wrong into."""

from copy import deepcopy
from typing import Any, cast

from nodepools import NodePoolArgs

ROLE = "arn:aws:iam::123456789012:role/nodes"
GIB = 1024**3
BOTTLEROCKET = {
    "ami_type": "BOTTLEROCKET_x86_64",
    "root_volume": {},
    "data_volume": {"size_gib": 50},
}


def node_pool_args(**group: object) -> NodePoolArgs:
    """Returns the inputs of a small managed group, with these keys of its group set."""
    plain: NodePoolArgs = {
        "cluster_name": "platform",
        "node_role_arn": ROLE,
        "subnet_ids": ["subnet-00000001", "subnet-00000002"],
        "node_group": {
            "instance_types": ["m7i.large"],
            "scaling": {"min_size": 1, "max_size": 3},
            "root_volume": {"size_gib": 50},
            **group,
        },
    }
    return deepcopy(plain)


def bottlerocket_args(**group: object) -> NodePoolArgs:
    """The same on Bottlerocket."""
    return node_pool_args(**{**BOTTLEROCKET, **group})


def karpenter_args(**group: object) -> NodePoolArgs:
    """Returns the inputs of a small Karpenter pool."""
    args = pool_with(
        node_pool_args(**{"kind": "karpenter", **group}), security_group_ids=["sg-00000001"]
    )
    without = cast("dict[str, Any]", args["node_group"])
    if "scaling" not in group:
        del without["scaling"]
    return args


def with_images(args: NodePoolArgs, **sizes_bytes: int) -> NodePoolArgs:
    """Returns the inputs with images of these compressed sizes."""
    return pool_with(args, images=list(sizes_bytes), image_sizes_bytes=sizes_bytes)


def pool_with(args: NodePoolArgs, **keys: object) -> NodePoolArgs:
    """Returns the inputs with these keys of the pool set."""
    return cast("NodePoolArgs", {**args, **keys})
