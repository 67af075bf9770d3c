"""A pool's Karpenter objects: from a spec to an EC2NodeClass and a NodePool, without registration.

Fields: https://karpenter.sh/docs/concepts/nodeclasses/ and
https://karpenter.sh/docs/concepts/nodepools/
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pulumi

from nodepools.args import CapacityType, NodePoolArgs
from nodepools.disk.volumes import Volume
from nodepools.eks.ami_families import architecture_of
from nodepools.eks.cluster import named
from nodepools.kubelet.settings import kubelet_configuration
from nodepools.spec import NodePoolSpec, image_volume, volumes_by_device
from preloader.nodes import ARCHITECTURE_LABEL, Taint

# Of the fields of a KubeletConfiguration that the pool sets, those that an EC2NodeClass has. The
# others go into the user data, which Karpenter puts before its own.
NODE_CLASS_FIELDS = (
    "imageGCHighThresholdPercent",
    "imageGCLowThresholdPercent",
    "evictionHard",
    "evictionSoft",
    "evictionSoftGracePeriod",
    "evictionMaxPodGracePeriod",
)
CAPACITY_TYPES = {CapacityType.ON_DEMAND: "on-demand", CapacityType.SPOT: "spot"}


def node_class_spec(spec: NodePoolSpec, args: NodePoolArgs) -> dict[str, Any]:
    """The `spec` of the EC2NodeClass; `args` must have the role and the security groups."""
    kubelet = kubelet_configuration(spec.kubelet)
    in_class = {name: kubelet[name] for name in NODE_CLASS_FIELDS if name in kubelet}
    user_data = _user_data(spec, {name: kubelet[name] for name in kubelet.keys() - in_class.keys()})
    return {
        "amiSelectorTerms": [{"alias": _ami_alias(spec)}],
        "role": named(args.get("node_role_arn", "")),
        "subnetSelectorTerms": _by_id(args["subnet_ids"]),
        "securityGroupSelectorTerms": _by_id(args.get("security_group_ids", [])),
        "blockDeviceMappings": [
            _block_device(device, volume, holds_kubelet=volume is image_volume(spec))
            for device, volume in volumes_by_device(spec).items()
        ],
        "metadataOptions": {
            "httpEndpoint": "enabled",
            "httpTokens": "required",
            "httpPutResponseHopLimit": spec.metadata_hop_limit,
        },
        "kubelet": in_class,
        **({"userData": user_data} if user_data else {}),
        **({"instanceStorePolicy": "RAID0"} if spec.instance_store_gib else {}),
        **({"tags": dict(spec.tags)} if spec.tags else {}),
    }


def karpenter_pool_spec(spec: NodePoolSpec, node_class: pulumi.Input[str]) -> dict[str, Any]:
    """The `spec` of the NodePool whose nodes are as the EC2NodeClass `node_class` says."""
    requirements = {
        ARCHITECTURE_LABEL: [architecture_of(spec.ami_type)],
        "karpenter.sh/capacity-type": [CAPACITY_TYPES[spec.capacity_type]],
        "node.kubernetes.io/instance-type": list(spec.instance_types),
    }
    node_spec = {
        "nodeClassRef": {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": node_class},
        "requirements": [
            {"key": key, "operator": "In", "values": values} for key, values in requirements.items()
        ],
        "taints": _taints(spec.node_taints),
        "startupTaints": _taints(spec.startup_taints),
        "expireAfter": spec.expire_after,
    }
    labels = dict(spec.node_labels)
    return {
        "template": {
            **({"metadata": {"labels": labels}} if labels else {}),
            "spec": {key: value for key, value in node_spec.items() if value},
        },
        **({"limits": dict(spec.limits)} if spec.limits else {}),
    }


def _ami_alias(spec: NodePoolSpec) -> str:
    match = spec.family.release_version.fullmatch(spec.release_version or "")
    release = f"v{match['release']}" if match else "latest"
    return f"{spec.family.alias}@{release}"


def _user_data(spec: NodePoolSpec, kubelet_fields: Mapping[str, Any]) -> str:
    """What an EC2NodeClass has no field for; empty where that is nothing."""
    fast_pull = spec.kubelet.image_pulls.fast
    if not kubelet_fields and not fast_pull:
        return ""
    in_order = {name: kubelet_fields[name] for name in sorted(kubelet_fields)}
    return spec.family.user_data(in_order, fast_pull=fast_pull, instance_store=False)


def _by_id(
    ids: pulumi.Input[Sequence[pulumi.Input[str]]],
) -> pulumi.Output[list[dict[str, pulumi.Input[str]]]]:
    def terms(
        known: Sequence[pulumi.Input[str]],
    ) -> list[dict[str, pulumi.Input[str]]]:
        return [{"id": identity} for identity in known]

    return pulumi.Output.from_input(ids).apply(terms)


def _block_device(device: str, volume: Volume, *, holds_kubelet: bool) -> dict[str, Any]:
    ebs = {
        "volumeType": "gp3",
        "volumeSize": f"{volume.size_gib}Gi",
        "iops": volume.iops,
        "throughput": volume.throughput_mibps,
        "encrypted": None if volume.snapshot_id else True,
        "kmsKeyID": volume.kms_key_arn,
        "snapshotID": volume.snapshot_id,
        "volumeInitializationRate": volume.initialization_rate_mibps,
        "deleteOnTermination": True,
    }
    return {
        "deviceName": device,
        # Karpenter takes the ephemeral storage of a node from the volume of the kubelet.
        "rootVolume": holds_kubelet,
        "ebs": {key: value for key, value in ebs.items() if value is not None},
    }


def _taints(taints: Iterable[Taint]) -> list[dict[str, str]]:
    return [
        {
            "key": taint.key,
            **({"value": taint.value} if taint.value else {}),
            "effect": str(taint.effect),
        }
        for taint in taints
    ]
