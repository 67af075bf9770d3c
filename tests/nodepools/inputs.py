"""Inputs of a node pool that are right, for tests to put something wrong into."""

from copy import deepcopy

from nodepools import NodePoolArgs


def node_pool_args(**group: object) -> NodePoolArgs:
    """Returns the inputs of a small node pool, with these keys of its group set."""
    plain: NodePoolArgs = {
        "cluster_name": "platform",
        "node_role_arn": "arn:aws:iam::123456789012:role/nodes",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "node_group": {
            "instance_types": ["m7i.large"],
            "scaling": {"min_size": 1, "max_size": 3},
            "root_volume": {"size_gib": 50},
            **group,
        },
    }
    return deepcopy(plain)
