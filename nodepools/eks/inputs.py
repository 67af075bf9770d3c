"""A managed node group's AWS resources: from a spec to typed arguments, without registration."""

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
    NodeGroupUpdateConfigArgs,
)

from nodepools.args import NodePoolArgs
from nodepools.disk.volumes import Volume
from nodepools.eks.cluster import named
from nodepools.spec import NodePoolSpec, Scaling, Update, user_data, volumes_by_device
from preloader.nodes import TaintEffect

EKS_TAINT_EFFECTS = {
    TaintEffect.NO_SCHEDULE: "NO_SCHEDULE",
    TaintEffect.PREFER_NO_SCHEDULE: "PREFER_NO_SCHEDULE",
    TaintEffect.NO_EXECUTE: "NO_EXECUTE",
}


def launch_template(spec: NodePoolSpec, args: NodePoolArgs) -> LaunchTemplateArgs:
    """The launch template: disks, metadata service, tags, user data; the AMI stays EKS's own."""
    tags = dict(spec.tags)
    return LaunchTemplateArgs(
        block_device_mappings=[
            LaunchTemplateBlockDeviceMappingArgs(device_name=device, ebs=_ebs(volume))
            for device, volume in volumes_by_device(spec).items()
        ],
        # IMDSv2 alone, and out of reach for pods that have a network of their own.
        metadata_options=LaunchTemplateMetadataOptionsArgs(
            http_endpoint="enabled",
            http_tokens="required",
            http_put_response_hop_limit=spec.metadata_hop_limit,
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
        vpc_security_group_ids=args.get("security_group_ids"),
    )


def node_group(
    spec: NodePoolSpec,
    args: NodePoolArgs,
    node_role_arn: pulumi.Input[str],
    launch_template_id: pulumi.Input[str],
    launch_template_version: pulumi.Input[str],
) -> NodeGroupArgs:
    """The managed node group; without a name of its own, so that a new one can replace it."""
    return NodeGroupArgs(
        cluster_name=named(args["cluster_name"]),
        node_role_arn=node_role_arn,
        subnet_ids=args["subnet_ids"],
        ami_type=spec.ami_type,
        version=spec.version,
        release_version=spec.release_version,
        capacity_type=spec.capacity_type,
        instance_types=list(spec.instance_types),
        scaling_config=_scaling_config(spec.scaling),
        update_config=_update_config(spec.update),
        force_update_version=spec.update.force,
        launch_template=NodeGroupLaunchTemplateArgs(
            id=launch_template_id, version=launch_template_version
        ),
        labels=dict(spec.node_labels) or None,
        # EKS gives a node its taints when it registers and never again, so one that is removed
        # from it stays away.
        taints=[
            NodeGroupTaintArgs(
                key=taint.key, value=taint.value or None, effect=EKS_TAINT_EFFECTS[taint.effect]
            )
            for taint in (*spec.node_taints, *spec.startup_taints)
        ]
        or None,
        tags=dict(spec.tags) or None,
    )


def _ebs(volume: Volume) -> LaunchTemplateBlockDeviceMappingEbsArgs:
    return LaunchTemplateBlockDeviceMappingEbsArgs(
        volume_type="gp3",
        volume_size=volume.size_gib,
        iops=volume.iops,
        throughput=volume.throughput_mibps,
        # EC2 refuses both together: a volume has the encryption of its snapshot.
        encrypted=None if volume.snapshot_id else "true",
        kms_key_id=volume.kms_key_arn,
        snapshot_id=volume.snapshot_id,
        volume_initialization_rate=volume.initialization_rate_mibps,
        delete_on_termination="true",
    )


def _scaling_config(scaling: Scaling) -> NodeGroupScalingConfigArgs:
    return NodeGroupScalingConfigArgs(
        min_size=scaling.min_size,
        max_size=scaling.max_size,
        desired_size=scaling.desired_size,
    )


def _update_config(update: Update) -> NodeGroupUpdateConfigArgs | None:
    if (update.max_unavailable, update.max_unavailable_percent, update.strategy) == (None,) * 3:
        return None
    return NodeGroupUpdateConfigArgs(
        max_unavailable=update.max_unavailable,
        max_unavailable_percentage=update.max_unavailable_percent,
        update_strategy=update.strategy,
    )
