"""The component: it registers what the inputs describe, and nothing else."""

import pulumi
from pulumi_aws.ec2 import LaunchTemplate
from pulumi_aws.eks import NodeGroup

from nodepools.args import NodePoolArgs
from nodepools.inputs import launch_template, node_group
from nodepools.spec import node_pool_spec


class NodePool(pulumi.ComponentResource):
    """An EKS managed node group whose disk and kubelet fit the images that it is to keep.

    A change of disk, image GC or tags makes a new version of the launch template, which replaces
    every node; a change of AMI type, capacity type, instance types, role or subnets replaces the
    group. Raises InvalidInput with every problem of its inputs, before anything is registered.
    """

    node_group_name: pulumi.Output[str]
    """Name of the node group in the cluster."""
    node_group_arn: pulumi.Output[str]
    """ARN of the node group."""

    def __init__(
        self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        spec = node_pool_spec(name, args)
        super().__init__("image-preloader:index:NodePool", name, {**args}, opts)
        template = LaunchTemplate(
            f"{name}-launch-template",
            launch_template(spec),
            pulumi.ResourceOptions(parent=self),
        )
        group = NodeGroup(
            f"{name}-node-group",
            # A number, never `$Latest`, which would roll no node when the template changes.
            node_group(spec, args, template.id, template.latest_version.apply(str)),
            # The autoscaler owns the number of nodes.
            pulumi.ResourceOptions(parent=self, ignore_changes=["scalingConfig.desiredSize"]),
        )
        self.node_group_name = group.node_group_name
        self.node_group_arn = group.arn
        self.register_outputs(
            {"nodeGroupName": self.node_group_name, "nodeGroupArn": self.node_group_arn}
        )
