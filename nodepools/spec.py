"""An EKS node group that fits its images: the inputs of `NodePool`, checked, with defaults set."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nodepools.args import (
    AmiType,
    CapacityType,
    ImageGcArgs,
    NodeGroupArgs,
    NodePoolArgs,
    RootVolumeArgs,
    ScalingArgs,
)
from preloader.nodes import Taint, TaintArgs, check_labels, check_taints, parse_taints
from preloader.problems import Problem, check_choice, check_keys, check_range, join, refuse

# EKS's limit for a node group's name, less what Pulumi and the component add to the pool's.
NODE_GROUP_NAME_MAX_LENGTH = 63
POOL_NAME_MAX_LENGTH = NODE_GROUP_NAME_MAX_LENGTH - len("-node-group") - len("-a1b2c3d")

# https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
MAX_TAINTS = 50
MAX_LABEL_LENGTH = 63
# The kubelet refuses to register with other labels of these two domains, and EKS passes them on
# to it: https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/ (--node-labels).
KUBERNETES_DOMAINS = ("kubernetes.io", "k8s.io")
KUBELET_LABEL_DOMAINS = ("kubelet.kubernetes.io", "node.kubernetes.io")
EKS_DOMAIN = "eks.amazonaws.com"

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EbsBlockDevice.html and, for the two
# ratios, https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html
GP3_MAX_SIZE_GIB = 65_536
GP3_MIN_IOPS, GP3_MAX_IOPS = 3_000, 80_000
GP3_MIN_THROUGHPUT_MIBPS, GP3_MAX_THROUGHPUT_MIBPS = 125, 2_000
GP3_MAX_IOPS_PER_GIB = 500
GP3_MAX_THROUGHPUT_MIBPS_PER_IOPS = 0.25
# The size of the snapshot that the AL2023 AMIs start from; EC2 refuses less.
AL2023_MIN_SIZE_GIB = 20

# AL2023's kubelet evicts at 10 % free, and deletes every unused image before it evicts a pod:
# https://github.com/awslabs/amazon-eks-ami, nodeadm/internal/kubelet/config.go.
AL2023_EVICTION_PERCENT = 90
# At this value the kubelet does not start its image garbage collection at all.
IMAGE_GC_OFF_PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many nodes a group has."""

    min_size: int
    max_size: int
    desired_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RootVolume:
    """An encrypted gp3 volume."""

    size_gib: int
    iops: int = GP3_MIN_IOPS
    throughput_mibps: int = GP3_MIN_THROUGHPUT_MIBPS
    kms_key_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageGc:
    """The kubelet's thresholds for the deletion of unused images, in percent of the disk used."""

    high_percent: int = IMAGE_GC_OFF_PERCENT
    low_percent: int = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolSpec:
    """A node group: its nodes, their disk and how their kubelet treats images on it."""

    name: str
    node_labels: tuple[tuple[str, str], ...]
    node_taints: tuple[Taint, ...]
    instance_types: tuple[str, ...]
    scaling: Scaling
    root_volume: RootVolume
    image_gc: ImageGc
    ami_type: AmiType
    release_version: str | None
    capacity_type: CapacityType
    tags: tuple[tuple[str, str], ...]


def node_pool_spec(name: str, args: NodePoolArgs) -> NodePoolSpec:
    """Returns the spec of the pool; raises InvalidInput with every problem of its inputs."""
    refuse(f"NodePool {name!r}", node_pool_problems(name, args))
    group = args["node_group"]
    scaling = group["scaling"]
    return NodePoolSpec(
        name=name,
        node_labels=tuple(sorted(args.get("node_labels", {}).items())),
        node_taints=parse_taints(args.get("node_taints", [])),
        instance_types=tuple(group["instance_types"]),
        scaling=Scaling(
            min_size=scaling["min_size"],
            max_size=scaling["max_size"],
            desired_size=scaling.get("desired_size", scaling["min_size"]),
        ),
        root_volume=RootVolume(**group["root_volume"]),
        image_gc=ImageGc(**group.get("image_gc", ImageGcArgs())),
        ami_type=AmiType(group.get("ami_type", AmiType.AL2023_X86_64_STANDARD)),
        release_version=group.get("release_version"),
        capacity_type=CapacityType(group.get("capacity_type", CapacityType.ON_DEMAND)),
        tags=tuple(sorted(group.get("tags", {}).items())),
    )


