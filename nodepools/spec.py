"""A node pool that fits its images: the inputs of `NodePool`, checked, with defaults set."""

from dataclasses import dataclass

from nodepools.args import (
    AmiType,
    CapacityType,
    NodeGroupArgs,
    NodeGroupKind,
    NodePoolArgs,
    NodeRoleArgs,
    UpdateArgs,
    UpdateStrategy,
    VolumeArgs,
)
from nodepools.checks import node_pool_problems
from nodepools.disk.fit import ImageDisk, image_disk, pool_eviction
from nodepools.disk.volumes import Volume, parse_volume
from nodepools.eks.ami_families import Family, ami_type_of, family_of
from nodepools.fields import from_args
from nodepools.kubelet.args import ContainerLogArgs, ImageGcArgs, ImagePullArgs
from nodepools.kubelet.settings import (
    ContainerLogs,
    ImageGc,
    ImagePulls,
    Kubelet,
    kubelet_configuration,
)
from preloader.nodes import Taint, parse_taints
from preloader.problems import Problem, refuse

# What nodeadm's authors advise for FastImagePull:
# https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/examples/
FAST_PULL_THROUGHPUT_MIBPS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How many nodes a managed group has; Karpenter has no such numbers."""

    min_size: int = 0
    max_size: int = 0
    desired_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """How an update replaces nodes; None where EKS decides."""

    max_unavailable: int | None = None
    max_unavailable_percent: int | None = None
    strategy: UpdateStrategy | None = None
    force: bool | None = None
    timeout_minutes: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRole:
    """A role of the nodes: what it allows beyond joining the cluster and pulling images."""

    cni_policy: bool = True
    ssm_access: bool = False
    permissions_boundary_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePoolSpec:
    """A node pool: its nodes, their disks and how their kubelet treats images."""

    name: str
    kind: NodeGroupKind
    node_labels: tuple[tuple[str, str], ...]
    node_taints: tuple[Taint, ...]
    startup_taints: tuple[Taint, ...]
    instance_types: tuple[str, ...]
    ami_type: AmiType
    family: Family
    release_version: str | None
    version: str | None
    capacity_type: CapacityType
    scaling: Scaling
    limits: tuple[tuple[str, str], ...]
    expire_after: str | None
    update: Update
    root_volume: Volume
    data_volume: Volume | None
    instance_store_gib: int | None
    kubelet: Kubelet
    image_disk: ImageDisk
    metadata_hop_limit: int
    node_role: NodeRole
    tags: tuple[tuple[str, str], ...]


def node_pool_spec(name: str, args: NodePoolArgs) -> NodePoolSpec:
    """Returns the spec of the pool; raises InvalidInput with every problem of its inputs."""
    refuse(f"NodePool {name!r}", node_pool_problems(name, args))
    group = args["node_group"]
    ami_type = AmiType(ami_type_of(group))
    family = family_of(ami_type)
    disk = image_disk(args)
    return NodePoolSpec(
        name=name,
        kind=NodeGroupKind(group.get("kind", NodeGroupKind.MANAGED)),
        node_labels=tuple(sorted(args.get("node_labels", {}).items())),
        node_taints=parse_taints(args.get("node_taints", [])),
        startup_taints=parse_taints(group.get("startup_taints", [])),
        instance_types=tuple(group["instance_types"]),
        ami_type=ami_type,
        family=family,
        release_version=group.get("release_version"),
        version=group.get("version"),
        capacity_type=CapacityType(group.get("capacity_type", CapacityType.ON_DEMAND)),
        scaling=_scaling(group),
        limits=tuple(sorted(group.get("limits", {}).items())),
        expire_after=group.get("expire_after"),
        update=from_args(Update, group.get("update", UpdateArgs())),
        root_volume=_root_volume(group, family, disk),
        data_volume=_data_volume(group, family, disk),
        instance_store_gib=group.get("instance_store_gib"),
        kubelet=pool_kubelet(args),
        image_disk=disk,
        metadata_hop_limit=group.get("metadata_hop_limit", 1),
        node_role=from_args(NodeRole, group.get("node_role", NodeRoleArgs())),
        tags=tuple(sorted(group.get("tags", {}).items())),
    )


def pool_kubelet(args: NodePoolArgs) -> Kubelet:
    """What the pool's kubelets are told; of inputs that need not have been checked."""
    group = args["node_group"]
    family = family_of(ami_type_of(group))
    return Kubelet(
        image_gc=from_args(ImageGc, group.get("image_gc", ImageGcArgs())),
        eviction=pool_eviction(group),
        # Where saying one threshold drops the defaults of the others, all are always said.
        states_eviction=not family.merges_eviction or "hard" in group.get("eviction", {}),
        image_pulls=from_args(ImagePulls, group.get("image_pulls", ImagePullArgs())),
        container_logs=from_args(ContainerLogs, group.get("container_logs", ContainerLogArgs())),
    )


