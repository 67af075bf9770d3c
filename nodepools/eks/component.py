"""The component of a managed node group: it registers what the inputs describe, nothing else."""

import pulumi
from pulumi_aws import get_partition_output
from pulumi_aws.ec2 import LaunchTemplate
from pulumi_aws.eks import NodeGroup
from pulumi_aws.iam import Role, RolePolicyAttachment, RolePolicyAttachmentArgs

from nodepools.args import NodeGroupKind, NodePoolArgs
from nodepools.eks.inputs import launch_template, node_group
from nodepools.eks.roles import aws_policy_arn, node_policies, node_role
from nodepools.spec import NodePoolSpec, node_pool_spec, notes, require_kind
from preloader.tokens import NODE_POOL


class NodePool(pulumi.ComponentResource):
    """An EKS managed node group whose disk and kubelet fit the images that it is to keep.

    A change of disks, kubelet or tags makes a new version of the launch template, which replaces
    every node; a change of AMI type, capacity type, instance types, role or subnets replaces the
    group, the new one first; `nodepools.changes` has the whole table. Raises InvalidInput with
    every problem of its inputs, before anything is registered.
    """

    node_group_name: pulumi.Output[str]
    """Name of the node group in the cluster."""
    node_group_arn: pulumi.Output[str]
    """ARN of the node group."""
    node_role_arn: pulumi.Output[str]
    """ARN of the nodes' role."""

    def __init__(
        self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = node_pool_spec(name, args)
        require_kind(spec, NodeGroupKind.MANAGED)
        super().__init__(NODE_POOL, name, {**args}, opts)
        for note in notes(spec):
            pulumi.log.warn(f"{name}: {note}", self)
        permissions: list[pulumi.Resource] = []
        if "node_role_arn" in args:
            self.node_role_arn = pulumi.Output.from_input(args["node_role_arn"])
        else:
            role = Role(f"{name}-node-role", node_role(spec), pulumi.ResourceOptions(parent=self))
            permissions += self._permissions(spec, role)
            self.node_role_arn = role.arn
        template = LaunchTemplate(
            f"{name}-launch-template",
            launch_template(spec, args),
            pulumi.ResourceOptions(parent=self),
        )
        timeout = f"{spec.update.timeout_minutes}m"
        group = NodeGroup(
            f"{name}-node-group",
            # A number, never `$Latest`, which would roll no node when the template changes.
            node_group(
                spec, args, self.node_role_arn, template.id, template.latest_version.apply(str)
            ),
            pulumi.ResourceOptions(
                parent=self,
                # Without its permissions a node cannot join, nor give back its network interfaces.
                depends_on=permissions,
                # The autoscaler owns the number of nodes.
                ignore_changes=["scalingConfig.desiredSize"],
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )
        self.node_group_name = group.node_group_name
        self.node_group_arn = group.arn
        self.register_outputs(
            {
                "nodeGroupName": self.node_group_name,
                "nodeGroupArn": self.node_group_arn,
                "nodeRoleArn": self.node_role_arn,
            }
        )

    @property
    def names(self) -> dict[str, pulumi.Output[str]]:
        """What a stack exports of the pool."""
        return {
            "node_group_name": self.node_group_name,
            "node_group_arn": self.node_group_arn,
            "node_role_arn": self.node_role_arn,
        }

    def _permissions(self, spec: NodePoolSpec, role: Role) -> list[RolePolicyAttachment]:
        partition = get_partition_output(opts=pulumi.InvokeOutputOptions(parent=self)).partition
        return [
            RolePolicyAttachment(
                f"{spec.name}-node-role-{purpose}",
                RolePolicyAttachmentArgs(
                    role=role.name,
                    policy_arn=partition.apply(
                        lambda partition, policy=policy: aws_policy_arn(partition, policy)
                    ),
                ),
                pulumi.ResourceOptions(parent=self),
            )
            for purpose, policy in node_policies(spec).items()
        ]