def node_pool_problems(name: str, args: NodePoolArgs) -> list[Problem]:
    """Returns every problem of a node pool's inputs; the pool's own name has the empty path."""
    labels, taints = args.get("node_labels", {}), args.get("node_taints", [])
    group = args["node_group"]
    at = "node_group"
    return [
        *_check_name(name),
        *check_keys("", args, NodePoolArgs.__annotations__),
        *check_labels("node_labels", labels),
        *_check_eks_labels("node_labels", labels),
        *check_taints("node_taints", taints),
        *_check_eks_taints("node_taints", taints),
        *check_keys(at, group, NodeGroupArgs.__annotations__),
        *_check_instance_types(f"{at}.instance_types", group["instance_types"]),
        *_check_scaling(f"{at}.scaling", group["scaling"]),
        *_check_root_volume(f"{at}.root_volume", group["root_volume"]),
        *_check_image_gc(f"{at}.image_gc", group.get("image_gc", ImageGcArgs())),
        *_check_choices(at, group),
    ]


def _check_name(name: str) -> Iterator[Problem]:
    if len(name) > POOL_NAME_MAX_LENGTH:
        yield Problem(
            "", name, f"has {len(name)} characters; at most {POOL_NAME_MAX_LENGTH} are accepted"
        )


def _check_eks_labels(path: str, labels: Mapping[str, str]) -> Iterator[Problem]:
    for key, value in labels.items():
        domain = key.rpartition("/")[0]
        at = join(path, key)
        if _is_in(domain, (EKS_DOMAIN,)):
            yield Problem(at, value, f"labels of {EKS_DOMAIN} are set by EKS alone")
        elif _is_in(domain, KUBERNETES_DOMAINS) and not _is_in(domain, KUBELET_LABEL_DOMAINS):
            yield Problem(
                at,
                value,
                f"of {' and '.join(KUBERNETES_DOMAINS)} the kubelet takes labels below "
                f"{' and '.join(KUBELET_LABEL_DOMAINS)} alone; with this one nodes never join",
            )
        if len(key) > MAX_LABEL_LENGTH:
            yield Problem(at, value, f"EKS takes keys of at most {MAX_LABEL_LENGTH} characters")
        if not value:
            yield Problem(at, value, "EKS takes no empty label values")


def _check_eks_taints(path: str, taints: Sequence[TaintArgs]) -> Iterator[Problem]:
    if len(taints) > MAX_TAINTS:
        yield Problem(path, len(taints), f"EKS takes at most {MAX_TAINTS} taints")
    for index, taint in enumerate(taints):
        if len(taint["key"]) > MAX_LABEL_LENGTH:
            yield Problem(
                f"{path}[{index}].key",
                taint["key"],
                f"EKS takes keys of at most {MAX_LABEL_LENGTH} characters",
            )


def _check_instance_types(path: str, instance_types: Sequence[str]) -> Iterator[Problem]:
    if not instance_types:
        yield Problem(path, instance_types, "needs at least one instance type")


def _check_scaling(path: str, scaling: ScalingArgs) -> Iterator[Problem]:
    yield from check_keys(path, scaling, ScalingArgs.__annotations__)
    smallest, largest = scaling["min_size"], scaling["max_size"]
    if smallest < 0:
        yield Problem(f"{path}.min_size", smallest, "must be 0 or more")
    if largest < max(1, smallest):
        yield Problem(
            f"{path}.max_size", largest, f"must be at least 1 and at least min_size ({smallest})"
        )
    desired = scaling.get("desired_size", smallest)
    if not smallest <= desired <= max(smallest, largest):
        yield Problem(
            f"{path}.desired_size",
            desired,
            f"must be from min_size ({smallest}) to max_size ({largest})",
        )


