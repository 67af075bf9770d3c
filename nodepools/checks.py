"""Everything that is wrong with the inputs of a node pool, found before anything is registered."""

from collections.abc import Iterator

from nodepools.args import (
    AmiType,
    CapacityType,
    NodeGroupArgs,
    NodeGroupKind,
    NodePoolArgs,
    VolumeArgs,
)
from nodepools.consequences import NO_GROUP
from nodepools.disk.fit import check_disk_inputs, check_fit, image_disk
from nodepools.disk.volumes import check_root_snapshot, check_volume
from nodepools.eks.ami_families import Family, ami_type_of, family_of, why_refused
from nodepools.eks.group_checks import (
    check_kind,
    check_network,
    check_node_role,
    check_scaling,
    check_update,
    check_versions,
)
from nodepools.eks.instance_checks import check_instance_types
from nodepools.kubelet.args import ContainerLogArgs, EvictionArgs, ImageGcArgs, ImagePullArgs
from nodepools.kubelet.checks import (
    check_container_logs,
    check_high_water,
    check_image_gc,
    check_image_pulls,
)
from nodepools.kubelet.eviction import check_eviction
from nodepools.node_checks import check_eks_labels, check_eks_taints, check_tags
from preloader.nodes import check_labels, check_taints
from preloader.problems import Problem, check_choice, check_keys, check_range

# EKS's limit for a node group's name, less what Pulumi and the component add to the pool's.
NODE_GROUP_NAME_MAX_LENGTH = 63
POOL_NAME_MAX_LENGTH = NODE_GROUP_NAME_MAX_LENGTH - len("-node-group") - len("-a1b2c3d")
AT = "node_group"
NO_MAKER = ": nothing else makes nodes here"
TOO_OPEN = (
    ": with 0 the node itself cannot read its metadata, and beyond 2 no pod needs it, so more only "
    "opens the node's credentials"
)


def node_pool_problems(name: str, args: NodePoolArgs) -> list[Problem]:
    """Returns every problem of a node pool's inputs; the pool's own name has the empty path."""
    group = args["node_group"]
    family = family_of(ami_type_of(group))
    unusable = [
        *check_disk_inputs(args),
        *check_eviction(
            f"{AT}.eviction", group.get("eviction", EvictionArgs()), family.default_eviction
        ),
    ]
    volumes = [*_check_volumes(group, family)]
    disk = image_disk(args)
    # Nothing can be worked out from thresholds and sizes that are refused already.
    line = 100 if unusable else disk.eviction_percent()
    thresholds = [*_check_line(group, line), *_check_thresholds(args, line)]
    return [
        *_check_name(name),
        *check_keys("", args, NodePoolArgs.__annotations__),
        *check_keys(AT, group, NodeGroupArgs.__annotations__),
        *_check_nodes(args),
        *_check_choices(group),
        *check_kind(args, family),
        *check_instance_types(AT, group),
        *check_scaling(f"{AT}.scaling", group),
        *check_update(f"{AT}.update", group),
        *check_versions(AT, group, family),
        *check_network(args),
        *check_node_role(f"{AT}.node_role", args),
        *_check_rest(args, family),
        *unusable,
        *volumes,
        *thresholds,
        *([] if unusable or volumes or thresholds else check_fit(disk)),
    ]


def _check_name(name: str) -> Iterator[Problem]:
    if len(name) > POOL_NAME_MAX_LENGTH:
        yield Problem(
            "", name, f"has {len(name)} characters; at most {POOL_NAME_MAX_LENGTH} are accepted"
        )


def _check_nodes(args: NodePoolArgs) -> Iterator[Problem]:
    labels, taints = args.get("node_labels", {}), args.get("node_taints", [])
    startup_taints = args["node_group"].get("startup_taints", [])
    yield from check_labels("node_labels", labels)
    yield from check_eks_labels("node_labels", labels)
    yield from check_taints("node_taints", taints)
    yield from check_taints(f"{AT}.startup_taints", startup_taints)
    yield from check_eks_taints("node_taints", taints, f"{AT}.startup_taints", startup_taints)


def _check_choices(group: NodeGroupArgs) -> Iterator[Problem]:
    yield from check_choice(
        f"{AT}.kind", group.get("kind", NodeGroupKind.MANAGED), NodeGroupKind, NO_MAKER
    )
    yield from check_choice(
        f"{AT}.capacity_type",
        group.get("capacity_type", CapacityType.ON_DEMAND),
        CapacityType,
        NO_GROUP,
    )
    ami_type = ami_type_of(group)
    yield from map(with_reason, check_choice(f"{AT}.ami_type", ami_type, AmiType, NO_GROUP))


def with_reason(problem: Problem) -> Problem:
    """Adds to the problem of an AMI type why it is refused; returns any other as it is."""
    is_ami_type = problem.path.endswith(f"{AT}.ami_type")
    why = why_refused(str(problem.value)) if is_ami_type else ""
    accepted = f"{problem.accepted}; {why}" if why else problem.accepted
    return Problem(problem.path, problem.value, accepted)


def _check_volumes(group: NodeGroupArgs, family: Family) -> Iterator[Problem]:
    root = group.get("root_volume", VolumeArgs())
    yield from check_volume(f"{AT}.root_volume", root, family.root_min_gib)
    yield from check_root_snapshot(f"{AT}.root_volume", root)
    if "data_volume" not in group:
        return
    if family.data_device is None:
        yield Problem(
            f"{AT}.data_volume",
            dict(group["data_volume"]),
            "must be left out: AL2023 keeps images on root_volume, and this one would stay unused",
        )
    else:
        yield from check_volume(f"{AT}.data_volume", group["data_volume"], family.data_min_gib)


def _check_line(group: NodeGroupArgs, eviction_percent: int) -> Iterator[Problem]:
    if eviction_percent <= 0:
        yield Problem(
            f"{AT}.eviction",
            dict(group.get("eviction", EvictionArgs())),
            "must leave a part of the disk to use, or the kubelet evicts every pod from the start",
        )


def _check_thresholds(args: NodePoolArgs, eviction_percent: int) -> Iterator[Problem]:
    image_gc = args["node_group"].get("image_gc", ImageGcArgs())
    high_water = args.get("high_water_percent")
    yield from check_image_gc(f"{AT}.image_gc", image_gc, eviction_percent)
    yield from check_high_water("high_water_percent", high_water, image_gc, eviction_percent)


def _check_rest(args: NodePoolArgs, family: Family) -> Iterator[Problem]:
    group = args["node_group"]
    pulls = group.get("image_pulls", ImagePullArgs())
    lanes = min(args.get("lanes", 1), max(1, len(args.get("images", []))))
    yield from check_image_pulls(f"{AT}.image_pulls", pulls, lanes)
    if "serialize" in pulls and not family.can_serialize_pulls:
        yield Problem(
            f"{AT}.image_pulls.serialize",
            pulls["serialize"],
            "must be left out: Bottlerocket has no setting for it and always pulls in parallel",
        )
    logs = group.get("container_logs", ContainerLogArgs())
    yield from check_container_logs(f"{AT}.container_logs", logs)
    yield from check_range(
        f"{AT}.metadata_hop_limit", group.get("metadata_hop_limit", 1), 1, 2, TOO_OPEN
    )
    yield from check_tags(f"{AT}.tags", group.get("tags", {}))