def volumes_by_device(spec: NodePoolSpec) -> dict[str, Volume]:
    """Every volume of a node, by the device that its AMI expects it at."""
    devices = {spec.family.root_device: spec.root_volume}
    if spec.family.data_device and spec.data_volume:
        devices[spec.family.data_device] = spec.data_volume
    return devices


def image_volume(spec: NodePoolSpec) -> Volume:
    """The volume that holds the images, unless they are on local disks."""
    return spec.data_volume or spec.root_volume


def user_data(spec: NodePoolSpec) -> str:
    """The text that a launch template carries, not yet in base64."""
    return spec.family.user_data(
        kubelet_configuration(spec.kubelet),
        fast_pull=spec.kubelet.image_pulls.fast,
        instance_store=spec.instance_store_gib is not None,
    )


def eviction_percent(spec: NodePoolSpec) -> int:
    """Use of the images' disk at which the kubelet deletes every unused image."""
    return spec.image_disk.eviction_percent()


def require_kind(spec: NodePoolSpec, kind: NodeGroupKind) -> None:
    """Raises InvalidInput unless the pool's nodes are made the way that a component makes them."""
    if spec.kind is not kind:
        accepted = f"must be {kind}; NodePool makes managed groups, KarpenterPool the others"
        refuse(f"Pool {spec.name!r}", [Problem("node_group.kind", spec.kind, accepted)])


def notes(spec: NodePoolSpec) -> list[str]:
    """What a person should know of a pool that is accepted."""
    disk, volume = spec.image_disk, image_volume(spec)
    found: list[str] = []
    if disk.unknown:
        found.append(
            f"whether the images fit the disk is not known, since the size is not of "
            f"{', '.join(disk.unknown)}; run `preloadctl lock`"
        )
    if (
        spec.kubelet.image_pulls.fast
        and spec.instance_store_gib is None
        and volume.throughput_mibps < FAST_PULL_THROUGHPUT_MIBPS
    ):
        found.append(
            f"image_pulls.fast gains little on a volume of {volume.throughput_mibps} MiB a second; "
            f"{FAST_PULL_THROUGHPUT_MIBPS} or more are advised"
        )
    return found


def _scaling(group: NodeGroupArgs) -> Scaling:
    if "scaling" not in group:
        return Scaling()
    scaling = group["scaling"]
    return from_args(Scaling, {"desired_size": scaling["min_size"], **scaling})


def _root_volume(group: NodeGroupArgs, family: Family, disk: ImageDisk) -> Volume:
    holds_images = family.data_device is None and "instance_store_gib" not in group
    return parse_volume(
        group.get("root_volume", VolumeArgs()),
        disk.smallest_gib() if holds_images else family.root_min_gib,
    )


def _data_volume(group: NodeGroupArgs, family: Family, disk: ImageDisk) -> Volume | None:
    if family.data_device is None:
        return None
    holds_images = "instance_store_gib" not in group
    return parse_volume(
        group.get("data_volume", VolumeArgs()),
        disk.smallest_gib() if holds_images else family.data_min_gib,
    )
