"""The role of a managed group's nodes: who may take it, and the least that it has to allow.

https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html
"""

import json

from pulumi_aws.iam import RoleArgs

from nodepools.spec import NodePoolSpec

JOIN_POLICY = "AmazonEKSWorkerNodePolicy"
PULL_POLICY = "AmazonEC2ContainerRegistryPullOnly"
CNI_POLICY = "AmazonEKS_CNI_Policy"
SSM_POLICY = "AmazonSSMManagedInstanceCore"


def node_role(spec: NodePoolSpec) -> RoleArgs:
    """A role that EC2 instances take; EKS admits the role of a managed group by itself."""
    return RoleArgs(
        assume_role_policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "ec2.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
        description=f"Nodes of pool {spec.name}",
        permissions_boundary=spec.node_role.permissions_boundary_arn,
        tags=dict(spec.tags) or None,
    )


def node_policies(spec: NodePoolSpec) -> dict[str, str]:
    """The names of AWS's own policies that the role needs, by what they are for."""
    return {
        "join": JOIN_POLICY,
        "pull": PULL_POLICY,
        **({"cni": CNI_POLICY} if spec.node_role.cni_policy else {}),
        **({"ssm": SSM_POLICY} if spec.node_role.ssm_access else {}),
    }


def aws_policy_arn(partition: str, policy: str) -> str:
    """The ARN of one of AWS's own policies in a partition: `aws`, `aws-cn`, `aws-us-gov`."""
    return f"arn:{partition}:iam::aws:policy/{policy}"
