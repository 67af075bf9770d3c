"""A node pool's AWS resources: from a spec to typed arguments, without any registration."""

import base64

import pulumi
from pulumi_aws.ec2 import (
    LaunchTemplateArgs,
    LaunchTemplateBlockDeviceMappingArgs,
    LaunchTemplateBlockDeviceMappingEbsArgs,
    LaunchTemplateMetadataOptionsArgs,
    LaunchTemplateTagSpecificationArgs,
)
from pulumi_aws.eks import (
    NodeGroupArgs,
    NodeGroupLaunchTemplateArgs,
    NodeGroupScalingConfigArgs,
    NodeGroupTaintArgs,
)

from nodepools.args import NodePoolArgs
from nodepools.spec import NodePoolSpec
from nodepools.userdata import user_data
from preloader.nodes import TaintEffect

AL2023_ROOT_DEVICE = "/dev/xvda"
EKS_TAINT_EFFECTS = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}


def launch_template(spec: NodePoolSpec) -> LaunchTemplateArgs:
    """The launch template: disk, metadata service, tags and user data; the AMI stays EKS's own."""
    tags = dict(spec.tags)
    volume = spec.root_volume
    return LaunchTemplateArgs(
        block_device_mappings=[
            LaunchTemplateBlockDeviceMappingArgs(
                device_name=AL2023_ROOT_DEVICE,
                ebs=LaunchTemplateBlockDeviceMappingEbsArgs(
                    volume_type="gp3",
                    volume_size=volume.size_gib,
                    iops=volume.iops,
                    throughput=volume.throughput_mibps,
                    encrypted="true",
                    kms_key_id=volume.kms_key_arn,
                    delete_on_termination="true",
                ),
            )
        ],
        # IMDSv2 alone, and out of reach for pods that have a network of their own.
        metadata_options=LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        # EKS and a provider's default tags reach neither the instances nor their volumes.
        tag_specifications=[
            LaunchTemplateTagSpecificationArgs(resource_type=resource_type, tags=tags)
            for resource_type in ("instance", "volume")
        ]
        if tags
        else None,
        tags=tags or None,
        update_default_version=True,
        user_data=base64.b64encode(user_data(spec).encode()).decode(),
    )


def node_group(
    spec: NodePoolSpec,
    args: NodePoolArgs,
    launch_template_id: pulumi.Input[str],
    launch_template_version: pulumi.Input[str],
) -> NodeGroupArgs:
    """The managed node group; without a name of its own, so that a new one can replace it."""
    return NodeGroupArgs(
        cluster_name=args["cluster_name"],
        node_role_arn=args["node_role_arn"],
        subnet_ids=args["subnet_ids"],
        ami_type=spec.ami_type,
        release_version=spec.release_version,
        capacity_type=spec.capacity_type,
        instance_types=list(spec.instance_types),
        scaling_config=NodeGroupScalingConfigArgs(
            min_size=spec.scaling.min_size,
            max_size=spec.scaling.max_size,
            desired_size=spec.scaling.desired_size,
        ),
        launch_template=NodeGroupLaunchTemplateArgs(
            id=launch_template_id, version=launch_template_version
        ),
        labels=dict(spec.node_labels) or None,
        taints=[
            NodeGroupTaintArgs(
                key=taint.key, value=taint.value or None, effect=EKS_TAINT_EFFECTS[taint.effect]
            )
            for taint in spec.node_taints
        ]
        or None,
        tags=dict(spec.tags) or None,
    )