def _check_root_volume(path: str, volume: RootVolumeArgs) -> Iterator[Problem]:
    yield from check_keys(path, volume, RootVolumeArgs.__annotations__)
    size_gib = volume["size_gib"]
    iops = volume.get("iops", GP3_MIN_IOPS)
    throughput = volume.get("throughput_mibps", GP3_MIN_THROUGHPUT_MIBPS)
    yield from check_range(f"{path}.size_gib", size_gib, AL2023_MIN_SIZE_GIB, GP3_MAX_SIZE_GIB)
    yield from check_range(f"{path}.iops", iops, GP3_MIN_IOPS, GP3_MAX_IOPS)
    yield from check_range(
        f"{path}.throughput_mibps", throughput, GP3_MIN_THROUGHPUT_MIBPS, GP3_MAX_THROUGHPUT_MIBPS
    )
    if iops > size_gib * GP3_MAX_IOPS_PER_GIB and size_gib >= AL2023_MIN_SIZE_GIB:
        yield Problem(
            f"{path}.iops",
            iops,
            f"gp3 gives at most {GP3_MAX_IOPS_PER_GIB} a GiB: "
            f"{size_gib * GP3_MAX_IOPS_PER_GIB} at size_gib {size_gib}",
        )
    if throughput > iops * GP3_MAX_THROUGHPUT_MIBPS_PER_IOPS and iops >= GP3_MIN_IOPS:
        yield Problem(
            f"{path}.throughput_mibps",
            throughput,
            f"gp3 gives at most {GP3_MAX_THROUGHPUT_MIBPS_PER_IOPS} an I/O operation: "
            f"{throughput / GP3_MAX_THROUGHPUT_MIBPS_PER_IOPS:.0f} iops are needed, not {iops}",
        )
    key = volume.get("kms_key_arn")
    if key is not None and not (key.startswith("arn:") and ":kms:" in key):
        yield Problem(
            f"{path}.kms_key_arn", key, "must be the ARN of a KMS key, not its ID or alias"
        )


def _check_image_gc(path: str, image_gc: ImageGcArgs) -> Iterator[Problem]:
    yield from check_keys(path, image_gc, ImageGcArgs.__annotations__)
    thresholds = ImageGc(**image_gc)
    high, low = thresholds.high_percent, thresholds.low_percent
    yield from check_range(f"{path}.high_percent", high, 0, 100)
    yield from check_range(f"{path}.low_percent", low, 0, 100)
    if low >= high:
        yield Problem(
            f"{path}.low_percent",
            low,
            f"must be below high_percent ({high}), or the kubelet does not start",
        )
    if AL2023_EVICTION_PERCENT <= high < IMAGE_GC_OFF_PERCENT:
        yield Problem(
            f"{path}.high_percent",
            high,
            f"must be below {AL2023_EVICTION_PERCENT}, where the kubelet evicts and deletes every "
            f"unused image at once, or {IMAGE_GC_OFF_PERCENT} for no collection at all",
        )


def _check_choices(path: str, group: NodeGroupArgs) -> Iterator[Problem]:
    yield from check_choice(
        f"{path}.ami_type", group.get("ami_type", AmiType.AL2023_X86_64_STANDARD), AmiType
    )
    yield from check_choice(
        f"{path}.capacity_type", group.get("capacity_type", CapacityType.ON_DEMAND), CapacityType
    )


def _is_in(domain: str, parents: Sequence[str]) -> bool:
    return any(domain == parent or domain.endswith(f".{parent}") for parent in parents)
